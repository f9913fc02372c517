"""Skopeo's ``dir:`` form of an image: ``version``, ``manifest.json``, and blobs named by the digits of their digest."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compatbuild.errors import ImageError, NotFoundError
from compatbuild.registry.descriptor import MAX_INDEX, ManifestBytes, describe, media_type_of
from compatbuild.registry.digest import is_digest
from compatbuild.sources.files import FileContent, OwnedSlice, read_all
from compatbuild.sources.image_source import ImageSource, Wish
from compatbuild.sources.manifest import image_of

MARK = b"Directory Transport Version:"
"""How the file ``version`` begins (containers/image ``directory/directory_dest.go``)."""


def is_skopeo_dir(path: Path) -> bool:
    """Say whether a directory is an image in this form. It holds files alone: a root with directories is none."""
    try:
        with os.scandir(path) as entries:
            kinds = {entry.name: entry.is_file(follow_symlinks=False) for entry in entries if not entry.is_symlink()}
        if not all(kinds.values()) or not {"version", "manifest.json"} <= kinds.keys():
            return False
        with (path / "version").open("rb") as file:
            return file.read(len(MARK)) == MARK
    except OSError:
        return False


@contextmanager
def open_skopeo_dir(scheme: str, path: Path, wish: Wish) -> Iterator[ImageSource]:
    """Open the image, or one image of an index that was copied with all its platforms."""
    content = FileContent(
        f"{scheme}:{path}",
        lambda digest: _open(path, _digits(digest)),
        lambda digest: _open(path, f"{_digits(digest)}.manifest.json"),
    )
    raw = read_all(_open(path, "manifest.json"), MAX_INDEX, f"manifest.json in {path}")
    top = ManifestBytes(raw, describe(raw, media_type_of(raw)))
    yield image_of(content, top, scheme, str(path), wish)


def _digits(digest: str) -> str:
    if not is_digest(digest):
        raise ImageError(f"{digest[:80]!r} is no digest", why="it would become part of a path")
    return digest.partition(":")[2]


def _open(directory: Path, name: str) -> OwnedSlice:
    """Open a file of the directory; a link in its place is not followed."""
    path = directory / name
    try:
        return OwnedSlice(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        raise NotFoundError(
            f"{path} cannot be read", why=str(error.strerror), remedy="copy the image again with `skopeo copy`"
        ) from error
