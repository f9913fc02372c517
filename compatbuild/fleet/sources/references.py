"""A file of references: one a line, with comments from ``#`` on."""

from collections.abc import Iterator

from compatbuild.fleet.sources.files import read_text
from compatbuild.fleet.wanted import Wanted

MAX_BYTES = 256 << 20
"""Of a file: two million long references."""
MAX_LINE = 4096
"""Characters of a line that are kept for the message about it."""


def read(name: str) -> Iterator[Wanted]:
    """Yield the references of a file, or of stdin for ``-``; what is no reference is told when it is looked up."""
    for line in read_text(name, MAX_BYTES).split("\n"):
        reference = line.partition("#")[0].strip()
        if reference:
            yield Wanted(reference[:MAX_LINE])
