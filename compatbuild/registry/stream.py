"""A large blob as a file: read once, in order, and taken up again where a connection breaks."""

import io
import time
from collections.abc import Callable
from typing import Protocol

from compatbuild.errors import RegistryError
from compatbuild.registry.digest import ContentError
from compatbuild.registry.retry import TransientError

RESUMES = 5
"""Broken connections put up with in a row without a byte between them."""
RESUME_PAUSE = 0.5
"""Seconds before going on, times the number of breaks in a row."""
BUFFER = 1 << 18


class Body(Protocol):
    """The unread body of an answer."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes, none at the end; TransientError when the connection breaks."""

    def close(self) -> None:
        """Let the connection go."""


class BlobStream(io.RawIOBase):
    """The ``size`` bytes of a blob; ``open_at`` starts an answer at a position.

    Reading raises ContentError when the registry has more bytes than it said, RegistryError when it stops for good.
    """

    def __init__(self, open_at: Callable[[int], Body], size: int, name: str) -> None:
        super().__init__()
        self._open_at = open_at
        self._size = size
        self._name = name
        self._position = 0
        self._breaks = 0
        self._body: Body | None = open_at(0)

    def readable(self) -> bool:
        """Return True: it is made for nothing else."""
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # Buffer is of Python 3.12
        """Fill the buffer as far as one read goes; 0 at the end."""
        wanted = len(buffer)
        while True:
            chunk = self._read(wanted)
            if chunk or self._position == self._size:
                break
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Let the connection go."""
        if self._body is not None:
            self._body.close()
            self._body = None
        super().close()

    def _read(self, wanted: int) -> bytes:
        """Return some bytes; none at the end, or after a break that was mended."""
        try:
            if self._body is None:
                self._body = self._open_at(self._position)
            chunk = self._body.read(wanted)
        except TransientError as error:
            self._mend(error.why)
            return b""
        self._position += len(chunk)
        if self._position > self._size:
            why = f"it was to have {self._size} bytes and goes on"
            raise ContentError(f"{self._name} has another size", why=why, remedy="the manifest and the blob disagree")
        if chunk:
            self._breaks = 0
        elif self._position < self._size:
            self._mend("the connection ended")
        return chunk

    def _mend(self, why: str) -> None:
        if self._body is not None:
            self._body.close()
        self._body = None
        self._breaks += 1
        if self._breaks > RESUMES:
            where = f"{why} at {self._position} of {self._size} bytes, {self._breaks} times in a row"
            raise RegistryError(f"{self._name} cannot be read to its end", why=where, remedy="try again later")
        time.sleep(RESUME_PAUSE * self._breaks)
