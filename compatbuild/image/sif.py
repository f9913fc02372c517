"""Singularity image format (SIF): its header, its descriptors, and which data object is what.

Format: sylabs/sif v2 ``pkg/sif`` (``sif.go``, ``descriptor.go``), little-endian and packed; the writers of Singularity
and Apptainer are that library. The reference reader lists objects that lie outside of the file and dies of a count of
2^40 descriptors; here every number is checked before it is used.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from compatbuild.errors import ImageError
from compatbuild.image.random_access import Part, RandomAccess

MAGIC_AT = 32
MAGIC = b"SIF_MAGIC\0"
VERSION = b"01"
HEADER_SIZE = 128
DESCRIPTOR_SIZE = 585
MAX_DESCRIPTORS = 4_096
"""Writers make room for 48."""
MAX_DOCUMENT = 4 << 20
"""Bytes of a definition file or a JSON object."""
GROUP_BITS = 0xF0000000
"""Set in every group number and every link to a group (``DescriptorGroupMask``)."""

ARCHITECTURES = {
    "01": "386",
    "02": "amd64",
    "03": "arm",
    "04": "arm64",
    "05": "ppc64",
    "06": "ppc64le",
    "07": "mips",
    "08": "mipsle",
    "09": "mips64",
    "10": "mips64le",
    "11": "s390x",
    "12": "riscv64",
    "13": "loong64",
}
"""Codes of ``arch.go``, and their names in Go and OCI; ``00`` is unknown."""

_HEADER = struct.Struct("<32s10s3s3s16s8q")
_DESCRIPTOR = struct.Struct("<i?IIIqqqqqqq128s384s")
_PARTITION = struct.Struct("<ii3s")


class Type(IntEnum):
    """Types of data objects that are looked at."""

    DEFINITION = 0x4001
    LABELS = 0x4003
    PARTITION = 0x4004
    SIGNATURE = 0x4005
    JSON = 0x4006
    CRYPTO = 0x4008
    OCI_ROOT_INDEX = 0x400A


class FileSystem(IntEnum):
    """What a partition holds."""

    SQUASHFS = 1
    EXT3 = 2
    ARCHIVE = 3
    RAW = 4
    ENCRYPTED_SQUASHFS = 5


class Use(IntEnum):
    """What a partition is for."""

    SYSTEM = 1
    PRIMARY = 2
    DATA = 3
    OVERLAY = 4


@dataclass(frozen=True, slots=True)
class DataObject:
    """One object in a SIF, which lies within the file; the last three fields are a partition's."""

    type: int
    id: int
    offset: int
    size: int
    name: str
    file_system: int = 0
    use: int = 0
    architecture: str = ""


@dataclass(frozen=True, slots=True)
class Sif:
    """A SIF: the architecture of its primary partition (empty when unknown), and what is in it."""

    architecture: str
    objects: tuple[DataObject, ...]

    def of_type(self, kind: Type) -> tuple[DataObject, ...]:
        """Return the objects of a type, in the order of their descriptors."""
        return tuple(found for found in self.objects if found.type == kind)

    def named(self, kind: Type, name: str) -> DataObject | None:
        """Return the first object of a type and name."""
        return next((found for found in self.of_type(kind) if found.name == name), None)


def is_sif(head: bytes) -> bool:
    """Say whether a file that begins so is a SIF; 42 bytes are enough."""
    return head[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC


def architecture_of(head: bytes) -> str:
    """Return the architecture that the first 64 bytes of a SIF name, empty when they name none that is known."""
    return ARCHITECTURES.get(_text(head[45:48]), "") if is_sif(head) else ""


def read_sif(data: RandomAccess) -> Sif:
    """Read the header and every descriptor; ImageError says which number cannot be true."""
    if data.size < HEADER_SIZE:
        raise ImageError("it is shorter than the header of a SIF")
    _, magic, version, architecture, _, _, _, _, total, at, _, _, _ = _HEADER.unpack(data.read_at(0, HEADER_SIZE))
    if magic != MAGIC:
        raise ImageError("it has not the mark of a SIF")
    if _text(version) != VERSION.decode():
        raise ImageError(f"it is a SIF of version {_text(version)!r}, and {VERSION.decode()} is read")
    if not 0 < total <= MAX_DESCRIPTORS:
        raise ImageError(f"it has {total:,} descriptors, and at most {MAX_DESCRIPTORS:,} are read")
    if at < HEADER_SIZE or at + total * DESCRIPTOR_SIZE > data.size:
        raise ImageError(f"its descriptors are said to be at byte {at:,}, which is outside of it")
    raw = data.read_at(at, total * DESCRIPTOR_SIZE)
    objects: dict[int, DataObject] = {}
    for values in _DESCRIPTOR.iter_unpack(raw):
        if values[1]:
            found = _object(values, data.size)
            if found.id in objects:
                raise ImageError(f"two of its objects have the number {found.id}")
            objects[found.id] = found
    return Sif(ARCHITECTURES.get(_text(architecture), ""), tuple(objects.values()))


def document(data: RandomAccess, found: DataObject) -> bytes:
    """Return an object that is a text; ImageError when it is too large to be one."""
    if found.size > MAX_DOCUMENT:
        raise ImageError(f"object {found.id} has {found.size:,} bytes, and at most {MAX_DOCUMENT:,} are read")
    return Part(data, found.offset, found.size).read_at(0, found.size)


def _object(values: tuple[int, ...], size: int) -> DataObject:
    kind, _, number, _, _, offset, length, _, _, _, _, _, name, extra = values
    if number == 0:
        raise ImageError("one of its objects has no number")
    # Nothing is read of an empty object, and the library aligns the last one to a place behind the end of the file.
    if length != 0 and not (offset >= HEADER_SIZE and length > 0 and offset + length <= size):
        raise ImageError(f"object {number} is said to be {length:,} bytes at {offset:,}, and the file has {size:,}")
    if kind != Type.PARTITION:
        return DataObject(kind, number, offset, length, _text(name))
    file_system, use, architecture = _PARTITION.unpack_from(_bytes(extra))
    return DataObject(
        kind, number, offset, length, _text(name), file_system, use, ARCHITECTURES.get(_text(architecture), "")
    )


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def _text(field: object) -> str:
    """Return a field that ends with a zero byte."""
    return _bytes(field).partition(b"\0")[0].decode("utf-8", "backslashreplace")
