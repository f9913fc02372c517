"""What a user types behind a prefix: a path, perhaps with a tag behind a colon."""

from pathlib import Path

from compatbuild.errors import NotFoundError


def split_path(text: str) -> tuple[Path, str]:
    """Split ``PATH[:TAG]``: the whole is a path if it exists, else what stands before the first colon that makes one.

    NotFoundError when no part of it exists.
    """
    at = len(text)
    candidates = [at, *(index for index, letter in enumerate(text) if letter == ":")]
    for at in candidates:
        if at and exists(text[:at]):
            return Path(text[:at]), text[at + 1 :]
    raise NotFoundError(f"there is no file {text[:200]}", why="No such file or directory", remedy="check the path")


def exists(text: str) -> bool:
    """Say whether a path exists; a text that cannot be one does not."""
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long, a zero byte, a directory that may not be searched
        return False
