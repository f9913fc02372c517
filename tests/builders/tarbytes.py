"""Tar archives written header by header, with what no honest writer writes."""

from compatbuild.image.tar import BLOCK

END = bytes(2 * BLOCK)


def header(name: bytes = b"file", size: bytes = b"00000000000\0", flag: bytes = b"0", **fields: bytes) -> bytes:
    """Return a header block with a right checksum; ``fields`` are the others by their names."""
    block = bytearray(BLOCK)
    block[:100] = name.ljust(100, b"\0")
    block[100:108] = fields.get("mode", b"0000644\0")
    block[124:136] = size
    block[156:157] = flag
    block[157:257] = fields.get("link", b"").ljust(100, b"\0")
    block[257:265] = fields.get("magic", b"ustar\x0000")
    block[345:500] = fields.get("prefix", b"").ljust(155, b"\0")
    if "tail" in fields:
        block[386:512] = fields["tail"].ljust(126, b"\0")
    block[148:156] = b" " * 8
    block[148:156] = fields.get("checksum", b"%06o\0 " % sum(block))
    return bytes(block)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % BLOCK)


def extension(flag: bytes, content: bytes) -> bytes:
    return header(b"ext", b"%011o\0" % len(content), flag) + padded(content)


def pax(**records: str) -> bytes:
    content = b""
    for key, value in records.items():
        body = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(body) + len(str(len(body) + 2))
        content += b"%d%s" % (length, body)
    return extension(b"x", content)


def member(name: bytes, content: bytes = b"", **fields: bytes) -> bytes:
    """Return a regular file as it lies in an archive."""
    return header(name, b"%011o\0" % len(content), **fields) + padded(content)
