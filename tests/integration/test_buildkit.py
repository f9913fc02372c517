"""BuildKit runs our scanner in a build, keeps what it writes as an attestation, and what it pushes can be published.

Asked by ``buildctl``, and by ``docker buildx``, whose metadata files name what ``publish`` is to read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from compatbuild.model.report import Report
from tests.builders.elf import elf
from tests.builders.gomodules import SYFT, module_file
from tests.builders.scanner_image import SITE, write_root
from tests.integration.shell import ROOT, Shell, registry, shell
from tests.peers.buildkit import BuildKit, buildkit
from tests.peers.buildx import Buildx, buildx

pytestmark = pytest.mark.peer
PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True)
class Builds:
    """BuildKit, a registry, and our scanner in it."""

    daemon: BuildKit
    address: str
    run: Shell
    context: Path

    @property
    def scanner(self) -> str:
        return f"{self.address}/scan:1"

    @property
    def generator(self) -> str:
        return f"attest:sbom=generator={self.scanner}"

    def push(self, name: str, *options: str) -> str:
        """Build the program's image and push it, and return its reference."""
        reference = f"{self.address}/{name}:1"
        output = f"type=image,name={reference},push=true,registry.insecure=true"
        done = self.daemon.build(self.context, "--output", output, *options)
        assert done.returncode == 0, done.stderr[-5000:]
        return reference

    def manifest(self, reference: str) -> Any:
        return json.loads(self.run.peer("crane", "manifest", "--insecure", reference))


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builds]:
    directory = tmp_path_factory.mktemp("buildkit")
    scanner, app = directory / "scanner", directory / "app"
    python = write_root(scanner / "root")
    entrypoint = json.dumps([python, "-m", "compatbuild"])
    (scanner / "Dockerfile").write_text(
        f'FROM scratch\nCOPY root /\nENV PYTHONPATH={SITE} HOME=/tmp\nENTRYPOINT {entrypoint}\nCMD ["buildkit-scan"]\n'
    )
    (app / "root/usr/bin").mkdir(parents=True)
    (app / "root/usr/lib").mkdir()
    (app / "root/usr/bin/app").write_bytes(elf(needed=["libcudart.so.12"], machine=62))
    (app / "root/usr/lib/libcudart.so.12").write_bytes(elf(soname="libcudart.so.12", machine=62))
    (app / "Dockerfile").write_text(
        "FROM scratch AS stage\nARG BUILDKIT_SBOM_SCAN_STAGE\nCOPY Dockerfile /made\n"
        "FROM scratch\nCOPY --from=stage /made /made\nCOPY root /\n"
        'LABEL org.compatbuild.require.kernel=">=5.10"\nENTRYPOINT ["/usr/bin/app"]\n'
    )
    with buildkit() as daemon, registry("api") as address:
        output = f"type=image,name={address}/scan:1,push=true,registry.insecure=true"
        done = daemon.build(scanner, "--output", output)
        assert done.returncode == 0, done.stderr[-5000:]
        yield Builds(daemon, address, shell(directory), app)


def statements(builds: Builds, reference: str) -> list[Any]:
    """Return the statements that the index of an image keeps beside it."""
    kept = "vnd.docker.reference.type"
    entries = builds.manifest(reference)["manifests"]
    (digest,) = [one["digest"] for one in entries if one.get("annotations", {}).get(kept) == "attestation-manifest"]
    repository = reference.rpartition(":")[0]
    layers = builds.manifest(f"{repository}@{digest}")["layers"]
    assert {layer["annotations"]["in-toto.io/predicate-type"] for layer in layers} == {"https://spdx.dev/Document"}
    blobs = [builds.run.peer("crane", "blob", "--insecure", f"{repository}@{layer['digest']}") for layer in layers]
    return [json.loads(blob) for blob in blobs]


@pytest.mark.download
def test_what_the_image_needs_is_kept_beside_it(builds: Builds) -> None:
    (statement,) = statements(builds, builds.push("app", "--opt", builds.generator))
    document = statement["predicate"]
    schema = json.loads(module_file(SYFT, "schema/spdx-json/spdx-schema-2.3.json"))
    assert [error.message for error in jsonschema.Draft7Validator(schema).iter_errors(document)] == []
    head, *rest = [json.loads(one["comment"]) for one in document["annotations"]]
    report = Report.model_validate_json(json.dumps(head | {"findings": [one["finding"] for one in rest]}))
    assert report.image.reference == "/run/src/core/sbom"
    assert "cuda.driver.min" in report.facts
    assert statement["subject"][0]["digest"]


def test_a_stage_has_a_document_of_its_own(builds: Builds) -> None:
    reference = builds.push("stages", "--opt", builds.generator, "--opt", "build-arg:BUILDKIT_SBOM_SCAN_STAGE=true")
    names = {statement["predicate"]["name"] for statement in statements(builds, reference)}
    assert "sbom" in names
    assert any(name.startswith("sbom-") for name in names)


def test_what_was_pushed_with_it_is_published_with_what_only_the_configuration_says(builds: Builds) -> None:
    reference = builds.push("published", "--opt", builds.generator)
    builds.run.ok("publish", reference)
    spec = builds.run.ok("pull", reference)
    assert "kernel.version" in spec  # from the label, which a scanner does not see
    (statement,) = statements(builds, reference)
    assert "org.compatbuild.require" not in json.dumps(statement)


def test_our_dockerfile_has_no_mistakes_that_buildkit_knows(builds: Builds, tmp_path: Path) -> None:
    base = f"build-arg:PYTHON={builds.address}/scan:1"

    def warnings(text: str) -> str:
        (tmp_path / "Dockerfile").write_text(text)
        done = builds.daemon.build(tmp_path, "--opt", "requestid=frontend.lint", "--opt", base)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    text = (ROOT / "Dockerfile").read_text()
    assert "WARNING" not in warnings(text)
    assert "WARNING" in warnings(text.replace("USER 65532:65532", "MAINTAINER nobody"))


@pytest.fixture(scope="module")
def client(builds: Builds, tmp_path_factory: pytest.TempPathFactory) -> Buildx:
    return buildx(tmp_path_factory.mktemp("buildx"), builds.daemon)


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A Dockerfile whose image needs something on whatever platform, by its label."""
    (tmp_path / "app").write_text("text")
    (tmp_path / "Dockerfile").write_text(
        'FROM scratch\nCOPY app /app\nARG AT=5.10\nLABEL org.compatbuild.require.kernel=">=$AT"\n'
    )
    return tmp_path


def published(builds: Builds, metadata: Path) -> list[str]:
    """Publish what a metadata file names, again in vain, and return of what there is a specification now, sorted."""
    told = builds.run.json("publish", "--metadata-file", metadata)
    assert (told["changed"], builds.run.json("publish", "--metadata-file", metadata)["changed"]) == (True, False)
    return sorted(row["what"] for row in told["published"] if row["what"].startswith("specification"))


def attested(index: Any) -> set[str]:
    """Return the digests of what is no image in an index: BuildKit's attestations."""
    return {one["digest"] for one in index["manifests"] if one["platform"]["os"] == "unknown"}


def test_buildx_keeps_what_our_scanner_says_and_its_metadata_is_published_from(
    builds: Builds, client: Buildx, tmp_path: Path
) -> None:
    image, metadata = f"{builds.address}/bx/app:1", tmp_path / "m.json"
    sbom = f"--sbom=generator={builds.scanner}"
    client.ok(builds.context, "build", "--push", "--tag", image, sbom, "--metadata-file", metadata, ".")
    told = json.loads(client.ok(tmp_path, "imagetools", "inspect", image, "--format", "{{json .SBOM}}"))
    assert "cuda.driver.min" in json.loads(told["SPDX"]["annotations"][0]["comment"])["facts"]
    index = builds.manifest(image)
    assert len(index["manifests"]) == 2
    assert len(attested(index)) == 1
    assert published(builds, metadata) == ["specification (index)", "specification (linux/amd64)"]
    assert "kernel.version" in builds.run.ok("pull", image)


def test_the_lines_of_a_dockerfile_that_brought_what_is_needed(builds: Builds, client: Buildx) -> None:
    """By the history that BuildKit wrote, whatever else the Dockerfile does."""
    image = f"{builds.address}/bx/lines:1"
    client.ok(builds.context, "build", "--push", "--provenance=false", "--tag", image, ".")
    dockerfile = builds.context / "Dockerfile"
    told = builds.run.run("infer", image, "--dockerfile", dockerfile, "-o", "sarif")
    assert "cannot be told" not in told.err
    lines = {
        result["ruleId"]: result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in told.value["runs"][0]["results"]
    }
    text = dockerfile.read_text().splitlines()
    assert text[lines.pop("label.kernel") - 1].startswith("LABEL")
    assert {text[line - 1] for line in lines.values()} == {"COPY root /"}


def test_several_platforms_by_their_metadata(builds: Builds, client: Buildx, context: Path) -> None:
    image, metadata = f"{builds.address}/bx/both:1", context / "m.json"
    platforms = f"--platform={','.join(PLATFORMS)}"
    client.ok(context, "build", "--push", "--tag", image, platforms, "--metadata-file", metadata, ".")
    assert published(builds, metadata) == [f"specification ({name})" for name in ("index", *PLATFORMS)]
    for platform in PLATFORMS:
        assert ">=5.10" in builds.run.ok("pull", image, "--platform", platform)


def test_bake_names_several_images_in_one_file(builds: Builds, client: Buildx, context: Path) -> None:
    (context / "docker-bake.json").write_text(
        json.dumps(
            {
                "group": {"default": {"targets": ["one", "two"]}},
                "target": {
                    "one": {
                        "tags": [f"{builds.address}/bake/one:{tag}" for tag in ("1", "latest")],
                        "output": ["type=registry"],
                        "attest": ["type=provenance,disabled=true"],
                    },
                    "two": {
                        "tags": [f"{builds.address}/bake/two:1", f"{builds.address}/bake/copy:1"],
                        "args": {"AT": "6.1"},
                        "platforms": PLATFORMS,
                        "output": ["type=registry"],
                    },
                },
            }
        )
    )
    metadata = context / "m.json"
    client.ok(context, "bake", "--metadata-file", metadata)
    assert len(published(builds, metadata)) == 1 + 2 * 3
    for name, kernel in (("one", ">=5.10"), ("two", ">=6.1"), ("copy", ">=6.1")):
        assert kernel in builds.run.ok("pull", f"{builds.address}/bake/{name}:1", "--platform", "linux/amd64")


def test_a_build_without_a_name_needs_one_and_one_that_made_no_image_is_refused(
    builds: Builds, client: Buildx, context: Path
) -> None:
    repository, metadata = f"{builds.address}/bx/unnamed", context / "m.json"
    pushed = f"type=image,name={repository},push-by-digest=true,name-canonical=true,push=true"
    client.ok(context, "build", "--output", pushed, "--metadata-file", metadata, ".")
    assert published(builds, metadata)

    client.ok(context, "build", "--output=type=oci,dest=image.tar", "--metadata-file", metadata, ".")
    told = builds.run.run("publish", "--metadata-file", metadata)
    assert (told.code, "names no image" in told.err) == (2, True)

    client.ok(context, "build", "--output=type=local,dest=out", "--metadata-file", metadata, ".")
    told = builds.run.run("publish", "--metadata-file", metadata)
    assert (told.code, "made no image" in told.err) == (2, True)

    client.ok(context, "build", "--tag", f"{repository}:none", "--output=type=image", "--metadata-file", metadata, ".")
    told = builds.run.run("publish", "--metadata-file", metadata)
    assert told.code == 3, told.err
