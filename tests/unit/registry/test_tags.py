"""Lists of tags: of registries in pages, of layouts from their index; and parts of blobs, which both give."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from compatbuild.errors import NotFoundError, RegistryError
from compatbuild.registry.descriptor import describe
from compatbuild.registry.digest import ContentError, NoPartsError
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.repository import RegistryRepository
from compatbuild.registry.store import Store, open_store
from tests.builders.signing import empty_layout
from tests.unit.registry.faults import FaultRegistry, Handler, Reply, fault_registry, status


@pytest.fixture
def server() -> Iterator[FaultRegistry]:
    with fault_registry() as registry:
        yield registry


def store_of(server: FaultRegistry) -> Store:
    return open_store(parse_reference(f"{server.address}/team/app:v1"))


def page(*names: object) -> bytes:
    return json.dumps({"name": "team/app", "tags": names}).encode()


def test_tags_are_read_page_by_page(server: FaultRegistry) -> None:
    link = {"Link": '</v2/team/app/tags/list?last=b>; rel="next"'}
    server.fault("GET", r"/tags/list$", lambda handler: handler.reply(200, page("a", "b"), link))
    server.fault("GET", r"/tags/list\?last=b$", status(200, page("c", 7)))
    assert store_of(server).tags() == ("a", "b", "c")
    assert [one.path for one in server.asked("GET")] == ["/v2/team/app/tags/list", "/v2/team/app/tags/list?last=b"]


@pytest.mark.parametrize("moves", [True, False])
def test_a_list_without_end_ends(server: FaultRegistry, *, moves: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.registry.repository.MAX_TAGS", 50)

    def endless(handler: Handler) -> None:
        target = f"{handler.path}x" if moves and "?" in handler.path else "/v2/team/app/tags/list?x"
        handler.reply(200, page(*"abcdefghij"), {"Link": f'<{target}>; rel="next"'})

    server.fault("GET", "/tags/list", endless)
    if moves:
        with pytest.raises(RegistryError, match="more than 50 tags"):
            store_of(server).tags()
    else:
        assert len(store_of(server).tags()) == 20
    assert len(server.asked("GET")) <= 7


def test_a_list_elsewhere_is_not_followed(server: FaultRegistry) -> None:
    link = {"Link": '<http://127.0.0.2:1/v2/x>; rel="next"'}
    server.fault("GET", "/tags/list", lambda handler: handler.reply(200, page("a"), link))
    with pytest.raises(RegistryError, match="which is refused"):
        store_of(server).tags()


@pytest.mark.parametrize("body", [b'{"tags": null}', b'{"tags": 3}', b"{}", b'{"tags": {"a": 1}}'])
def test_a_list_of_another_shape_is_empty(server: FaultRegistry, body: bytes) -> None:
    server.fault("GET", "/tags/list", status(200, body))
    assert store_of(server).tags() == ()


def test_a_list_that_is_none_is_an_error(server: FaultRegistry) -> None:
    server.untold_tags = True
    with pytest.raises(NotFoundError):
        store_of(server).tags()
    server.fault("GET", "/tags/list", status(200, b"<html>"))
    with pytest.raises(ContentError):
        store_of(server).tags()


def test_a_layout_has_the_tags_of_its_entries(tmp_path: Path) -> None:
    store = empty_layout(tmp_path / "layout")
    manifest = b'{"schemaVersion":2,"config":{"mediaType":"a/b","digest":"sha256:%s","size":2},"layers":[]}' % (
        b"0" * 64
    )
    for tag in ("v1", "v2", "docker.io/team/app:v3"):
        store.push_manifest(manifest, "application/vnd.oci.image.manifest.v1+json", tag)
    assert store.tags() == ("v1", "v2", "v3")


def ranged(handler: Handler) -> None:
    first, last = map(int, handler.headers["Range"].removeprefix("bytes=").split("-"))
    (blob,) = handler.registry.blobs.values()
    part = blob[first : last + 1]
    handler.reply(206, part, {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{len(blob)}"})


@pytest.mark.parametrize("kind", ["registry", "layout"])
def test_a_part_of_a_blob_is_what_was_asked_for(kind: str, server: FaultRegistry, tmp_path: Path) -> None:
    store = store_of(server) if kind == "registry" else empty_layout(tmp_path / "layout")
    blob = store.push_blob(b"0123456789", "a/b")
    server.fault("GET", "/blobs/", ranged)
    assert [store.blob_part(blob, *part) for part in ((0, 3), (4, 4), (9, 1))] == [b"012", b"4567", b"9"]
    with pytest.raises(ContentError, match="is cut off"):
        store.blob_part(blob, 8, 4)


def test_a_registry_that_ignores_ranges_is_told(server: FaultRegistry) -> None:
    store = store_of(server)
    blob = store.push_blob(b"0123456789", "a/b")
    assert store.blob_part(blob, 0, 10) == b"0123456789"  # that is all of it, so that nothing is wrong
    with pytest.raises(RegistryError, match="does not give parts of a blob"):
        store.blob_part(blob, 1, 2)


@pytest.mark.parametrize(
    "reply",
    [
        status(206, b"234"),
        status(206, b"234", Content_Range="bytes 0-2/10"),
        status(206, b"234", Content_Range="bytes 23-25/100"),
        status(206, b"234", Content_Type="multipart/byteranges; boundary=x"),
        status(416, Content_Range="bytes */10"),
        status(200, b"0123456789"),
    ],
)
def test_a_part_that_is_not_the_one_asked_for_is_told(reply: Reply, server: FaultRegistry) -> None:
    store = store_of(server)
    blob = store.push_blob(b"0123456789", "a/b")
    server.fault("GET", "/blobs/", reply)
    with pytest.raises(NoPartsError, match="does not give parts"):
        store.blob_part(blob, 2, 3)


def test_a_part_is_asked_for_again_after_a_break(server: FaultRegistry) -> None:
    store = store_of(server)
    assert isinstance(store, RegistryRepository)
    blob = store.push_blob(b"0123456789", "a/b")
    server.fault("GET", "/blobs/", ranged)
    server.faults.insert(0, type(server.faults[0])("GET", server.faults[0].path, status(503), 1))
    assert store.blob_part(blob, 2, 3) == b"234"


def test_a_part_that_is_not_there_is_told(server: FaultRegistry) -> None:
    with pytest.raises(NotFoundError):
        store_of(server).blob_part(describe(b"absent", "a/b"), 0, 1)
