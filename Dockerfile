# compatbuild as an image: the command line, and a scanner of BuildKit when no command is given.
#
#   docker buildx build --tag registry.example/compatbuild:0.1.0 .
#   docker run --rm registry.example/compatbuild:0.1.0 infer registry.example/app:1.2
#   docker buildx build --sbom=generator=registry.example/compatbuild:0.1.0 --push --tag registry.example/app:1.2 app

# For builds that can be repeated, give the base by digest: --build-arg PYTHON=python@sha256:…
# Without the internet: a base of your own (its `python` is 3.11 or later), and --secret id=pip.conf,src=FILE with pip's
# settings, which name your index. The secret is in no layer.
ARG PYTHON=python:3.13-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE requirements.lock requirements-build.lock ./
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv /opt/build \
 && /opt/build/bin/python -m pip install --no-cache-dir --require-hashes --requirement requirements-build.lock \
 && python -m venv --without-pip /opt/compatbuild \
 && /opt/build/bin/python -m pip --python /opt/compatbuild/bin/python install --no-cache-dir \
      --only-binary :all: --require-hashes --requirement requirements.lock
COPY compatbuild compatbuild
COPY schemas schemas
COPY templates templates
RUN /opt/build/bin/python -m pip wheel --no-index --no-deps --no-build-isolation --wheel-dir /src/wheel . \
 && /opt/build/bin/python -m pip --python /opt/compatbuild/bin/python install --no-index --no-deps \
      /src/wheel/compatbuild-*.whl

FROM ${PYTHON}
LABEL org.opencontainers.image.title="compatbuild" \
      org.opencontainers.image.description="Say what a container image needs of its host" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/compatbuild /opt/compatbuild
ENV PATH=/opt/compatbuild/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp
WORKDIR /work
# Without a name in /etc/passwd: whoever runs it may give another number, and mount what that one may read.
USER 65532:65532
ENTRYPOINT ["compatbuild"]
CMD ["buildkit-scan"]
