"""Layer facts as bytes, for a cache: a document in JSON, and the kept content of files behind it, compressed.

What reads them trusts nothing: types, counts and sizes are checked, so that bytes which somebody else wrote can make
facts that are wrong, and do nothing worse.
"""

import struct
import zlib
from collections.abc import Sequence
from itertools import accumulate, pairwise

from pydantic import ConfigDict, NonNegativeInt, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from compatbuild.image.elf import ElfFacts
from compatbuild.image.layer_facts import Entry, LayerFacts
from compatbuild.image.view import Kind
from compatbuild.image.wanted import Start

MAX_BYTES = 256 << 20
"""Bytes of facts, decompressed: more than any honest layer comes to, and what a cache may cost in memory."""
_LEVEL = 1
"""Of deflate: a tenth of the size at a hundredth of the time that reading the layer takes."""
_LENGTH = struct.Struct(">Q")
_LETTERS = {Kind.FILE: "f", Kind.DIRECTORY: "d", Kind.SYMLINK: "l", Kind.OTHER: "o"}
_KINDS = {letter: kind for kind, letter in _LETTERS.items()}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class _Document:
    """Facts as they are written: a column for each field of an entry, ELF facts that paths share once."""

    starts: tuple[Start, ...]
    paths: tuple[str, ...]
    kinds: str
    sizes: tuple[NonNegativeInt, ...]
    modes: tuple[NonNegativeInt, ...]
    targets: dict[NonNegativeInt, str]
    directories: frozenset[str]
    links: dict[str, str]
    whiteouts: frozenset[str]
    opaque: frozenset[str]
    elves: tuple[ElfFacts, ...]
    elf_paths: dict[str, NonNegativeInt]
    files: dict[str, NonNegativeInt]
    copies: dict[str, str]
    members: NonNegativeInt
    limits: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]


_DOCUMENT = TypeAdapter(_Document)


def to_bytes(facts: LayerFacts, starts: Sequence[Start]) -> bytes:
    """Return a layer's facts, and the starts of images for which content was kept, as bytes; none when too large."""
    entries = facts.entries.values()
    distinct = {id(elf): elf for elf in facts.elves.values()}
    numbers = {name: number for number, name in enumerate(distinct)}
    document = _DOCUMENT.dump_json(
        _Document(
            starts=tuple(starts),
            paths=tuple(facts.entries),
            kinds="".join(_LETTERS[entry.kind] for entry in entries),
            sizes=tuple(entry.size for entry in entries),
            modes=tuple(entry.mode for entry in entries),
            targets={number: entry.target for number, entry in enumerate(entries) if entry.target},
            directories=facts.directories,
            links=dict(facts.links),
            whiteouts=facts.whiteouts,
            opaque=facts.opaque,
            elves=tuple(distinct.values()),
            elf_paths={path: numbers[id(elf)] for path, elf in facts.elves.items()},
            files={path: len(content) for path, content in facts.files.items()},
            copies=dict(facts.copies),
            members=facts.members,
            limits=facts.limits,
            skipped=facts.skipped,
        )
    )
    if len(document) + sum(map(len, facts.files.values())) + _LENGTH.size > MAX_BYTES:
        return b""
    compressor = zlib.compressobj(_LEVEL)
    pieces = (_LENGTH.pack(len(document)), document, *facts.files.values())
    return b"".join([*map(compressor.compress, pieces), compressor.flush()])


def from_bytes(data: bytes) -> tuple[LayerFacts, tuple[Start, ...]]:
    """Return the facts and the starts that bytes hold; ValueError when they are no facts."""
    plain = _decompressed(data)
    (length,) = _LENGTH.unpack_from(plain)
    try:
        document = _DOCUMENT.validate_json(plain[_LENGTH.size : _LENGTH.size + length])
        facts = _facts(document, plain[_LENGTH.size + length :])
    except (ValidationError, LookupError) as error:
        raise ValueError(f"no layer facts: {error}") from error
    return facts, document.starts


def _decompressed(data: bytes) -> bytes:
    try:
        stream = zlib.decompressobj()
        plain = stream.decompress(data, MAX_BYTES)
    except zlib.error as error:
        raise ValueError(f"no layer facts: {error}") from error
    if not stream.eof or stream.unused_data or len(plain) < _LENGTH.size:
        raise ValueError("no layer facts: not one whole stream")
    return plain


def _facts(document: _Document, content: bytes) -> LayerFacts:
    count = len(document.paths)
    if not count == len(document.kinds) == len(document.sizes) == len(document.modes):
        raise ValueError("no layer facts: columns of different lengths")
    if sum(document.files.values()) != len(content):
        raise ValueError("no layer facts: the files are not as long as they are said to be")
    rows = zip(document.kinds, document.sizes, document.modes, strict=True)
    shared: dict[tuple[str, int, int], Entry] = {}
    entries = {}
    for path, row in zip(document.paths, rows, strict=True):
        entry = shared.get(row)
        if entry is None:
            entry = shared[row] = Entry(_KINDS[row[0]], row[1], row[2])
        entries[path] = entry
    for number, target in document.targets.items():
        path = document.paths[number]
        entries[path] = entries[path]._replace(target=target)
    ends = pairwise(accumulate(document.files.values(), initial=0))
    return LayerFacts(
        entries=entries,
        directories=document.directories,
        links=document.links,
        whiteouts=document.whiteouts,
        opaque=document.opaque,
        elves={path: document.elves[number] for path, number in document.elf_paths.items()},
        files={path: content[start:end] for path, (start, end) in zip(document.files, ends, strict=True)},
        copies=document.copies,
        members=document.members,
        limits=document.limits,
        skipped=document.skipped,
    )
