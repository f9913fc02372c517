"""A case: an OCI layout that is not what it seems, and the answer to it.

Most images here hold an honest program below the trick: whatever the trick is, what that program needs must still be
said, unless the whole image is refused.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.builders import images
from tests.builders.elf import elf
from tests.builders.layers import MEDIA_TYPES, Entry, Layer, file, layer, sha256, stored
from tests.builders.programs import RUNTIME, cuda_program
from tests.builders.tarbytes import END, header

HONEST: Mapping[str, object] = {"cuda.driver.min": "525.60.13", "os.id": "debian"}
"""Facts of the honest program."""
MPI: Mapping[str, object] = {"mpi.family": "Open MPI"}
"""Facts of ``program()``."""
TRICK = "usr/bin/trick"
IMAGE_ERROR = 1

Make = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """A layout that ``make`` writes into a directory, and what ``infer`` must answer.

    ``code`` is the exit code; ``told`` stands in an error. Of a report: ``facts`` are there with these values, those of
    ``absent`` are not there, and texts of ``limits`` and ``skipped`` stand in those. ``options`` are further arguments,
    ``said`` is what must stand on stderr, where nothing else may.
    """

    name: str
    about: str
    make: Make
    code: int = 0
    told: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=lambda: HONEST)
    absent: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    said: tuple[str, ...] = ()


def refused(name: str, about: str, make: Make, *told: str, code: int = IMAGE_ERROR) -> Case:
    """Return a case that must end in an error that says these things."""
    return Case(name, about, make, code, told)


def program(content: str = "libmpi.so.40") -> bytes:
    """Return a program that makes itself known in the report: it needs a library of MPI."""
    return elf(needed=[content])


def trick(path: str = TRICK) -> Entry:
    """Return the program as a file."""
    return file(path, program(), mode=0o755)


def raw(content: bytes, compress: str = "plain", blob: bytes | None = None) -> Layer:
    """Return a layer of these bytes, whatever they are; ``blob`` is what is stored instead of them compressed."""
    return Layer(stored(content, compress) if blob is None else blob, sha256(content), MEDIA_TYPES[compress])


def archive(*members: bytes) -> Layer:
    """Return a layer of raw tar members."""
    return raw(b"".join(members) + END)


def image(*layers: Layer, runtime: Mapping[str, Any] | None = None, config: bytes | None = None) -> Make:
    """Return what writes an image of the honest program with these layers on top."""

    def make(path: Path) -> object:
        every = [cuda_program(), *layers]
        return images.oci_layout(path, every, config or images.image_config(every, RUNTIME | dict(runtime or {})))

    return make


def built(*parts: Callable[[], Layer], runtime: Mapping[str, Any] | None = None) -> Make:
    """Return what writes such an image of layers that are only made when it is written: large ones."""

    def make(path: Path) -> object:
        return image(*(part() for part in parts), runtime=runtime)(path)

    return make


def files(*entries: Entry, runtime: Mapping[str, Any] | None = None) -> Make:
    """Return what writes such an image with one more layer of these entries."""
    return built(lambda: layer(*entries), runtime=runtime)


def zeros(
    name: str, size: int, head: bytes = b"", *, block: bytes = bytes(1 << 20), tail: Sequence[bytes] = ()
) -> Layer:
    """Return a gzipped layer with one file: ``head``, then ``block`` again and again up to ``size``, never held whole."""
    left = size - len(head)
    pieces = [header(name.encode(), b"%011o\0" % size), head]
    end = bytes(-size % 512) + b"".join(tail) + END
    return streamed([*pieces, *(block[: min(len(block), left - at)] for at in range(0, left, len(block))), end])


def streamed(pieces: Iterable[bytes]) -> Layer:
    """Return a gzipped layer of pieces that are compressed as they come."""
    packer, digest, blob = zlib.compressobj(6, wbits=31), hashlib.sha256(), bytearray()
    for piece in pieces:
        digest.update(piece)
        blob += packer.compress(piece)
    blob += packer.flush()
    return Layer(bytes(blob), f"sha256:{digest.hexdigest()}", MEDIA_TYPES["gzip"])
