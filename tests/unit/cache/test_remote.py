"""A cache wherever fsspec reaches: here its memory and its view of a directory, for no service can be had."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from compatbuild import api
from compatbuild.cache import open_cache
from compatbuild.cache.places import MAX_ENTRY, Remote
from tests.builders.programs import write_image


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    yield
    MemoryFileSystem.store.clear()


@pytest.mark.parametrize("place", ["memory://bucket/prefix", "local://{}/cache"])
def test_what_one_process_wrote_another_reads(place: str, tmp_path: Path) -> None:
    place = place.format(tmp_path)
    one, other = open_cache(place), open_cache(place)
    assert isinstance(one.folder, Remote)
    assert one.read("layers", ["a"]) is None
    one.write("layers", ["a"], b"value")
    assert other.read("layers", ["a"]) == b"value"
    one.write("layers", ["a"], b"another")
    assert other.read("layers", ["a"]) == b"another"


def test_an_image_that_was_read_is_not_read_again(tmp_path: Path) -> None:
    write_image(tmp_path / "image")
    source, cache = f"oci-dir:{tmp_path}/image:v1", open_cache("memory://bucket")
    first = api.infer(source, cache=cache)
    for path in (tmp_path / "image/blobs").rglob("*"):
        if path.is_file() and not path.read_bytes().startswith(b"{"):
            path.unlink()
    assert api.infer(source, cache=cache) == first


def test_a_service_that_fails_keeps_nothing_and_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = open_cache("memory://bucket")

    def refused(*_: object, **__: object) -> None:
        raise RuntimeError("no credentials")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refused)
    cache.write("layers", ["a"], b"value")
    monkeypatch.setattr(MemoryFileSystem, "cat_file", refused)
    assert cache.read("layers", ["a"]) is None


def test_an_entry_without_end_is_not_read_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.cache.places.MAX_ENTRY", 100)
    cache = open_cache("memory://bucket")
    cache.write("layers", ["a"], bytes(1000))
    assert cache.read("layers", ["a"]) is None
    assert MAX_ENTRY > 100
