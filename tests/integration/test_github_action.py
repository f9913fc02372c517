"""The action as workflows use it, run by act against registries on loopback."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import yaml

from tests.builders.programs import write_image, write_index
from tests.integration.act import Checkout, Done, checkout, copy_action, pull_request
from tests.integration.journey import OTHER_SPEC, make_keys
from tests.integration.shell import PASSWORD, REGISTRIES, Shell, push, registry, shell
from tests.peers import servers
from tests.peers.certificates import loopback_tls

pytestmark = pytest.mark.peer
NUMBER = count()  # of repositories: one a test
LEAKS = {"set-env", "add-path"}
"""Commands that would change later steps of a job."""
DOCKERFILE = """\
FROM debian:12 AS build
RUN make app
# app needs /usr/bin/app
FROM debian:12
COPY --from=build /out/ /usr/
"""
BUILT = [{"created_by": "COPY /out/ /usr/ # buildkit"}]
"""What BuildKit writes of the last line, which names nothing of what is in the layer."""
TEMPLATE = """\
version: compatbuild/v1
requirements:
  {{ requirements | yaml_list }}
  - {kernel: ">=5.10", id: author.kernel}
"""


@pytest.fixture(scope="module")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copy_action(tmp_path_factory.mktemp("action"))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module", params=sorted(REGISTRIES))
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with registry(request.param) as running:
        yield running


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One registry for all that does not depend on which; without the referrers API, as GHCR has none."""
    with registry("fallback") as running:
        yield running


@pytest.fixture
def repository(tmp_path: Path, action: Path) -> Checkout:
    return checkout(tmp_path / "act", action)


@pytest.fixture
def author(tmp_path: Path) -> Shell:
    return shell(tmp_path)


def told(done: Done, step: str = "compat") -> str:
    """Return what a failed assertion should show."""
    return done.raw[-4000:] if step not in done.steps else done.steps[step].log + str(done.steps[step].annotations)


def test_a_push_publishes_signed_and_once(
    repository: Checkout, author: Shell, keys: Path, address: str, tmp_path: Path
) -> None:
    name = f"{address}/team/app-{next(NUMBER)}"
    push(author, write_image(tmp_path / "image"), address, name.partition("/")[2])
    digest = _digest(author, f"{name}:v1")
    done = repository.run(
        f"""
- id: compat
  uses: USES
  env: {{COSIGN_PASSWORD: "{PASSWORD}"}}
  with:
    subject-name: {name}
    subject-digest: {digest}
    push-to-registry: true
    signing-key: ${{{{ secrets.KEY }}}}
    check-profiles: debian-12, rhel-9
    python: PYTHON
- id: again
  uses: USES
  env: {{COSIGN_PASSWORD: "{PASSWORD}"}}
  with: {{image: "{name}:v1", push-to-registry: true, signing-key: "${{{{ secrets.KEY }}}}", python: PYTHON}}
- run: cp "$SARIF" "$HOME/compat.sarif" && cp "$SPEC" "$HOME/spec.yaml"
  env:
    SARIF: ${{{{ steps.compat.outputs.sarif-path }}}}
    SPEC: ${{{{ steps.compat.outputs.spec-path }}}}
""",
        secrets={"KEY": (keys / "cosign.key").read_text()},
    )
    assert done.code == 0, told(done)
    compat = done.steps["compat"]
    assert not done.commands & LEAKS
    assert (compat.outputs["digest"], compat.outputs["compatible"]) == (digest, "unknown")
    assert compat.outputs["artifact-ref"] == f"{name}@{compat.outputs['artifact-digest']}"
    assert compat.annotations == ()
    assert "Published." in compat.summary
    assert ", signed (key)." in compat.summary
    assert "| NVIDIA driver >= 525.60.13 | proven | `/usr/bin/app [DT_NEEDED]`" in compat.summary
    assert "| debian-12 | depends |" in compat.summary
    again = done.steps["again"]
    assert "nothing changed" in again.summary
    assert again.outputs["artifact-digest"] == compat.outputs["artifact-digest"]
    assert "PRIVATE KEY" not in done.raw
    verified = author.json("verify", f"{name}:v1", "--key", str(keys / "cosign.pub"))["verified"]
    assert [one["spec"] for one in verified] == [compat.outputs["artifact-digest"]]
    author.peer(
        "cosign",
        "verify",
        "--key",
        keys / "cosign.pub",
        "--insecure-ignore-tlog=true",
        "--allow-http-registry",
        f"{name}@{digest}",
    )
    assert (repository.home / "spec.yaml").read_text() == author.ok("pull", f"{name}:v1")
    results = json.loads((repository.home / "compat.sarif").read_text())["runs"][0]["results"]
    assert {"cuda.driver-min", "cpu.cpuid"} <= {one["ruleId"] for one in results}


def _digest(author: Shell, name: str) -> str:
    return author.peer("crane", "digest", "--insecure", name).strip()


def test_a_tag_publishes_every_platform_of_an_index(
    repository: Checkout, author: Shell, other: str, tmp_path: Path
) -> None:
    name = push(author, write_index(tmp_path / "index"), other, f"team/index-{next(NUMBER)}")
    done = repository.run(
        f"""
- id: compat
  uses: USES
  with: {{image: "{name}", push-to-registry: true, sign: none, check-profiles: debian-12, python: PYTHON}}
- run: ls "$DIRECTORY" > "$HOME/listing"
  env: {{DIRECTORY: "${{{{ steps.compat.outputs.directory }}}}"}}
""",
        {"ref": "refs/tags/v1.0.0", "repository": {"full_name": "team/app"}},
    )
    assert done.code == 0, told(done)
    compat = done.steps["compat"]
    assert "**not signed**" in compat.summary
    assert all(f"Where {place} runs" in compat.summary for place in ("the index", "linux/amd64", "linux/arm64"))
    files = (repository.home / "listing").read_text().split()
    assert {"spec.yaml", "spec-linux-amd64.yaml", "spec-linux-arm64.yaml", "report-linux-arm64.json"} <= set(files)
    assert len(author.json("show", name)["subjects"]) == 3


def test_a_pull_request_from_a_fork_publishes_nothing_and_is_told_what_changed(
    repository: Checkout, author: Shell, other: str, tmp_path: Path
) -> None:
    base = push(author, write_image(tmp_path / "base"), other, f"team/base-{next(NUMBER)}")
    (author.directory / "old.yaml").write_text(OTHER_SPEC)
    author.ok("attach", base, "old.yaml")
    image = push(author, write_image(tmp_path / "image", mark="new", history=BUILT), other, f"team/fork-{next(NUMBER)}")
    (repository.work / "Dockerfile").write_text(DOCKERFILE)
    done = repository.run(
        f"""
- id: compat
  continue-on-error: true
  uses: USES
  with:
    image: registry:{image}
    push-to-registry: true
    compare-with: {base}
    fail-on: tightened
    python: PYTHON
- id: later
  run: echo "outcome=$OUTCOME" >> "$GITHUB_OUTPUT"
  env: {{OUTCOME: "${{{{ steps.compat.outcome }}}}"}}
""",
        pull_request("stranger/app"),
        name="pull_request",
    )
    compat = done.steps["compat"]
    assert done.steps["later"].outputs == {"outcome": "failure"}, told(done)
    assert "nothing is published of a pull request from a fork" in compat.log
    assert author.run("show", image).code == 3
    assert (compat.outputs["drift"], compat.outputs["exit-code"]) == ("mixed", "10")
    assert {one["level"] for one in compat.annotations} == {"error"}
    (driver,) = (one for one in compat.annotations if "driver-version" in one["message"])
    assert (driver["file"], driver["line"]) == ("Dockerfile", "5")
    assert "| added |" in compat.summary


def test_a_pull_request_warns_of_what_is_new_at_the_line_of_the_template(
    repository: Checkout, author: Shell, other: str, tmp_path: Path
) -> None:
    base = push(author, write_image(tmp_path / "base"), other, f"team/base-{next(NUMBER)}")
    author.ok("publish", base)
    service = repository.work / "a service"
    write_image(service / "my image", mark="other")
    (service / "compat.yaml.j2").write_text(TEMPLATE)
    done = repository.run(
        f"""
- id: compat
  uses: USES
  with: {{config: a service, image: "oci-dir:my image", compare-with: "{base}", sarif-file: "out put.sarif", python: PYTHON}}
- run: cp "a service/out put.sarif" "$HOME/compat.sarif"
""",
        pull_request(),
        name="pull_request",
    )
    assert done.code == 0, told(done)
    compat = done.steps["compat"]
    assert compat.outputs["drift"] == "more"
    (kernel,) = compat.annotations
    assert (kernel["level"], kernel["file"], kernel["line"]) == ("warning", "a service/compat.yaml.j2", "4")
    assert compat.outputs["sarif-path"].endswith("/a service/out put.sarif")
    places = {
        one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for one in json.loads((repository.home / "compat.sarif").read_text())["runs"][0]["results"]
    }
    assert places == {"a%20service/compat.yaml.j2"}


def test_without_permissions_it_says_what_is_missing(repository: Checkout, author: Shell, tmp_path: Path) -> None:
    layout = write_image(tmp_path / "image")
    with servers.debian_registry(htpasswd={"owner": "secret"}) as address:
        done = repository.run(
            f"""
- id: denied
  continue-on-error: true
  uses: USES
  with: {{image: "{address}/team/app:v1", push-to-registry: true, python: PYTHON}}
- id: keyless
  continue-on-error: true
  uses: USES
  with: {{image: "{address}/team/app:v1", push-to-registry: true, sign: keyless, python: PYTHON}}
"""
        )
    del layout, author
    denied, keyless = done.steps["denied"], done.steps["keyless"]
    (annotation,) = denied.annotations
    assert (denied.outputs["exit-code"], annotation["level"]) == ("1", "error"), told(done, "denied")
    assert annotation["message"].startswith(f"{address} ")
    assert "**Failed:**" in denied.summary
    (annotation,) = keyless.annotations
    assert "id-token: write" in annotation["message"]
    assert keyless.outputs["exit-code"] == "2"


def test_a_private_registry_with_an_authority_of_its_own(
    repository: Checkout, author: Shell, keys: Path, tmp_path: Path
) -> None:
    """What needs neither the internet nor a flag: variables, the user's credentials, and the settings of the project."""
    tls = loopback_tls(tmp_path)
    login = base64.b64encode(b"owner:secret").decode()
    with servers.debian_registry(htpasswd={"owner": "secret"}, tls=tls) as address:
        (repository.home / ".docker").mkdir()
        (repository.home / ".docker" / "config.json").write_text(json.dumps({"auths": {address: {"auth": login}}}))
        layout = write_image(tmp_path / "image")
        to = ("--to-ca-file", tls.ca, "--to-username", "owner", "--to-password", "secret")
        author.peer("oras", "cp", "--from-oci-layout", *to, f"{layout}:v1", f"{address}/team/app:v1")
        settings = f"image: {address}/team/app:v1\ntemplate: own.yaml.j2\nsign: key:cosign.key\n"
        (repository.work / ".compatbuild.yaml").write_text(settings)
        (repository.work / "own.yaml.j2").write_text(TEMPLATE)
        (repository.work / "cosign.key").write_bytes((keys / "cosign.key").read_bytes())
        done = repository.run(
            f"""
- id: look
  uses: USES
  with: {{python: PYTHON}}
- id: compat
  uses: USES
  env: {{COSIGN_PASSWORD: "{PASSWORD}"}}
  with: {{push-to-registry: true, compare-with: "{address}/team/app:v1", python: PYTHON}}
- run: cp "$SPEC" "$HOME/spec.yaml"
  env: {{SPEC: "${{{{ steps.look.outputs.spec-path }}}}"}}
""",
            environ={"COMPATBUILD_CA_FILE": str(tls.ca)},
        )
    assert done.code == 0, told(done)
    assert "kernel >=5.10" in (repository.home / "spec.yaml").read_text()  # as the template of the settings adds
    assert ", signed (key)." in done.steps["compat"].summary
    assert done.steps["compat"].outputs["drift"] == "same"


HOSTILE = (
    """$(touch "$HOME/pwned"); `touch "$HOME/pwned"` | & > "$HOME/pwned" ' && \\ ${HOME} ::set-output name=x::y 😀"""
)


def test_shell_metacharacters_in_inputs_are_text(repository: Checkout) -> None:
    """In all inputs at once: that a script holds no expression is seen elsewhere, and what each input may be."""
    names = set(yaml.safe_load((repository.action / "github-action" / "action.yml").read_text())["inputs"])
    hostile = dict.fromkeys(names, HOSTILE)
    steps = []
    for ident, given in {
        "everything": hostile | {"python": "PYTHON"},
        "python": hostile,
        "image": {"image": HOSTILE, "python": "PYTHON"},
    }.items():
        values = "".join(f"    {key}: {json.dumps(value, ensure_ascii=False)}\n" for key, value in given.items())
        steps.append(f"- id: {ident}\n  continue-on-error: true\n  uses: USES\n  with:\n{values}")
    done = repository.run("".join(steps))
    assert list(repository.home.rglob("pwned")) == []
    for ident in ("everything", "python", "image"):
        step = done.steps[ident]
        assert step.result == "failure", told(done, ident)
        assert [one["level"] for one in step.annotations] == ["error"], told(done, ident)
        assert "x" not in step.outputs
        assert "Traceback" not in step.log


def test_a_specification_by_hand_is_validated_line_by_line(repository: Checkout) -> None:
    write_image(repository.work / "image")
    (repository.work / "my spec.yaml").write_text(
        OTHER_SPEC.replace("Exists", "Exist").replace("matchFeatures", "matchFeature")
    )
    done = repository.run(
        """
- id: compat
  continue-on-error: true
  uses: USES
  with: {image: "oci-dir:image", spec: my spec.yaml, python: PYTHON}
"""
    )
    compat = done.steps["compat"]
    assert compat.outputs["exit-code"] == "12", told(done)
    assert {(one["file"], one["level"]) for one in compat.annotations} == {("my spec.yaml", "error")}
    assert [one["line"] for one in compat.annotations] == ["6", "10"]


def test_a_deployment_is_verified_before(
    repository: Checkout, author: Shell, keys: Path, other: str, tmp_path: Path
) -> None:
    name = push(author, write_image(tmp_path / "image"), other, f"team/app-{next(NUMBER)}")
    author.ok("publish", name, "--sign", f"key:{keys / 'cosign.key'}")
    for file in ("cosign.pub", "stranger.pub"):
        (repository.work / file).write_bytes((keys / file).read_bytes())
    done = repository.run(
        f"""
- id: compat
  uses: USES
  with: {{image: "{name}", verify-key: cosign.pub, check-profiles: "debian-12", python: PYTHON}}
- id: stranger
  continue-on-error: true
  uses: USES
  with: {{image: "{name}", verify-key: stranger.pub, python: PYTHON}}
"""
    )
    assert done.code == 0, told(done)
    compat, stranger = done.steps["compat"], done.steps["stranger"]
    assert "signed by their author" in compat.summary
    assert compat.outputs["artifact-digest"].startswith("sha256:")
    assert stranger.outputs["exit-code"] == "13"
    (annotation,) = stranger.annotations
    assert annotation["level"] == "error"
