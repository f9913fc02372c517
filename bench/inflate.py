"""Decompress gzip files and throw the bytes away: ``python -m bench.inflate zlib|isal FILE...``.

The yardstick for inference in the same language, with the same sizes of blocks: reading, inflating, nothing else.
"""

import importlib
import sys
from collections.abc import Sequence

MODULES = {"zlib": "zlib", "isal": "isal.isal_zlib"}
BLOCK = 262_144
GZIP = 31  # zlib's window bits for a gzip wrapper


def inflate(module: str, files: Sequence[str]) -> int:
    """Return how many bytes files decompress to, with a module that has zlib's interface; gzip members may follow."""
    zlib = importlib.import_module(MODULES[module])
    total = 0
    for file in files:
        with open(file, "rb") as stream:  # noqa: PTH123  the yardstick starts as fast as it can
            decompressor = zlib.decompressobj(GZIP)
            while data := stream.read(BLOCK):
                while data:
                    total += len(decompressor.decompress(data))
                    data = decompressor.unused_data
                    if data:
                        decompressor = zlib.decompressobj(GZIP)
    return total


if __name__ == "__main__":
    inflate(sys.argv[1], sys.argv[2:])
