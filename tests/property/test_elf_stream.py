"""However a file is cut into pieces, and whatever it holds, the reader says the same and never raises."""

from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.image.elf import ElfFacts
from compatbuild.image.elf_stream import BLOCK, LOOK, NEVER, Block, Scope
from compatbuild.image.elf_windows import Windows
from compatbuild.image.interests import Interests, Marker
from tests.builders import go
from tests.builders.elf import bpf_object, elf, read
from tests.builders.fatbin import CUBIN, ZSTD, concatenated, container, cubin, header, ptx

EVERYTHING = Interests(
    elf=True,
    device_code=True,
    bpf=True,
    go=True,
    markers=(Marker("release", b"release ", pattern=rb"(\d+\.\d+)"), Marker("plain", b"needle")),
)

CONTENTS = {
    "fatbin": container(cubin("80", b"x" * 300), concatenated(header(CUBIN, "90a", 9)), ptx("90", (8, 4))),
    "compressed": container(cubin("100", b"release 1.0 needle" * 999, flags=ZSTD)),
    "large": container(cubin("75", b"release 2.0" + bytes(BLOCK))),
    "bpf": bpf_object(["tp_btf/x"], core_relocations=28),
    "text": b"release 12.9 and a needle",
    "half": b"\x7fELF\x02\x01\x01\x50\xed\x55\xba\x01\x00\x10\x00release needl",
}


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """An ELF file with some of the contents, anywhere about the borders of blocks."""
    parts = []
    for name in draw(st.lists(st.sampled_from(sorted(CONTENTS)), max_size=4)):
        near = draw(st.sampled_from([0, BLOCK, 2 * BLOCK]))
        parts += [bytes(max(0, near + draw(st.integers(-2 * LOOK, 2 * LOOK)))), CONTENTS[name]]
        parts.append(bytes(-sum(map(len, parts)) % 8))
    return elf(
        bits=draw(st.sampled_from([32, 64])),
        needed=["libc.so.6", "libm.so.6"],
        soname="libit.so",
        versions={"libc.so.6": ["GLIBC_2.34"]},
        isa=draw(st.sampled_from([None, 1, 7])),
        sections={".nv_fatbin": b"".join(parts)},
        data=go.inline("go1.26.8", {"GOAMD64": "v2"}) if draw(st.booleans()) else b"",
        strings_last=draw(st.booleans()),
        headers=draw(st.booleans()),
    )


PIECES = st.lists(
    st.one_of(st.integers(1, 9), st.integers(1, 5000), st.integers(BLOCK - LOOK, BLOCK + LOOK)), max_size=60
)


@settings(max_examples=150)
@given(files(), PIECES)
def test_pieces_make_no_difference(data: bytes, pieces: list[int]) -> None:
    assert read(data, EVERYTHING, pieces=pieces) == read(data, EVERYTHING)


@settings(max_examples=15)
@given(files(), st.sampled_from([1, 7, 4096, 65_536, 1 << 20]))
def test_equal_pieces_make_no_difference(data: bytes, size: int) -> None:
    data = data[:60_000] if size < 4096 else data
    assert read(data, EVERYTHING, pieces=[size] * (len(data) // size)) == read(data, EVERYTHING)


@settings(max_examples=300)
@given(st.binary(max_size=2000), PIECES)
def test_garbage_behind_the_magic_never_raises(garbage: bytes, pieces: list[int]) -> None:
    for ident in (b"\x7fELF\x02\x01\x01", b"\x7fELF\x01\x02\x01"):
        found = read(ident + bytes(9) + garbage, EVERYTHING, pieces=pieces)
        assert isinstance(found, ElfFacts)


@settings(max_examples=300)
@given(
    files(),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=30),
    st.integers(0, 1 << 20),
)
def test_changed_and_cut_files_never_raise(data: bytes, changes: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(data)
    for place, value in changes:
        changed[place % min(len(changed), 4096)] = value
    read(bytes(changed), EVERYTHING)
    read(bytes(changed[: cut % len(changed)]), EVERYTHING)


RANGES = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)).map(lambda r: (r[0], r[0] + r[1])), max_size=8)


@given(RANGES, st.lists(st.integers(1, 50), max_size=30))
def test_windows_keep_exactly_their_ranges(ranges: list[tuple[int, int]], sizes: list[int]) -> None:
    data = bytes(range(256)) * 2
    windows = Windows(ranges)
    at = 0
    for size in [*sizes, len(data)]:
        windows.scan(Block(at, data[at : at + size], last=False))
        at = min(at + size, len(data))
    for start, stop in ranges:
        assert windows.peek(start, stop - start) == data[start:stop]
    covered = {offset for start, stop in ranges for offset in range(start, stop)}
    assert all(bool(windows.peek(offset, 1)) == (offset in covered) for offset in range(300))
    assert windows.resume == NEVER


@given(RANGES, RANGES, st.integers(0, 260), st.integers(0, 260))
def test_scope_is_set_arithmetic(
    parts: list[tuple[int, int]], cut: list[tuple[int, int]], start: int, stop: int
) -> None:
    inside = {n for a, b in parts for n in range(a, b)}
    starts = sorted(n for n in inside if n - 1 not in inside)
    stops = sorted(n + 1 for n in inside if n + 1 not in inside)
    scope = Scope(zip(starts, stops, strict=True))
    for a, b in cut:
        scope.exclude(a, b)
        inside -= set(range(a, b))
    assert [n for a, b in scope.parts(start, stop) for n in range(a, b)] == sorted(inside & set(range(start, stop)))
    assert scope.following(start) == min((n for n in inside if n >= start), default=NEVER)
