"""An image with everything on it goes from any place to any other, whole, checked, and only once."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from compatbuild import api
from compatbuild.errors import NotFoundError, UsageError
from compatbuild.nfd.spec import SPEC_ARTIFACT_TYPE
from compatbuild.registry import referrers, upload
from compatbuild.registry.attach import attach_report
from compatbuild.registry.descriptor import OCI_CONFIG, OCI_MANIFEST, Descriptor, canonical_json, describe
from compatbuild.registry.layout import create_layout
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, open_store
from compatbuild.signing import legacy
from compatbuild.signing.keys import PrivateKey, generate
from tests.builders import signing
from tests.integration.tap import tap
from tests.peers import peer
from tests.peers.certificates import loopback_tls
from tests.peers.servers import debian_registry, fallback_registry, referrers_registry
from tests.peers.tokens import PASSWORD, token_registry, token_service
from tests.unit.registry.building import manifest, on, push_index

pytestmark = pytest.mark.peer

LARGE = 640 << 10
"""Bytes of a layer that goes up in three chunks."""
SERVERS = {"api": referrers_registry, "crane": fallback_registry, "debian": debian_registry}
WAYS = (
    ("layout", "api"),
    ("layout", "crane"),
    ("layout", "debian"),
    ("api", "crane"),
    ("crane", "api"),
    ("debian", "layout"),
    ("crane", "layout"),
    ("api", "debian"),
)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where a repository of a name is, as the beginning of a reference."""
    with ExitStack() as stack:
        found = {kind: stack.enter_context(server()) for kind, server in SERVERS.items()}
        yield found | {"layout": f"oci-dir:{tmp_path_factory.mktemp('layouts')}"}


@pytest.fixture(autouse=True)
def small_chunks_and_one_writer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "CHUNK", 256 << 10)
    monkeypatch.setattr(referrers, "QUIET_SECONDS", 0.02)


@pytest.fixture(scope="module")
def key() -> PrivateKey:
    return generate()


def store_of(reference: str) -> Store:
    parsed = parse_reference(reference)
    if reference.startswith("oci-dir:"):
        create_layout(parsed.path)  # type: ignore[union-attr]  # it is a layout's
    return open_store(parsed)


def push_image(store: Store, architecture: str) -> Descriptor:
    """Push an image that is no other repository's: some registries keep the blobs of all in one place."""
    layer = store.push_blob(
        random.Random(f"{store.name} {architecture}").randbytes(LARGE), "application/vnd.oci.image.layer.v1.tar"
    )
    config = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": [layer.digest]}}
    raw = manifest(store.push_blob(canonical_json(config), OCI_CONFIG), [layer])
    return store.push_manifest(raw, OCI_MANIFEST)


def populate(reference: str, key: PrivateKey) -> Descriptor:
    """Push an image of two platforms with specifications, a report, and signatures in both formats."""
    store = store_of(reference)
    amd, arm = push_image(store, "amd64"), push_image(store, "arm64")
    index = push_index(store, "v1", on("linux/amd64", amd), on("linux/arm64", arm))
    for one in (index, amd, arm):
        signing.publish(store, one, key)
    attach_report(store, amd, b"{}", {}, signing.CREATED)
    signing.push_legacy(store, amd, signing.signed(signing.payload(amd.digest), key))
    return index


@pytest.mark.parametrize(("source", "target"), WAYS, ids=["-".join(way) for way in WAYS])
def test_everything_comes_along(places: dict[str, str], key: PrivateKey, source: str, target: str) -> None:
    name = f"{source}-to-{target}"
    begin, end = f"{places[source]}/{name}:v1", f"{places[target]}/copy-of-{name}:v2"
    index = populate(begin, key)
    done = api.copy(begin, end)
    assert done.descriptor == index
    assert done.notes == ()
    assert {part.kind for part in done.parts} == {"index", "image", "attached", "companion", "tag"}
    kinds = [part.kind for part in done.parts]
    assert (kinds.count("image"), kinds.count("attached")) == (2, 10)  # three times a specification, two signatures
    assert done.sent > 2 * LARGE
    assert len(api.verify(end, [key.public_key])) == 3
    assert api.pull(end, platform="linux/amd64", kind="report")[0] == b"{}"
    store = store_of(end)
    assert store.resolve("v2").raw == store_of(begin).resolve("v1").raw
    amd = store.resolve("v2").parse().manifests[0]  # type: ignore[union-attr]  # it is an index
    assert store.resolve(legacy.tag(amd.digest)).parse().layers  # type: ignore[union-attr]  # a manifest
    again = api.copy(begin, end)
    assert not again.changed
    assert again.sent == 0
    assert len(again.parts) == len(done.parts)


@pytest.mark.parametrize("kind", ["api", "crane", "debian"])
def test_other_readers_find_what_was_copied(places: dict[str, str], key: PrivateKey, kind: str, tmp_path: Path) -> None:
    begin = f"oci-dir:{tmp_path}/image:v1"
    populate(begin, key)
    end = f"{places[kind]}/read/by-others:v1"
    api.copy(begin, end)
    (tmp_path / "cosign.pub").write_bytes(key.public_key.pem)
    told = run("oras", "discover", "--plain-http", "--format", "json", end)
    assert SPEC_ARTIFACT_TYPE in {one["artifactType"] for one in json.loads(told)["referrers"]}
    run("cosign", "verify", "--key", str(tmp_path / "cosign.pub"), "--insecure-ignore-tlog", end)
    assert b"PASS" in run("crane", "validate", "--fast", "--remote", end)


def run(program: str, *arguments: str) -> bytes:
    done = subprocess.run([peer(program), *arguments], capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()
    return done.stdout


@pytest.mark.parametrize("kind", ["crane", "debian"])
def test_within_a_registry_no_layer_passes_here(places: dict[str, str], key: PrivateKey, kind: str) -> None:
    populate(f"{places[kind]}/mounted/from:v1", key)
    with tap(places[kind]) as wire:
        done = api.copy(f"{wire.address}/mounted/from:v1", f"{wire.address}/mounted/to")
        assert sum(map(len, wire.sent)) < LARGE
    assert done.sent < LARGE
    assert len(api.verify(f"{places[kind]}/mounted/to:v1", [key.public_key])) == 3


def test_mounting_where_each_repository_has_its_own_token(tmp_path: Path, key: PrivateKey) -> None:
    tls = loopback_tls(tmp_path)
    asked: list[list[str]] = []
    with token_service(tls, asked) as realm, token_registry(tls, realm) as address:
        config = tmp_path / "config.json"
        config.write_text(json.dumps({"auths": {address: {"username": "me", "password": PASSWORD}}}))
        options = RegistryOptions(registry_config=config)
        store = open_store(parse_reference(f"{address}/from:v1"), options)
        image = push_image(store, "amd64")
        store.push_manifest(store.manifest(image.digest).raw, OCI_MANIFEST, "v1")
        done = api.copy(f"{address}/from:v1", f"{address}/to:v1", options=options)
        assert done.sent == 0
        assert open_store(parse_reference(f"{address}/to:v1"), options).resolve("v1").descriptor.digest == image.digest
        assert {"repository:from:pull", "repository:to:pull,push"} in map(set, asked)


MEASURE = """
import resource, sys
from compatbuild import api
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
api.copy(sys.argv[1], sys.argv[2])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_layer_is_never_held_as_a_whole(places: dict[str, str], tmp_path: Path) -> None:
    """A layer of 160 MB needs less than half of that, from a directory to a registry and back."""
    layout, size = f"oci-dir:{tmp_path}/large:v1", 160 << 20
    store = store_of(layout)
    digest = describe(bytes(size), "x").digest
    (tmp_path / "large/blobs/sha256" / digest.partition(":")[2]).write_bytes(bytes(size))
    layer = Descriptor("application/vnd.oci.image.layer.v1.tar", digest, size)
    config = store.push_blob(canonical_json({"os": "linux", "architecture": "amd64"}), OCI_CONFIG)
    store.push_manifest(manifest(config, [layer]), OCI_MANIFEST, "v1")
    remote = f"{places['debian']}/large:v1"
    for source, target in ((layout, remote), (remote, f"oci-dir:{tmp_path}/back:v1")):
        done = subprocess.run([sys.executable, "-c", MEASURE, source, target], capture_output=True, check=True)
        assert int(done.stdout) * 1024 < size // 2
    assert (tmp_path / "back/blobs/sha256" / digest.partition(":")[2]).stat().st_size == size


def test_a_copy_that_broke_off_goes_on(places: dict[str, str], key: PrivateKey) -> None:
    begin, end = f"{places['crane']}/broken/from:v1", f"{places['api']}/broken/to:v1"
    populate(begin, key)
    source, target = store_of(begin), store_of(end)
    some = source.resolve("v1").parse().manifests[0]  # type: ignore[union-attr]  # it is an index
    layer = source.manifest(some.digest).parse().layers[0]  # type: ignore[union-attr]  # a manifest
    target.copy_blob(layer, source)
    with pytest.raises(NotFoundError):
        target.resolve("v1")
    done = api.copy(begin, end)
    assert LARGE < done.sent < 2 * LARGE
    assert len(api.verify(end, [key.public_key])) == 3


def test_an_artifact_is_no_image(places: dict[str, str], key: PrivateKey) -> None:
    begin = f"{places['crane']}/artifact:v1"
    populate(begin, key)
    (index, *_) = api.show(begin)
    artifact = index.attachments[0].referrer.descriptor.digest
    with pytest.raises(UsageError, match="is attached to"):
        api.copy(f"{places['crane']}/artifact@{artifact}", f"{places['crane']}/copied:v1")
