"""Where the built peer programs are kept: outside the tree, by name and content of their module.

``${COMPATBUILD_PEERS_DIR}`` or ``<user cache directory>/compatbuild-peers`` holds
``NAME-KEY/NAME``; the key changes with the pins (go.mod, go.sum) and with our own Go source,
so a binary that is there is the right one and is never rebuilt.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

MODULES = Path(__file__).parent
DIRECTORY_VARIABLE = "COMPATBUILD_PEERS_DIR"
SOURCE_SUFFIXES = frozenset({".go", ".mod", ".sum"})
KEY_DIGITS = 16  # of SHA-256 in hex: 64 bits, ample to tell a handful of builds apart


def names() -> tuple[str, ...]:
    """Every peer of the ordinary tests: the directories here that hold a Go module, sorted."""
    return tuple(sorted(file.parent.name for file in MODULES.glob("*/go.mod")))


def services() -> tuple[str, ...]:
    """The services of keyless signing, as ``sigstore/NAME``: built only when asked for, since that takes minutes."""
    return tuple(sorted(f"sigstore/{file.parent.name}" for file in MODULES.glob("sigstore/*/go.mod")))


def module(name: str) -> Path:
    """The directory of the Go module of a peer; KeyError when there is no such peer."""
    if name not in names() + services():
        raise KeyError(name)
    return MODULES / name


def binary(name: str) -> Path:
    """Where the built program of a peer is, or will be; KeyError when there is no such peer."""
    program = name.rpartition("/")[2]
    return _directory() / f"{program}-{_key(module(name))}" / program


def _directory() -> Path:
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    if chosen:
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches).absolute() / "compatbuild-peers"


def _key(directory: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(directory.iterdir()):
        if file.suffix in SOURCE_SUFFIXES:
            content = file.read_bytes()
            digest.update(f"{file.name} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()[:KEY_DIGITS]
