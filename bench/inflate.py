"""Decompress files and throw the bytes away: ``python -m bench.inflate zlib|isal|zstd FILE...``.

The yardstick for inference in the same language, with the same sizes of blocks: reading, inflating, nothing else.
"""

import importlib
import sys
from collections.abc import Sequence

MODULES = {
    "zlib": "zlib",
    "isal": "isal.isal_zlib",
    "zstd": "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
}
BLOCK = 262_144
GZIP = 31  # zlib's window bits for a gzip wrapper


def inflate(module: str, files: Sequence[str]) -> int:
    """Return how many bytes files decompress to; members or frames may follow each other."""
    library = importlib.import_module(MODULES[module])
    begin = library.ZstdDecompressor if module == "zstd" else lambda: library.decompressobj(GZIP)
    total = 0
    for file in files:
        with open(file, "rb") as stream:  # noqa: PTH123  the yardstick starts as fast as it can
            decompressor = begin()
            while data := stream.read(BLOCK):
                while data:
                    total += len(decompressor.decompress(data))
                    data = decompressor.unused_data
                    if data:
                        decompressor = begin()
    return total


if __name__ == "__main__":
    inflate(sys.argv[1], sys.argv[2:])
