"""SIF headers and descriptors: what the reference library writes, and what nobody may be led to believe."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from compatbuild.errors import ImageError
from compatbuild.image.random_access import Part
from compatbuild.image.sif import ARCHITECTURES, Type, architecture_of, document, is_sif, read_sif
from tests.builders.sif import (
    CRYPTO,
    DATA,
    DEFINITION,
    ENCRYPTED,
    EXT3,
    JSON,
    OVERLAY,
    PARTITION,
    PRIMARY,
    SYSTEM,
    Descriptor,
    Header,
    Held,
    raw_sif,
    written_objects,
)


@dataclass
class Content:
    """Bytes, and how many of them were asked for."""

    raw: bytes
    asked: int = 0

    @property
    def size(self) -> int:
        return len(self.raw)

    def read_at(self, offset: int, count: int) -> bytes:
        self.asked += count
        assert 0 <= offset <= offset + count <= len(self.raw)
        return self.raw[offset : offset + count]


def test_the_objects_are_those_that_the_library_wrote(tmp_path: Path) -> None:
    path = tmp_path / "image.sif"
    written = written_objects(
        path,
        [
            Held(DEFINITION, b"Bootstrap: scratch\n", "Singularity"),
            Held(JSON, b"{}", "inspect-metadata.json"),
            Held(PARTITION, b"one" * 5000, "arm", use=SYSTEM, architecture="arm64"),
            Held(PARTITION, b"two" * 5000, "own", file_system=ENCRYPTED, architecture="ppc64le"),
            Held(CRYPTO, b"secret", "key"),
            Held(PARTITION, b"three", "overlay", file_system=EXT3, use=OVERLAY, architecture="amd64"),
            Held(PARTITION, b"", "empty", use=DATA, architecture="s390x"),
        ],
    )
    sif = read_sif(Content(path.read_bytes()))
    found = [{"id": o.id, "type": o.type, "offset": o.offset, "size": o.size, "name": o.name} for o in sif.objects]
    assert found == written
    assert sif.architecture == "ppc64le"
    assert [(o.file_system, o.use, o.architecture) for o in sif.of_type(Type.PARTITION)] == [
        (1, SYSTEM, "arm64"),
        (ENCRYPTED, PRIMARY, "ppc64le"),
        (EXT3, OVERLAY, "amd64"),
        (1, DATA, "s390x"),
    ]
    assert document(Content(path.read_bytes()), sif.objects[0]) == b"Bootstrap: scratch\n"


@pytest.mark.parametrize("name", sorted(ARCHITECTURES.values()))
def test_every_architecture_is_called_as_the_library_calls_it(name: str, tmp_path: Path) -> None:
    path = tmp_path / "image.sif"
    written_objects(path, [Held(PARTITION, b"x", architecture=name)])
    head = path.read_bytes()[:64]
    assert (is_sif(head), architecture_of(head)) == (True, name)


@pytest.mark.parametrize("head", [b"", b"SIF_MAGIC\0", bytes(64), b"x" * 32 + b"SIF_MAGIC1"])
def test_what_has_no_mark_is_none(head: bytes) -> None:
    assert not is_sif(head)
    assert architecture_of(head) == ""


def test_an_unknown_architecture_is_none() -> None:
    raw = raw_sif(Header(architecture=b"77\0", descriptors=[Descriptor(extra=(1, 2, b"00\0"))]))
    sif = read_sif(Content(raw))
    assert (sif.architecture, sif.objects[0].architecture, architecture_of(raw[:64])) == ("", "", "")


@pytest.mark.parametrize(
    ("header", "why"),
    [
        (Header(magic=b"SIF_MAGIX\0"), "has not the mark"),
        (Header(version=b"02\0"), "version '02'"),
        (Header(total=0), "0 descriptors"),
        (Header(total=-1), "-1 descriptors"),
        (Header(total=1 << 40), "1,099,511,627,776 descriptors"),
        (Header(total=4096), "outside of it"),
        (Header(at=127), "outside of it"),
        (Header(at=-4096), "outside of it"),
        (Header(at=39_000), "outside of it"),
        (Header(at=(1 << 63) - 1), "outside of it"),
        (Header(descriptors=[Descriptor(offset=-1)]), "said to be 16 bytes at -1"),
        (Header(descriptors=[Descriptor(offset=0)]), "said to be 16 bytes at 0"),
        (Header(descriptors=[Descriptor(offset=40_000, size=1)]), "the file has 40,000"),
        (Header(descriptors=[Descriptor(size=40_000)]), "the file has 40,000"),
        (Header(descriptors=[Descriptor(size=-1)]), "said to be -1 bytes"),
        (Header(descriptors=[Descriptor(size=(1 << 63) - 1)]), "the file has 40,000"),
        (Header(descriptors=[Descriptor(), Descriptor()]), "two of its objects have the number 1"),
        (Header(descriptors=[Descriptor(id=0)]), "has no number"),
    ],
)
def test_a_number_that_cannot_be_true_is_refused(header: Header, why: str) -> None:
    content = Content(raw_sif(header))
    with pytest.raises(ImageError, match=why):
        read_sif(content)
    assert content.asked <= len(content.raw) + 128


@pytest.mark.parametrize("size", [0, 1, 41, 42, 64, 127, 128, 28_000])
def test_a_file_that_ends_early_is_refused(size: int) -> None:
    with pytest.raises(ImageError, match=r"shorter|outside"):
        read_sif(Content(raw_sif(Header(), size)))


def test_unused_descriptors_are_not_looked_at() -> None:
    unused = Descriptor(used=False, offset=-1, id=0)
    assert [o.id for o in read_sif(Content(raw_sif(Header(descriptors=[unused, Descriptor(id=7)])))).objects] == [7]


def test_a_document_that_is_too_large_is_not_read() -> None:
    content = Content(raw_sif(Header(descriptors=[Descriptor(type=0x4001, size=(4 << 20) + 1)]), 5 << 20))
    with pytest.raises(ImageError, match=r"4,194,305 bytes"):
        document(content, read_sif(content).objects[0])


def test_a_part_gives_nothing_from_outside_of_it() -> None:
    part = Part(Content(b"0123456789"), 2, 5)
    assert part.read_at(0, 5) == b"23456"
    for offset, count in [(0, 6), (5, 1), (-1, 1), (1, -1), (1 << 62, 1)]:
        with pytest.raises(ImageError, match="points at"):
            part.read_at(offset, count)
