"""Blobs read here and there: nothing that was read can differ from what has the digest."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import BinaryIO

import pytest

from compatbuild.errors import CompatError, ImageError
from compatbuild.registry.descriptor import Descriptor, ManifestBytes, describe
from compatbuild.sources.image_source import Wish
from compatbuild.sources.oci_archive import open_oci_archive
from compatbuild.sources.stored_blob import KEPT, PART, StoredBlob
from tests.builders.images import describe as described
from tests.builders.images import oci_files, to_json, write_tar
from tests.builders.layers import sha256
from tests.builders.sif import PARTITION, Held, sif, squashfs

RAW = Random(1).randbytes(2 * PART + 100)


@dataclass
class Fickle:
    """A store whose answers a test can change."""

    parts: bytes = RAW
    whole: bytes = RAW
    asked: list[tuple[int, int]] = field(default_factory=list)
    name: str = "the store"

    def manifest(self, digest: str) -> ManifestBytes:
        raise NotImplementedError(digest)

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        raise NotImplementedError(descriptor, limit)

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        assert descriptor.size == len(RAW)
        return io.BytesIO(self.whole)

    def blob_part(self, descriptor: Descriptor, offset: int, count: int) -> bytes:
        assert descriptor.size == len(RAW)
        self.asked.append((offset, count))
        return self.parts[offset : offset + count]


def changed(at: int) -> bytes:
    raw = bytearray(RAW)
    raw[at] ^= 1
    return bytes(raw)


BLOB = describe(RAW, "a/b")


@pytest.mark.parametrize(
    ("offset", "count"), [(0, 1), (PART - 1, 2), (0, len(RAW)), (len(RAW) - 1, 1), (PART, PART), (5, 0)]
)
def test_what_is_read_is_what_is_there(offset: int, count: int) -> None:
    assert StoredBlob(Fickle(), BLOB).read_at(offset, count) == RAW[offset : offset + count]


@pytest.mark.parametrize(("offset", "count"), [(-1, 1), (0, len(RAW) + 1), (len(RAW), 1), (1, -1)])
def test_what_lies_outside_is_refused(offset: int, count: int) -> None:
    with pytest.raises(ImageError, match="points at"):
        StoredBlob(Fickle(), BLOB).read_at(offset, count)


def test_a_part_is_fetched_once_while_it_is_kept() -> None:
    store = Fickle()
    blob = StoredBlob(store, BLOB)
    for at in range(10):
        blob.read_at(at, 100)
    assert store.asked == [(0, PART)]
    assert KEPT * PART <= 16 << 20


def test_the_whole_is_read_once_and_counted() -> None:
    counts: list[int] = []
    StoredBlob(Fickle(), BLOB).check(counts.append)
    assert sum(counts) == len(RAW)


def test_a_blob_with_another_digest_is_refused() -> None:
    for at in (0, PART, len(RAW) - 1):
        with pytest.raises(ImageError, match="not what its digest says"):
            StoredBlob(Fickle(parts=changed(at), whole=changed(at)), BLOB).check(lambda _: None)


def test_a_blob_that_is_cut_off_or_goes_on_is_refused() -> None:
    for whole in (RAW[:-1], RAW[:PART], b"", RAW + b"x"):
        with pytest.raises(ImageError, match="not what its digest says"):
            StoredBlob(Fickle(whole=whole), BLOB).check(lambda _: None)


@pytest.mark.parametrize("at", [0, PART - 1, PART, len(RAW) - 1])
def test_a_part_that_was_read_before_must_be_the_same_in_the_whole(at: int) -> None:
    blob = StoredBlob(Fickle(parts=changed(at)), BLOB)
    blob.read_at(at, 1)
    with pytest.raises(ImageError, match="not the same each time"):
        blob.check(lambda _: None)


@pytest.mark.parametrize("at", [0, PART - 1, PART, len(RAW) - 1])
def test_a_part_that_is_read_later_must_be_the_same_as_in_the_whole(at: int) -> None:
    blob = StoredBlob(Fickle(parts=changed(at)), BLOB)
    blob.check(lambda _: None)
    with pytest.raises(ImageError, match="not the same each time"):
        blob.read_at(at, 1)


def test_a_blob_that_is_too_large_is_refused() -> None:
    with pytest.raises(ImageError, match="is too large"):
        StoredBlob(Fickle(), Descriptor("a/b", BLOB.digest, 1 << 50))


def test_a_sif_in_an_archive_is_read_in_place(tmp_path: Path) -> None:
    (tmp_path / "root/bin").mkdir(parents=True)
    raw = sif(
        tmp_path / "a.sif", [Held(PARTITION, squashfs(tmp_path / "root", tmp_path / "fs").read_bytes())]
    ).read_bytes()
    config = {"mediaType": "application/vnd.sylabs.sif.config.v1+json", "digest": sha256(b"{}"), "size": 2}
    layer = described(raw, "application/vnd.sylabs.sif.layer.v1.sif")
    document = to_json({"schemaVersion": 2, "config": config, "layers": [layer]})
    entry = described(document, "application/vnd.oci.image.manifest.v1+json")
    path = write_tar(tmp_path / "image.tar", oci_files([b"{}", document, raw], [entry]))
    with open_oci_archive(str(path), Wish()) as image:
        assert (image.config.platform, image.digest) == ("linux/amd64", sha256(document))
    with pytest.raises(CompatError, match=r"has no linux/arm64"), open_oci_archive(str(path), Wish("linux/arm64")):
        pass
