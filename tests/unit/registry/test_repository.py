"""A registry that lies, breaks off, or sends us elsewhere never yields a wrong result."""

from __future__ import annotations

import pytest

from compatbuild.errors import NotFoundError, RegistryError
from compatbuild.registry.descriptor import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Descriptor, describe
from compatbuild.registry.digest import ContentError, digest_of
from compatbuild.registry.repository import RegistryRepository
from tests.unit.registry.building import push_image
from tests.unit.registry.faults import FaultRegistry, endless, fault_registry, reset, status, truncated

BLOB = b"some content"
BLOB_DESCRIPTOR = describe(BLOB, "application/octet-stream")


def test_what_is_pushed_is_what_is_read(server: FaultRegistry, remote: RegistryRepository) -> None:
    image = push_image(remote, "v1")
    assert remote.resolve("v1").descriptor == image
    assert remote.manifest(image.digest).descriptor == image
    layer = remote.resolve("v1").parse().layers[0]  # type: ignore[union-attr]  # it is a manifest
    assert remote.blob(layer, 100) == b"a layer "
    with remote.open_blob(layer) as file:
        assert file.read() == b"a layer "
    assert len(server.asked("PUT", "blobs/uploads")) == 2
    push_image(remote, "v1")
    assert len(server.asked("PUT", "blobs/uploads")) == 2, "what was sent is not sent again"


def test_a_manifest_is_fetched_once(server: FaultRegistry, remote: RegistryRepository) -> None:
    image = push_image(remote, "v1")
    for _ in range(3):
        remote.manifest(image.digest)
    assert len(server.asked("GET", image.digest)) == 1
    remote.delete_manifest(image.digest)
    with pytest.raises(NotFoundError):
        remote.manifest(image.digest)


def test_names_for_messages_and_signatures(server: FaultRegistry, remote: RegistryRepository) -> None:
    assert remote.name == remote.repository == f"{server.address}/team/app"


def test_a_missing_tag(remote: RegistryRepository, server: FaultRegistry) -> None:
    with pytest.raises(NotFoundError) as caught:
        remote.resolve("v9")
    assert f"{server.address}/team/app:v9 does not exist" in caught.value.what


def test_the_registrys_words_are_made_printable(remote: RegistryRepository) -> None:
    with pytest.raises(NotFoundError) as caught:
        remote.blob(BLOB_DESCRIPTOR, 100)
    assert "NOT_THERE no [31msuch thing" in caught.value.why
    assert "\x1b" not in str(caught.value)


def test_content_with_another_digest(server: FaultRegistry, remote: RegistryRepository) -> None:
    image = push_image(remote)
    other = push_image(remote, "other", mark="other")
    server.manifests[image.digest] = server.manifests[other.digest]
    with pytest.raises(ContentError):
        remote.manifest(image.digest)
    server.blobs[BLOB_DESCRIPTOR.digest] = b"other content"[: len(BLOB)]
    with pytest.raises(ContentError):
        remote.blob(BLOB_DESCRIPTOR, 100)


def test_a_header_that_contradicts_the_content(server: FaultRegistry, remote: RegistryRepository) -> None:
    image = push_image(remote, "v1")
    raw = server.manifests["v1"][0]
    wrong = {"Content_Type": OCI_MANIFEST, "Docker_Content_Digest": digest_of(b"x")}
    server.fault("GET", "/v1", status(200, raw, **wrong))
    with pytest.raises(ContentError):
        remote.resolve("v1")
    server.fault("PUT", "/v2", status(201, Docker_Content_Digest=digest_of(b"x")))
    with pytest.raises(ContentError):
        remote.push_manifest(raw, OCI_MANIFEST, "v2")
    right = wrong | {"Docker_Content_Digest": digest_of(raw, "sha512")}
    server.faults.clear()
    server.fault("GET", "/v1", status(200, raw, **right))
    assert remote.resolve("v1").descriptor == image


def test_a_header_type_that_contradicts_the_content(server: FaultRegistry, remote: RegistryRepository) -> None:
    push_image(remote, "v1")
    raw = server.manifests["v1"][0]
    for media_type in (OCI_INDEX, DOCKER_MANIFEST, "text/html; charset=utf-8"):
        server.manifests["v1"] = (raw, media_type)
        with pytest.raises(ContentError):
            remote.resolve("v1")


def test_a_blob_of_another_size(server: FaultRegistry, remote: RegistryRepository) -> None:
    server.blobs[BLOB_DESCRIPTOR.digest] = BLOB
    for size in (len(BLOB) - 1, len(BLOB) + 1):
        wrong = Descriptor("x/y", BLOB_DESCRIPTOR.digest, size)
        with pytest.raises(RegistryError):
            remote.blob(wrong, 100)
        with pytest.raises(RegistryError), remote.open_blob(wrong) as file:
            file.read()
    with pytest.raises(ContentError, match="too large"):
        remote.blob(BLOB_DESCRIPTOR, 3)


def test_endless_content(server: FaultRegistry, remote: RegistryRepository) -> None:
    server.fault("GET", "/", endless)
    with pytest.raises(RegistryError, match="sent more than"):
        remote.resolve("v1")
    with pytest.raises(RegistryError, match="sent more than"):
        remote.blob(BLOB_DESCRIPTOR, 100)
    with pytest.raises(ContentError), remote.open_blob(BLOB_DESCRIPTOR) as file:
        file.read()


def test_a_stream_goes_on_where_it_broke(server: FaultRegistry, remote: RegistryRepository) -> None:
    content = bytes(range(256)) * 4096
    descriptor = describe(content, "x/y")
    path = f"/blobs/{descriptor.digest}"
    server.fault("GET", path, truncated(content, 300_000), times=1)
    server.fault("GET", path, reset, times=1)

    def rest(handler: object) -> None:
        start = int(server.seen[-1].headers["Range"].removeprefix("bytes=").rstrip("-"))
        status(206, content[start:])(handler)  # type: ignore[arg-type]  # it is the handler

    server.fault("GET", path, rest)
    with remote.open_blob(descriptor) as file:
        assert file.read() == content
    assert len(server.asked("GET", path)) == 3


def test_a_stream_from_a_server_without_ranges_fails(server: FaultRegistry, remote: RegistryRepository) -> None:
    content = bytes(1 << 20)
    descriptor = describe(content, "x/y")
    server.fault("GET", "/blobs/", truncated(content, 1000), times=1)
    server.fault("GET", "/blobs/", status(200, content))
    with pytest.raises(RegistryError), remote.open_blob(descriptor) as file:
        file.read()


def test_a_stream_that_always_breaks_is_given_up(server: FaultRegistry, remote: RegistryRepository) -> None:
    content = bytes(1000)
    server.fault("GET", "/blobs/", truncated(content, 1000), times=1)
    server.fault("GET", "/blobs/", truncated(b"", 0))
    with pytest.raises(RegistryError), remote.open_blob(describe(content, "x/y")) as file:
        file.read()


@pytest.mark.parametrize("reply", [reset, status(503), status(404), status(416), status(500)])
def test_a_broken_upload_starts_anew(server: FaultRegistry, remote: RegistryRepository, reply: object) -> None:
    server.fault("PUT", "/uploads/", reply, times=2)  # type: ignore[arg-type]  # replies are callables
    remote.push_blob(BLOB, "x/y")
    assert server.blobs[BLOB_DESCRIPTOR.digest] == BLOB
    assert len(server.asked("POST")) == 3


@pytest.mark.parametrize(
    "location", ["http://{other}/upload", "https://{server}/upload", "ftp://x/", "http://me:pw@{server}/x"]
)
def test_an_upload_stays_at_the_registry(server: FaultRegistry, remote: RegistryRepository, location: str) -> None:
    with fault_registry() as other:
        where = location.format(other=other.address, server=server.address)
        server.fault("POST", "/uploads/", status(202, Location=where))
        with pytest.raises(RegistryError):
            remote.push_blob(BLOB, "x/y")
        assert other.seen == []
        assert server.asked("PUT") == []


@pytest.mark.parametrize(
    ("code", "hint"), [(405, "does not allow"), (413, "too large"), (400, "does not accept"), (409, "immutable")]
)
def test_a_refused_manifest_says_why(server: FaultRegistry, remote: RegistryRepository, code: int, hint: str) -> None:
    server.fault("PUT", "/manifests/", status(code))
    with pytest.raises(RegistryError) as caught:
        remote.push_manifest(b"{}", OCI_MANIFEST)
    assert str(code) in caught.value.why
    assert hint in caught.value.remedy


@pytest.mark.parametrize("code", [400, 404, 409])
def test_a_store_that_lags_behind_gets_a_second_chance(
    server: FaultRegistry, remote: RegistryRepository, code: int
) -> None:
    server.fault("PUT", "/manifests/", status(code), times=1)
    assert remote.push_manifest(b"{}", OCI_MANIFEST).size == 2


def test_an_upload_without_a_location_is_no_upload(server: FaultRegistry, remote: RegistryRepository) -> None:
    server.fault("POST", "/uploads/", status(202))
    with pytest.raises(RegistryError):
        remote.push_blob(BLOB, "x/y")
    assert server.blobs == {}


@pytest.mark.parametrize("digest", ["sha256:../../x", "", "sha256:" + "g" * 64, "latest"])
def test_what_is_no_digest_reaches_no_address(server: FaultRegistry, remote: RegistryRepository, digest: str) -> None:
    for call in (remote.manifest, remote.referrers, remote.delete_manifest):
        with pytest.raises(ContentError):
            call(digest)
    with pytest.raises(ContentError):
        remote.blob(Descriptor("x/y", digest, 1), 100)
    assert server.seen == []
