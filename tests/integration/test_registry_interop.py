"""What we attach is what other tools find, and the other way round: three registries, four readers, layouts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Thread

import pytest

from compatbuild.errors import RegistryError
from compatbuild.nfd.spec import SPEC_ARTIFACT_TYPE, SPEC_LAYER_MEDIA_TYPE
from compatbuild.registry.attach import attach, attach_report, detach, pull, specs
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, Via, open_store
from compatbuild.registry.subject import subjects
from tests.peers import peer
from tests.peers.servers import debian_registry, fallback_registry, referrers_registry
from tests.unit.registry.building import CREATED, LATER, empty_layout, on, push_image, push_index

pytestmark = pytest.mark.peer

TEXT = b"""version: "v1alpha1"
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
SPEC_TEXT = TEXT % b"ONE"
OTHER_TEXT = TEXT % b"TWO"
SERVERS: dict[str, Callable[[], AbstractContextManager[str]]] = {
    "api": referrers_registry,
    "crane": fallback_registry,
    "debian": debian_registry,
}


@pytest.fixture(params=sorted(SERVERS))
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    with SERVERS[request.param]() as address:
        yield address


@pytest.fixture
def store(address: str) -> Store:
    return open_store(parse_reference(f"{address}/team/app:v1"))


def run(program: str, *arguments: str | Path, cwd: Path | None = None) -> bytes:
    done = subprocess.run([peer(program), *arguments], capture_output=True, cwd=cwd, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


def regctl(address: str, *arguments: str) -> bytes:
    return run("regctl", "--host", f"reg={address},tls=disabled", *arguments)


def matched(address: str, tag: str, *arguments: str) -> list[str]:
    """Give the expressions of the specification that NFD's client applied."""
    image = f"{address}/team/app:{tag}"
    output = run("nfd", "compat", "validate-node", "--plain-http", "--output-json", "--image", image, *arguments)
    [compatibility] = json.loads(output)
    return [expression["name"] for expression in compatibility["rules"][0]["matchedExpressions"]]


def test_other_readers_find_what_we_attach(address: str, store: Store, tmp_path: Path) -> None:
    image = push_image(store, "v1")
    done = attach(store, image, SPEC_TEXT, {"org.compatbuild.version": "1"}, CREATED)
    by_tag, by_digest = f"{address}/team/app:v1", f"{address}/team/app@{done.descriptor.digest}"
    [listed] = json.loads(run("oras", "discover", "--plain-http", "--format", "json", by_tag))["referrers"]
    assert (listed["digest"], listed["artifactType"]) == (done.descriptor.digest, SPEC_ARTIFACT_TYPE)
    assert listed["annotations"] == {"org.compatbuild.version": "1", "org.opencontainers.image.created": CREATED}
    run("oras", "pull", "--plain-http", "-o", tmp_path / "out", by_digest)
    assert (tmp_path / "out/compat.yaml").read_bytes() == SPEC_TEXT
    selected = ("--subject", by_tag, "--filter-artifact-type", SPEC_ARTIFACT_TYPE)
    assert regctl(address, "artifact", "get", *selected) == SPEC_TEXT
    assert b"PASS" in run("crane", "validate", "--remote", by_digest, "--fast")
    assert matched(address, "v1") == ["ONE"]


def test_the_same_twice_changes_nothing(address: str, store: Store) -> None:
    image = push_image(store, "v1")
    first = attach(store, image, SPEC_TEXT, {}, CREATED)
    again = attach(open_store(parse_reference(f"{address}/team/app:v1")), image, SPEC_TEXT, {}, LATER, derived=True)
    assert (again.state, again.via, again.descriptor) == ("unchanged", first.via, first.descriptor)
    assert len(specs(store, image)) == 1


def test_nfd_takes_the_one_we_say_is_in_force(address: str, store: Store) -> None:
    image = push_image(store, "v1")
    attach(store, image, SPEC_TEXT, {}, CREATED)
    second = attach(store, image, OTHER_TEXT, {}, CREATED, derived=True)
    attach_report(store, image, b"{}", {}, LATER)
    assert matched(address, "v1") == ["TWO"]
    detach(store, image, second.descriptor.digest)
    assert matched(address, "v1") == ["ONE"]
    assert pull(store, image)[0] == SPEC_TEXT


def test_an_index_and_its_platforms_each_have_their_own(address: str, store: Store) -> None:
    amd, arm = push_image(store), push_image(store, architecture="arm64")
    push_index(store, "v1", on("linux/amd64", amd), on("linux/arm64/v8", arm))
    reference = parse_reference(f"{address}/team/app:v1")
    index, first, second = subjects(store, reference, "all")
    attach(store, index.descriptor, OTHER_TEXT, {}, CREATED)
    for child in (first, second):
        attach(store, child.descriptor, SPEC_TEXT, {}, CREATED)
    assert matched(address, "v1") == ["TWO"]
    assert matched(address, "v1", "--platform", "linux/amd64") == ["ONE"]


def test_we_find_what_others_attach(address: str, store: Store, tmp_path: Path) -> None:
    image = push_image(store, "v1")
    by_tag = f"{address}/team/app:v1"
    (tmp_path / "spec.yaml").write_bytes(SPEC_TEXT)
    (tmp_path / "other.yaml").write_bytes(OTHER_TEXT)
    file = f"spec.yaml:{SPEC_LAYER_MEDIA_TYPE}"
    run("oras", "attach", "--plain-http", "--artifact-type", SPEC_ARTIFACT_TYPE, by_tag, file, cwd=tmp_path)
    types = ("--artifact-type", SPEC_ARTIFACT_TYPE, "--file-media-type", SPEC_LAYER_MEDIA_TYPE)
    regctl(address, "artifact", "put", "--subject", by_tag, *types, "-f", str(tmp_path / "other.yaml"))
    oras_made, regctl_made = specs(store, image)
    assert oras_made.rejected == regctl_made.rejected == ""
    assert oras_made.created is not None
    assert regctl_made.created is None
    assert pull(store, image)[0] == SPEC_TEXT


def test_copies_keep_what_is_attached(address: str, store: Store, tmp_path: Path) -> None:
    image = push_image(store, "v1")
    attach(store, image, SPEC_TEXT, {}, CREATED)
    by_tag = f"{address}/team/app:v1"
    run("oras", "cp", "-r", "--from-plain-http", "--to-oci-layout", by_tag, f"{tmp_path}/oras:v1")
    regctl(address, "image", "copy", "--referrers", by_tag, f"ocidir://{tmp_path}/regctl:v1")
    for copy in ("oras", "regctl"):
        reference = parse_reference(f"oci-dir:{tmp_path}/{copy}:v1")
        layout = open_store(reference)
        [subject] = subjects(layout, reference)
        assert subject.descriptor.digest == image.digest
        assert pull(layout, subject.descriptor)[0] == SPEC_TEXT
        attach(layout, subject.descriptor, OTHER_TEXT, {}, LATER)
    selected = ("--subject", f"ocidir://{tmp_path}/regctl:v1", "--filter-artifact-type", SPEC_ARTIFACT_TYPE)
    assert run("regctl", "artifact", "list", selected[1], "--format", "{{len .Descriptors}}").strip() == b"2"


def test_a_layout_of_ours_goes_to_a_registry_whole(address: str, tmp_path: Path) -> None:
    layout = empty_layout(tmp_path / "out")
    image = push_image(layout, "v1")
    done = attach(layout, image, SPEC_TEXT, {}, CREATED)
    shown = json.loads(run("oras", "discover", "--oci-layout", "--format", "json", f"{tmp_path}/out:v1"))
    assert [entry["digest"] for entry in shown["referrers"]] == [done.descriptor.digest]
    run("oras", "cp", "-r", "--from-oci-layout", "--to-plain-http", f"{tmp_path}/out:v1", f"{address}/team/app:v1")
    remote = open_store(parse_reference(f"{address}/team/app:v1"))
    assert pull(remote, remote.resolve("v1").descriptor)[1].descriptor == done.descriptor


@pytest.mark.parametrize("server", [fallback_registry, debian_registry])
def test_writers_at_once_lose_nothing(server: Callable[[], AbstractContextManager[str]]) -> None:
    count = 8
    with server() as address:
        reference = parse_reference(f"{address}/team/app:v1")
        image = push_image(open_store(reference), "v1")
        failures: list[RegistryError] = []

        def one(number: int) -> None:
            try:
                attach(open_store(reference), image, TEXT % str(number).encode(), {}, CREATED, derived=True)
            except RegistryError as error:
                failures.append(error)

        threads = [Thread(target=one, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert len(specs(open_store(reference), image)) == count


def test_a_forged_list_misleads_others_and_not_us(tmp_path: Path) -> None:
    with fallback_registry() as address:
        reference = parse_reference(f"{address}/team/app:v1")
        store = open_store(reference)
        image, other = push_image(store, "v1"), push_image(store, "v2", mark="other")
        good = attach(store, image, SPEC_TEXT, {}, CREATED)
        evil = attach(store, other, OTHER_TEXT, {}, "2090-01-01T00:00:00Z")
        entries = [entry.as_json() for entry in (good.descriptor, evil.descriptor)]
        push_index(store, image.digest.replace(":", "-"), *entries)
        assert matched(address, "v1") == ["TWO"]
        text, candidate = pull(store, image)
        assert text == SPEC_TEXT
        assert candidate.descriptor == good.descriptor
        assert [one.rejected for one in specs(store, image)] == ["", "it is about another subject"]


def test_blobs_are_streamed(store: Store) -> None:
    content = bytes(range(256)) * (1 << 14)
    descriptor = store.push_blob(content, "application/octet-stream")
    with store.open_blob(descriptor) as file:
        assert file.read(10) == content[:10]
        assert file.read() == content[10:]


def test_how_each_registry_lists(address: str, store: Store, request: pytest.FixtureRequest) -> None:
    done = attach(store, push_image(store, "v1"), SPEC_TEXT, {}, CREATED)
    assert done.via is (Via.API if "[api]" in request.node.name else Via.FALLBACK)
