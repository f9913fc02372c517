"""Seven readers agree, byte for byte, on what we attach: to an image and to an index, with and without the API."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compatbuild import api
from compatbuild.nfd.spec import SPEC_ARTIFACT_TYPE, SPEC_LAYER_MEDIA_TYPE
from compatbuild.registry.attach import attach
from compatbuild.registry.descriptor import describe
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from tests.peers import peer
from tests.peers.servers import debian_registry, fallback_registry, referrers_registry
from tests.unit.registry.building import CREATED, on, push_image, push_index

pytestmark = pytest.mark.peer

SERVERS = {"api": referrers_registry, "fallback": fallback_registry, "debian": debian_registry}
TAGS = {"image": "v1", "index": "v2"}
SPEC = b"""version: "v1alpha1"
compatibilities:
- tag: "required"
  rules:
  - name: "required"
    matchFeatures:
    - feature: "cpu.cpuid"
      matchExpressions:
        "%s":
          op: "DoesNotExist"
"""


@dataclass(frozen=True)
class Question:
    """What is asked about: an image or index, what was attached to it, and a directory to write to."""

    address: str
    tag: str
    artifact: str
    spec: bytes
    files: Path

    @property
    def image(self) -> str:
        return f"{self.address}/team/app:{self.tag}"

    def at(self, digest: str) -> str:
        return f"{self.address}/team/app@{digest}"

    def run(self, program: str, *arguments: str) -> bytes:
        done = subprocess.run([peer(program), *arguments], capture_output=True, cwd=self.files, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr).decode()
        return done.stdout


@pytest.fixture(scope="module", params=sorted(SERVERS))
def attached(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, str]]]:
    """Give a registry with an image and an index, each with a specification of its own, and the artifacts' digests."""
    with SERVERS[request.param]() as address:
        store = open_store(parse_reference(f"{address}/team/app:v1"))
        image, arm = push_image(store, "v1"), push_image(store, architecture="arm64")
        index = push_index(store, "v2", on("linux/amd64", image), on("linux/arm64/v8", arm))
        subjects = {"image": image, "index": index}
        digests = {
            kind: attach(store, subject, SPEC % kind.encode(), {}, CREATED).descriptor.digest
            for kind, subject in subjects.items()
        }
        yield address, digests


@pytest.fixture(params=sorted(TAGS))
def question(request: pytest.FixtureRequest, attached: tuple[str, dict[str, str]], tmp_path: Path) -> Question:
    address, digests = attached
    kind = request.param
    return Question(address, TAGS[kind], digests[kind], SPEC % kind.encode(), tmp_path)


def oras_discover(asked: Question) -> None:
    told = asked.run("oras", "discover", "--plain-http", "--format", "json", asked.image)
    [listed] = json.loads(told)["referrers"]
    assert (listed["digest"], listed["artifactType"]) == (asked.artifact, SPEC_ARTIFACT_TYPE)
    assert listed["annotations"] == {"org.opencontainers.image.created": CREATED}


def oras_pull(asked: Question) -> None:
    asked.run("oras", "pull", "--plain-http", "-o", "out", asked.at(asked.artifact))
    assert (asked.files / "out/compat.yaml").read_bytes() == asked.spec


def regctl_get(asked: Question) -> None:
    flags = ("--subject", asked.image, "--filter-artifact-type", SPEC_ARTIFACT_TYPE)
    assert asked.run("regctl", "--host", f"reg={asked.address},tls=disabled", "artifact", "get", *flags) == asked.spec


def crane_validate(asked: Question) -> None:
    assert b"PASS" in asked.run("crane", "validate", "--remote", asked.at(asked.artifact), "--fast")
    manifest = asked.run("crane", "manifest", asked.at(asked.artifact))
    assert describe(manifest, "").digest == asked.artifact
    [layer] = json.loads(manifest)["layers"]
    assert layer["mediaType"] == SPEC_LAYER_MEDIA_TYPE
    assert asked.run("crane", "blob", asked.at(layer["digest"])) == asked.spec


def nfd_validate_node(asked: Question) -> None:
    flags = ("--plain-http", "--output-json", "--image", asked.image)
    [compatibility] = json.loads(asked.run("nfd", "compat", "validate-node", *flags))
    [expression] = compatibility["rules"][0]["matchedExpressions"]
    assert expression["name"].encode() in asked.spec
    assert expression["name"] in TAGS


def cosign_tree(asked: Question) -> None:
    told = asked.run("cosign", "tree", asked.image).decode()
    assert asked.artifact in told
    assert SPEC_ARTIFACT_TYPE in told


def ours(asked: Question) -> None:
    content, found = api.pull(asked.image)
    assert (content, found.descriptor.digest) == (asked.spec, asked.artifact)


READERS = (oras_discover, oras_pull, regctl_get, crane_validate, nfd_validate_node, cosign_tree, ours)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.__name__)
def test_all_readers_agree(question: Question, reader: Callable[[Question], None]) -> None:
    reader(question)
