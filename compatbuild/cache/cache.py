"""Entries by kind and key, each with its checksum, in whatever folder there is."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from compatbuild.cache.fingerprint import fingerprint

_HEAD = b"compatbuild cache 1 "
_HEAD_SIZE = len(_HEAD) + 64 + 1
"""What an entry begins with: this, the SHA-256 of the rest in hexadecimal, a line feed."""


class Folder(Protocol):
    """A place that keeps files by name; none of its functions raises when the place fails."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content, None when there is none that can be read."""

    def write(self, name: str, data: bytes) -> None:
        """Keep a file, whole or not at all; another of that name is replaced."""


@dataclass(frozen=True)
class Cache:
    """A cache in a folder; safe to share between threads, processes and machines.

    Keys are made of all that a value depends on, the code of this tool included, so entries are never stale.
    """

    folder: Folder

    def read(self, kind: str, parts: Iterable[str]) -> bytes | None:
        """Return what is kept of a kind under a key made of parts; None when nothing is, or what is was damaged."""
        data = self.folder.read(_name(kind, parts))
        if data is None or not data.startswith(_HEAD) or data[_HEAD_SIZE - 1 : _HEAD_SIZE] != b"\n":
            return None
        value = data[_HEAD_SIZE:]
        told = data[len(_HEAD) : _HEAD_SIZE - 1]
        return value if hashlib.sha256(value).hexdigest().encode() == told else None

    def write(self, kind: str, parts: Iterable[str], value: bytes) -> None:
        """Keep a value of a kind under a key made of parts."""
        told = hashlib.sha256(value).hexdigest().encode()
        self.folder.write(_name(kind, parts), b"".join((_HEAD, told, b"\n", value)))


def _name(kind: str, parts: Iterable[str]) -> str:
    """Return ``kind/ab/abcdef…``, a name that says nothing of what it is about."""
    key = hashlib.sha256(fingerprint().encode())
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        key.update(b"%d:" % len(encoded) + encoded)
    name = key.hexdigest()
    return f"{kind}/{name[:2]}/{name}"
