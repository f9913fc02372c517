"""Files that name images, or stdin: of bounded size, and text."""

import sys
from pathlib import Path
from typing import BinaryIO

from compatbuild.errors import FleetError, NotFoundError

STDIN = "-"


def read_text(name: str, limit: int) -> str:
    """Return the text of a file, or of stdin for ``-``; NotFoundError without it, FleetError when it is no text."""
    try:
        if name == STDIN:
            data = _bounded(sys.stdin.buffer, limit)
        else:
            with Path(name).open("rb") as file:
                data = _bounded(file, limit)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no file {name}",
            why=str(error.strerror),
            remedy="sources are a file of references, registry:HOST/PREFIX, pods:FILE or compose:FILE",
        ) from error
    except (OSError, ValueError) as error:  # a path with a NUL is a ValueError
        why = getattr(error, "strerror", None) or str(error)
        raise FleetError(f"cannot read {called(name)}", why=why, remedy="name a readable file") from error
    if len(data) > limit:
        raise FleetError(f"{called(name)} is too large", why=f"at most {limit:,} bytes are read", remedy="split it")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FleetError(f"{called(name)} is not text", why=f"byte {error.start:,} is not UTF-8") from error


def called(name: str) -> str:
    """Return how messages call a file."""
    return "stdin" if name == STDIN else name


def _bounded(file: BinaryIO, limit: int) -> bytes:
    return file.read(limit + 1)
