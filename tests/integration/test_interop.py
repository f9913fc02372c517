"""What the command line publishes is found, read and judged by oras, regctl, crane, cosign and NFD."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from compatbuild.nfd.spec import SPEC_ARTIFACT_TYPE
from demo.assemble import assemble
from tests.builders.programs import write_image
from tests.integration.shell import REGISTRIES, Shell, push, registry, shell
from tests.peers import peer

pytestmark = pytest.mark.peer
OFFLINE = "--insecure-ignore-tlog"


@dataclass(frozen=True)
class Pushed:
    """An image in a registry, published and signed; names as other programs use them."""

    run: Shell
    repository: str
    image: str
    spec: str

    @property
    def tag(self) -> str:
        return f"{self.repository}:v1"

    def at(self, digest: str) -> str:
        return f"{self.repository}@{digest}"


def publish(directory: Path, layout: Path, address: str) -> Pushed:
    run = shell(directory)
    for name in ("cosign", "other"):
        run.ok("key", "generate", "-o", name)
    reference = push(run, layout, address, "team/app")
    rows = run.json("publish", reference, "--sign", "key:cosign.key")["published"]
    (run.directory / "spec.yaml").write_text(run.ok("pull", reference))
    return Pushed(run, f"{address}/team/app", rows[0]["subject"], rows[0]["digest"])


@pytest.fixture(scope="module", params=sorted(REGISTRIES))
def pushed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    directory = tmp_path_factory.mktemp(request.param)
    with registry(request.param) as address:
        yield publish(directory, write_image(directory / "image"), address)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's image, as an OCI layout."""
    layout = tmp_path_factory.mktemp("demo") / "image"
    assemble(layout, "v1")
    return layout


def test_oras_discovers_and_pulls(pushed: Pushed) -> None:
    told = pushed.run.peer("oras", "discover", "--plain-http", "--format", "json", pushed.tag)
    listed = {one["digest"]: one["artifactType"] for one in json.loads(told)["referrers"]}
    assert listed[pushed.spec] == SPEC_ARTIFACT_TYPE
    pushed.run.peer("oras", "pull", "--plain-http", "-o", "out", pushed.at(pushed.spec))
    directory = pushed.run.directory
    assert (directory / "out/compat.yaml").read_bytes() == (directory / "spec.yaml").read_bytes()


def test_regctl_gets_the_specification(pushed: Pushed) -> None:
    address = pushed.repository.partition("/")[0]
    flags = ("--subject", pushed.tag, "--filter-artifact-type", SPEC_ARTIFACT_TYPE)
    got = pushed.run.peer("regctl", "--host", f"reg={address},tls=disabled", "artifact", "get", *flags)
    assert got == (pushed.run.directory / "spec.yaml").read_text()


def test_crane_reads_and_validates(pushed: Pushed) -> None:
    assert "PASS" in pushed.run.peer("crane", "validate", "--remote", pushed.at(pushed.spec), "--fast")
    manifest = json.loads(pushed.run.peer("crane", "manifest", pushed.at(pushed.spec)))
    assert manifest["artifactType"] == SPEC_ARTIFACT_TYPE
    assert manifest["subject"]["digest"] == pushed.image
    assert len(manifest["layers"]) == 1


@pytest.mark.parametrize("which", ["image", "spec"])
def test_cosign_accepts_the_author_s_key_and_no_other(pushed: Pushed, which: str) -> None:
    digest = getattr(pushed, which)
    told = pushed.run.peer("cosign", "verify", "--key", "cosign.pub", OFFLINE, pushed.at(digest))
    (accepted,) = json.loads(told)
    assert accepted["critical"]["image"]["docker-manifest-digest"] == digest
    refused = pushed.run.asks("cosign", "verify", "--key", "other.pub", OFFLINE, pushed.at(digest))
    assert refused.code != 0
    assert "no" in refused.err
    assert pushed.run.asks("cosign", "verify", "--key", "cosign.pub", pushed.at(digest)).code != 0  # asks for a log


def test_cosign_accepts_the_image_by_its_tag(pushed: Pushed) -> None:
    flags = ("--key", "cosign.pub", OFFLINE, "--offline=true")
    assert json.loads(pushed.run.peer("cosign", "verify", *flags, pushed.tag))


def test_nfd_prints_a_status_for_every_set(pushed: Pushed) -> None:
    (verdict,) = validated(pushed.run, pushed.tag)
    assert verdict["tag"] == "required"
    assert [rule["name"] for rule in verdict["rules"]] == ["required"]
    assert isinstance(verdict["rules"][0]["isMatch"], bool)


def validated(run: Shell, image: str) -> list[dict[str, Any]]:
    """Return what NFD's client says of this machine and an image."""
    flags = ("--output-json", "--plain-http", "--image", image)
    return list(json.loads(run.peer("nfd", "compat", "validate-node", *flags)))


@pytest.mark.download
@pytest.mark.parametrize("kind", sorted(REGISTRIES))
def test_nfd_judges_this_machine_by_the_demo_s_image(kind: str, demo: Path, tmp_path: Path) -> None:
    with registry(kind) as address:
        pushed = publish(tmp_path, demo, address)
        verdicts = validated(pushed.run, pushed.tag)
    assert [one["tag"] for one in verdicts] == ["required"]
    assert [[type(rule["isMatch"]) for rule in one["rules"]] for one in verdicts] == [[bool]]


DRIVER = "nvidia.com/cuda.driver-version.full"
V1 = ("CMOV", "CMPXCHG8", "FXSR", "FXSROPT", "MMX", "NX", "SCE", "SSE", "SSE2", "SYSCALL", "X87")
V2_FLAGS = (*V1, "CX16", "LAHF", "POPCNT", "SSE3", "SSE4", "SSE42", "SSSE3")
V2 = (*V2_FLAGS, "X86_64_V2")
"""CPU flags by NFD's names; not every release of NFD names the level as well."""


def host(*flags: str, modules: tuple[str, ...] = (), driver: str = "") -> dict[str, Any]:
    """Return the features of a node, as NFD v0.19.0's worker publishes them."""
    labels = {DRIVER: driver} if driver else {}
    return {
        "flags": {
            "cpu.cpuid": {"elements": {flag: {} for flag in flags}},
            "kernel.loadedmodule": {"elements": {module: {} for module in ("ext4", *modules)}},
        },
        "attributes": {
            "kernel.version": {"elements": {"full": "6.8.0-45-generic", "major": "6", "minor": "8", "revision": "0"}},
            "local.label": {"elements": labels},
        },
    }


HOSTS = {
    "no GPU": (host(*V2), True),
    "a driver that is new enough": (host(*V2, modules=("nvidia",), driver="550.54.15"), True),
    "just new enough": (host(*V2, modules=("nvidia",), driver="525.60.13"), True),
    "a driver that is too old": (host(*V2, modules=("nvidia",), driver="470.82.01"), False),
    "a GPU that nobody labelled": (host(*V2, modules=("nvidia",)), True),
    "a level that NFD does not name": (host(*V2_FLAGS), True),
    "a CPU below x86-64-v2": (host(*V1, "SSE3"), False),
    "a CPU below x86-64-v2, and a good driver": (host(*V1, modules=("nvidia",), driver="550.54.15"), False),
}


@pytest.fixture(scope="module")
def demo_spec(demo: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    run = shell(tmp_path_factory.mktemp("spec"))
    return run.ok("infer", f"oci-dir:{demo}:v1", "-o", "spec")


@pytest.mark.download
@pytest.mark.parametrize("name", HOSTS)
def test_the_demo_s_specification_on_hosts(name: str, demo_spec: str) -> None:
    """NFD's own matcher decides: the GPU is optional, its driver is not, and NumPy needs x86-64-v2."""
    features, expected = HOSTS[name]
    question = json.dumps({"id": name, "features": features, "spec_yaml": demo_spec})
    done = subprocess.run([peer("nfdmatch")], input=question, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["stage"], answer["error"]) == ("", "")
    assert answer["sets"] == [[expected]]
