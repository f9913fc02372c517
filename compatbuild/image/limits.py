"""How much of an image is read and kept: every cap that a user may set, named once.

An image is hostile until read, so nothing here grows with a number that the image itself states. Going over a cap
that protects the reader (sizes, counts, ratios) is an OverLimitError; going over one that only limits what is kept
cuts, and the report says so in its ``limits``. ``docs/security.md`` has the table of them, made from this file.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from compatbuild.errors import ImageError, UsageError

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
ERROR, CUT, WHOLE = "the image is refused", "the rest is left out", "the layer is read as a whole"

_VALUE = re.compile(r"([0-9]{1,19}) ?(KiB|MiB|GiB)?")
_UNITS = {None: 1, "KiB": KIB, "MiB": MIB, "GiB": GIB}
_RANGES = {"zstd_window_log": range(10, 32)}  # what libzstd takes (zstd.h, ZSTD_WINDOWLOG_MIN and _MAX)
_ANY = range(1, 1 << 62)


class OverLimitError(ImageError):
    """Something of an image is more than a limit allows; whoever trusts the image can raise the limit."""

    def __init__(self, limit: str, what: str, *, why: str = "") -> None:
        super().__init__(what, why=why, remedy=f"if you trust the image, raise it with --limit {limit}=VALUE")


def _cap(default: int, effect: str, what: str, unit: str = "bytes") -> Any:
    """Return a field of Limits: its default, what going over it does, and what it counts."""
    return field(default=default, metadata={"effect": effect, "what": what, "unit": unit})


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps on reading one image, each with what it counts and what going over it does."""

    layers: int = _cap(1_000, ERROR, "layers; runtimes take at most a few hundred", "")
    entries: int = _cap(2_000_000, ERROR, "tar members and implied directories, of a layer and of all together", "")
    directories: int = _cap(500_000, ERROR, "directories of one layer", "")
    layer_bytes: int = _cap(128 * GIB, ERROR, "one layer, decompressed")
    ratio: int = _cap(250, ERROR, "decompressed to stored bytes; honest layers stay below 20", ":1")
    ratio_from: int = _cap(8 * GIB, ERROR, "decompressed bytes from which `ratio` counts")
    zstd_window_log: int = _cap(27, ERROR, "window of a zstd frame, as a power of two; the zstd program's own", "bits")
    xz_memory: int = _cap(80 * MIB, ERROR, "memory of an xz decoder; `xz -9` needs 65 MiB")
    extended_header: int = _cap(MIB, ERROR, "an extension header of tar, as in Go's archive/tar")
    extensions: int = _cap(8, ERROR, "extension headers before one tar member", "")
    member_records: int = _cap(1_000, ERROR, "PAX records of one tar member, each perhaps an extended attribute", "")
    records: int = _cap(4_000_000, ERROR, "PAX records of one layer", "")
    link_steps: int = _cap(5_000_000, ERROR, "names looked at while following links in one layer", "")
    document: int = _cap(4 * MIB, ERROR, "an image config; registries must take as much")
    toc: int = _cap(32 * MIB, WHOLE, "the table of contents of a layer, read with --trust-toc; half as much compressed")

    path: int = _cap(4_096, CUT, "one path, PATH_MAX of Linux", "characters")
    depth: int = _cap(256, CUT, "directories in one path", "")
    long_name: int = _cap(256, CUT, "a path or link target from which it counts as long", "characters")
    long_names: int = _cap(32 * MIB, CUT, "long paths and link targets of one layer together", "characters")
    layer_kept: int = _cap(32 * MIB, CUT, "content of files kept of one layer")
    kept: int = _cap(64 * MIB, CUT, "content of files kept of all layers")
    database: int = _cap(64 * MIB, CUT, "one package database of rpm")
    status: int = _cap(16 * MIB, CUT, "one package database that is text, of dpkg or apk")
    elf_files: int = _cap(15_000, CUT, "ELF files, further names of the same file included", "")
    packages: int = _cap(50_000, CUT, "installed packages", "")
    texts: int = _cap(50, CUT, "texts in the report that say what was left out of one layer", "")
    script: int = _cap(64 * KIB, CUT, "a script that is a program of the image")
    python_sources: int = _cap(512, CUT, "Python sources of the image's program", "")
    python_source: int = _cap(256 * KIB, CUT, "one Python source")

    def stated(self, values: Mapping[str, str]) -> "Limits":
        """Return these limits with some replaced: ``{"layer_bytes": "200GiB"}``; UsageError for what is no limit."""
        return replace(self, **{name: _value(name, text) for name, text in values.items()})


NAMES = tuple(one.name for one in fields(Limits))
DEFAULT = Limits()


def pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """Split ``NAME=VALUE`` texts; UsageError for anything else."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"{text[:80]!r} is no limit", why="it is not NAME=VALUE", remedy="see docs/security.md")
        found[name.strip()] = value.strip()
    return found


def _value(name: str, text: str) -> int:
    if name not in NAMES:
        near = difflib.get_close_matches(name, NAMES, 1)
        remedy = f"did you mean {near[0]}?" if near else "docs/security.md has them all"
        raise UsageError(f"there is no limit {name[:80]!r}", why="it would limit nothing", remedy=remedy)
    match = _VALUE.fullmatch(text)
    value = int(match[1]) * _UNITS[match[2]] if match else -1
    allowed = _RANGES.get(name, _ANY)
    if value not in allowed:
        why = f"it is a number from {allowed.start:,} to {allowed.stop - 1:,}, perhaps with KiB, MiB or GiB behind it"
        raise UsageError(f"{text[:80]!r} is no value of the limit {name}", why=why, remedy="for example: 64MiB")
    return value
