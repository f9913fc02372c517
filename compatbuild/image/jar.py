"""Names of the entries of a Java archive, from the end of the file: a ZIP archive has its directory there.

Format: PKWARE APPNOTE 6.3.10, central directory header (4.3.12) and end of central directory record (4.3.16). Nothing
is unpacked; a directory that begins before what was kept is read from its first whole header on.
"""

import struct
from collections.abc import Iterator

from compatbuild.image.interests import FileInterest
from compatbuild.image.limits import KIB

JARS = FileInterest("/**/*.jar", 64 * KIB, end=True)
"""Java archives; an entry takes about a hundred bytes, so these are the names of the last 600 entries.

Those that carry native libraries have fewer, and an image may have a thousand archives.
"""
MAX_ENTRIES = 20_000

_HEADER = struct.Struct("<4s24xHHH12x")  # signature; lengths of name, extra field and comment
_SIGNATURE = b"PK\x01\x02"
_END = struct.Struct("<4s8xI6x")  # signature; bytes of the directory
_END_SIGNATURE = b"PK\x05\x06"


def entries(content: bytes) -> Iterator[str]:
    """Yield the names of an archive's entries; nothing for what is none."""
    end = content.rfind(_END_SIGNATURE)
    if end < 0 or len(content) < end + _END.size:
        return
    _, size = _END.unpack_from(content, end)
    at = end - size if size <= end else content.find(_SIGNATURE)
    for _ in range(MAX_ENTRIES):
        if at < 0 or at + _HEADER.size > end:
            return
        signature, name, extra, comment = _HEADER.unpack_from(content, at)
        if signature != _SIGNATURE:
            return
        start = at + _HEADER.size
        yield content[start : start + name].decode("utf-8", "replace")
        at = start + name + extra + comment
