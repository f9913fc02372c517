"""Singularity images: file systems by ``mksquashfs``, files by the library that Apptainer writes them with.

For what no writer writes there is ``raw_sif``, which packs a header and descriptors as they are told.
"""

import json
import struct
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.peers import peer, require

DEFINITION, LABELS, PARTITION, JSON, CRYPTO, ROOT_INDEX = 1, 3, 4, 6, 8, 10
SQUASHFS, EXT3, RAW, ENCRYPTED = 1, 2, 4, 5
SYSTEM, PRIMARY, DATA, OVERLAY = 1, 2, 3, 4
COMPRESSORS = ("gzip", "xz", "zstd", "lz4")
HEADER = struct.Struct("<32s10s3s3s16s8q")
DESCRIPTOR = struct.Struct("<i?IIIqqqqqqq128s384s")


@dataclass(frozen=True)
class Held:
    """An object of a SIF; the last three fields are a partition's, the architecture in Go's words."""

    type: int
    content: bytes
    name: str = ""
    file_system: int = SQUASHFS
    use: int = PRIMARY
    architecture: str = "amd64"


def squashfs(root: Path, target: Path, *options: str) -> Path:
    """Pack a directory, everything owned by root, and return the file system's path."""
    command: list[str | Path] = [
        require("mksquashfs"),
        root,
        target,
        "-noappend",
        "-no-progress",
        "-quiet",
        "-all-root",
        *options,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return target


def sif(target: Path, objects: Sequence[Held]) -> Path:
    """Write a SIF with the real library, and return its path."""
    written_objects(target, objects)
    return target


def written_objects(target: Path, objects: Sequence[Held]) -> list[Mapping[str, object]]:
    """Write a SIF, and return what the library reads back of it."""
    told = []
    for number, held in enumerate(objects):
        path = target.with_name(f"{target.name}.{number}")
        path.write_bytes(held.content)
        told.append(
            {"Type": held.type, "Path": str(path), "Name": held.name}
            | {"FS": held.file_system, "Use": held.use, "Arch": held.architecture}
        )
    answer = subprocess.run(
        [peer("sif"), target], input=json.dumps(told).encode(), check=True, capture_output=True, timeout=60
    )
    return [json.loads(line) for line in answer.stdout.splitlines()]


@dataclass(frozen=True)
class Descriptor:
    """A descriptor exactly as it is to be written; ``extra`` is a partition's file system, use and architecture."""

    type: int = 0x4004
    id: int = 1
    offset: int = 4096
    size: int = 16
    used: bool = True
    name: bytes = b"fs"
    extra: tuple[int, int, bytes] = (1, 2, b"02\0")


@dataclass(frozen=True)
class Header:
    """A header exactly as it is to be written."""

    magic: bytes = b"SIF_MAGIC\0"
    version: bytes = b"01\0"
    architecture: bytes = b"02\0"
    total: int = 48
    at: int = 128
    descriptors: Sequence[Descriptor] = field(default_factory=lambda: [Descriptor()])


def raw_sif(header: Header, size: int = 40_000) -> bytes:
    """Return a file of so many bytes with this header and these descriptors."""
    packed = HEADER.pack(
        b"#!/usr/bin/env run-singularity\n", header.magic, header.version, header.architecture, bytes(16),
        0, 0, 0, header.total, header.at, min(max(0, header.total * DESCRIPTOR.size), (1 << 63) - 1), 32_176, 0,
    )  # fmt: skip
    table = b"".join(
        DESCRIPTOR.pack(
            one.type, one.used, one.id, 0, 0, one.offset, one.size, one.size, 0, 0, 0, 0, one.name,
            struct.pack("<ii3s", *one.extra),
        )
        for one in header.descriptors
    )  # fmt: skip
    content = bytearray(max(size, 0))
    content[:128] = packed
    if 0 <= header.at <= size:
        content[header.at : header.at + len(table)] = table[: max(0, size - header.at)]
    return bytes(content[:size])
