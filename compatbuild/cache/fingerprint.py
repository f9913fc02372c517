"""Which code made a value: a change of any module or data file of this package makes every older entry unused."""

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

_KINDS = (".py", ".json")


@cache
def fingerprint() -> str:
    """Return the digest of the package's modules and compiled data, by name and content: some 3 MB, read once."""
    digest = hashlib.sha256()
    for name, file in sorted(_files(resources.files("compatbuild"), "")):
        content = file.read_bytes()
        digest.update(f"{name}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def _files(directory: Traversable, at: str) -> Iterator[tuple[str, Traversable]]:
    for entry in directory.iterdir():
        name = f"{at}/{entry.name}"
        if entry.name.endswith(_KINDS):
            yield name, entry
        elif "." not in entry.name and entry.name != "__pycache__" and entry.is_dir():
            yield from _files(entry, name)
