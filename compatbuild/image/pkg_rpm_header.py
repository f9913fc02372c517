"""RPM headers as databases hold them: the few tags that name a package.

The format is that of a header structure without its magic (rpm.org, "RPM V4 Package format"): counts of index entries
and data bytes, the entries (tag, type, offset, count), the data; all numbers big-endian.
"""

import struct

NAME, VERSION, RELEASE, EPOCH, ARCHITECTURE = 1000, 1001, 1002, 1003, 1022  # rpmtag.h
_INT32, _STRING, _I18N_STRING = 4, 6, 9  # rpmTagType_e
MAX_TAGS = 0xFFFF
"""Index entries of a header, rpm's own limit (lib/header.cc)."""
MAX_FIELD = 512
"""Bytes of a text that is looked at."""

_COUNTS = struct.Struct(">II")
_ENTRY = struct.Struct(">iIiI")


def tags(blob: bytes) -> dict[int, str | int]:
    """Return name, version, release, epoch and architecture of a header, as far as it has them undamaged."""
    found: dict[int, str | int] = {}
    if len(blob) < _COUNTS.size:
        return found
    count, _ = _COUNTS.unpack_from(blob)
    start = _COUNTS.size + count * _ENTRY.size
    if count > MAX_TAGS or start > len(blob):
        return found
    for tag, kind, offset, _ in _ENTRY.iter_unpack(blob[_COUNTS.size : start]):
        at = start + offset
        if tag in (NAME, VERSION, RELEASE, EPOCH, ARCHITECTURE) and start <= at < len(blob):
            if kind == _INT32:
                found[tag] = int.from_bytes(blob[at : at + 4], "big")
            elif kind in (_STRING, _I18N_STRING):
                found[tag] = blob[at : at + MAX_FIELD].partition(b"\0")[0].decode("utf-8", "replace")
    return found
