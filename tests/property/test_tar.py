"""The tar reader against the standard library's, and against damage."""

import io
import tarfile
from collections.abc import Iterator
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.errors import ImageError
from compatbuild.image.limits import DEFAULT
from compatbuild.image.tar import TarReader
from tests.builders.layers import Entry, tar

NAMES = st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), min_size=1, max_size=20)
PATHS = st.builds("/".join, st.lists(NAMES, min_size=1, max_size=12)).filter(lambda p: p.strip("/"))
ENTRIES = st.one_of(
    st.builds(Entry, PATHS, content=st.binary(max_size=2000), mode=st.integers(0, 0o7777)),
    st.builds(Entry, PATHS, kind=st.sampled_from([tarfile.DIRTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])),
    st.builds(Entry, PATHS, kind=st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE]), target=PATHS),
)
FORMS = st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def expected(data: bytes) -> list[tuple[str, bytes, int, int, str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
        return [
            (
                m.name.rstrip("/"),
                m.type,
                m.size if m.isreg() else 0,
                m.mode,
                m.linkname,
                file.read() if (file := _file(archive, m)) else b"",
            )
            for m in archive
        ]


def _file(archive: tarfile.TarFile, member: tarfile.TarInfo) -> io.BufferedReader | None:
    return archive.extractfile(member) if member.isreg() else None  # type: ignore[return-value]  # IO[bytes] in typeshed


def read(data: bytes, size: int) -> list[tuple[str, bytes, int, int, str, bytes]]:
    reader = TarReader(pieces(data, size), DEFAULT)
    return [
        (m.name.decode().rstrip("/"), bytes([m.flag]), m.size, m.mode, m.link.decode(), reader.read(1 << 20))
        for m in reader
    ]


@given(st.lists(ENTRIES, max_size=8), FORMS, st.integers(1, 5000))
def test_the_standard_library_reads_the_same(entries: list[Entry], form: int, size: int) -> None:
    data = tar(entries, form)
    assert read(data, size) == expected(data)


@given(st.lists(ENTRIES, max_size=4), FORMS, st.data())
@settings(max_examples=300)
def test_damage_is_an_image_error_or_goes_unseen(entries: list[Entry], form: int, data: st.DataObject) -> None:
    archive = bytearray(tar(entries, form))
    for at in data.draw(st.lists(st.integers(0, len(archive) - 1), max_size=5)):
        archive[at] = data.draw(st.integers(0, 255))
    archive = archive[: data.draw(st.integers(0, len(archive)))]
    with suppress(ImageError):
        for member in (reader := TarReader(pieces(bytes(archive), 700), DEFAULT)):
            assert member.stored >= 0
            assert len(reader.read(100)) <= 100


@given(st.binary(max_size=4096))
def test_any_bytes_are_an_image_error_or_an_archive(data: bytes) -> None:
    with suppress(ImageError):
        assert list(TarReader(pieces(data, 512), DEFAULT)) == [] or len(data) >= 512
