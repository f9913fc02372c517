"""HIP offload bundles made byte by byte, after the layout described in compatbuild.image.hipfat."""

from __future__ import annotations

import sys
import zlib
from struct import Struct

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PAGE = 4096
HOST = "host-x86_64-unknown-linux--"
AMDGPU = "hipv4-amdgcn-amd-amdhsa--"
ZLIB, ZSTD = 0, 1


def bundle(*targets: str, code: bytes = b"code", host: bool = True) -> bytes:
    """Return a plain bundle for some targets (``gfx90a:xnack+``; whole ids are taken as they are)."""
    ids = [HOST] * host + [target if "-amd-" in target else AMDGPU + target for target in targets]
    body, at = bytearray(), PAGE
    header = bytearray(b"__CLANG_OFFLOAD_BUNDLE__" + Struct("<Q").pack(len(ids)))
    for identity in ids:
        content = b"" if identity == HOST else code
        header += Struct("<QQQ").pack(at + len(body), len(content), len(identity)) + identity.encode()
        body += padded(content)
    return padded(bytes(header)) + bytes(body)


def compressed(
    plain: bytes, *, version: int = 3, method: int = ZSTD, level: int = 3, total: int | None = None
) -> bytes:
    """Return a compressed bundle; ``total`` is the size it states, the right one unless given."""
    stream = zlib.compress(plain) if method == ZLIB else zstd.compress(plain, level)
    sizes = {1: Struct("<IQ"), 2: Struct("<IIQ"), 3: Struct("<QQQ")}[version]
    whole = 8 + sizes.size + len(stream) if total is None else total
    values = (len(plain), 0x5EED) if version == 1 else (whole, len(plain), 0x5EED)
    return b"CCOB" + Struct("<HH").pack(version, method) + sizes.pack(*values) + stream


def padded(content: bytes) -> bytes:
    """Return content up to the next page."""
    return content + bytes(-len(content) % PAGE)


def section(*bundles: bytes) -> bytes:
    """Return what a linker makes of the bundles of several translation units."""
    return b"".join(map(padded, bundles))
