"""What ``docker save``, ``podman save``, skopeo and crane write: a tar archive with a ``manifest.json``.

``manifest.json`` is a list of images, each with the member names of its config and of its layers, lowest first; moby
``image/spec/v1.2.md``. Layers may be compressed (crane, the containerd store); their diff IDs identify them.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeGuard

from compatbuild.errors import ImageError, NotFoundError, UsageError
from compatbuild.image.config import parse_config
from compatbuild.image.layer_source import BlobLayer
from compatbuild.image.limits import Limits, OverLimitError
from compatbuild.registry.platform import Platform
from compatbuild.sources.archive import Archive, open_archive
from compatbuild.sources.image_source import ImageSource, Wish
from compatbuild.sources.manifest import require_linux
from compatbuild.sources.names import split_path
from compatbuild.sources.platforms import require

SCHEME = "docker-archive"
MANIFEST = "manifest.json"
MAX_IMAGES = 1_000
"""Images of one archive."""

_BLOB = re.compile(r"blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class SavedImage:
    """One entry of ``manifest.json``: member names, and the tags it was saved under."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...]


@contextmanager
def open_docker_archive(text: str, wish: Wish) -> Iterator[ImageSource]:
    """Open ``PATH[:REPOSITORY:TAG]``; without a tag it is the only image there.

    Errors: UsageError when there are several to choose from, NotFoundError when there is none of that tag.
    """
    path, tag = split_path(text)
    with open_archive(path) as archive:
        archive.expect(MANIFEST)
        saved = _select(archive, _images(archive, wish.limits), tag)
        config = parse_config(archive.read(saved.config, wish.limits.document), wish.limits)
        require_linux(config, f"{SCHEME}:{text}")
        require(Platform(config.os, config.architecture, config.variant), wish.platform, f"{SCHEME}:{text}")
        if len(saved.layers) != len(config.diff_ids):
            raise ImageError(
                f"{archive.path} is inconsistent",
                why=f"it names {len(saved.layers)} layers, the image config {len(config.diff_ids)} diff IDs",
                remedy="save the image again",
            )
        layers = tuple(
            _layer(archive, name, diff_id, f"Layer {number} of {len(saved.layers)} ({name[:200]})")
            for number, (name, diff_id) in enumerate(zip(saved.layers, config.diff_ids, strict=True), 1)
        )
        yield ImageSource(SCHEME, text, "", config, layers)


def _layer(archive: Archive, name: str, diff_id: str, label: str) -> BlobLayer:
    """Return a layer; one named as a blob has the digest in its name, the others only their diff ID."""
    match = _BLOB.fullmatch(name)
    with archive.open(name) as part:
        size = part.size
    return BlobLayer(label, f"sha256:{match[1]}" if match else "", size, diff_id, "", partial(archive.open, name))


def _select(archive: Archive, images: list[SavedImage], tag: str) -> SavedImage:
    told = ", ".join((image.tags or (image.config,))[0] for image in images[:20]) or "none at all"
    if tag:
        images = [image for image in images if any(tag in _spellings(name) for name in image.tags)]
    if len(images) == 1:
        return images[0]
    if tag or not images:
        called = f" {tag}" if tag else ""
        raise NotFoundError(f"{archive.path} has no image{called}", why=f"it has {told}", remedy="name one that it has")
    raise UsageError(
        f"{archive.path} has {len(images)} images",
        why=f"it has {told}",
        remedy=f"name one: {SCHEME}:{archive.path}:REPOSITORY:TAG",
    )


def _spellings(name: str) -> set[str]:
    """Return the ways to write a tag: skopeo spells docker's own names out."""
    short = name.removeprefix("docker.io/").removeprefix("library/")
    return {name, short, name.rpartition(":")[2]}


def _images(archive: Archive, limits: Limits) -> list[SavedImage]:
    raw = archive.read(MANIFEST, limits.document)
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise _malformed(archive, f"it is not JSON: {type(error).__name__}") from error
    if not isinstance(document, list) or len(document) > MAX_IMAGES:
        raise _malformed(archive, f"it is not a list of at most {MAX_IMAGES:,} images")
    return [_image(archive, entry, limits) for entry in document]


def _image(archive: Archive, entry: object, limits: Limits) -> SavedImage:
    if not isinstance(entry, dict):
        raise _malformed(archive, "an entry is not an object")
    config = entry.get("Config")
    layers, tags = entry.get("Layers") or [], entry.get("RepoTags") or []
    if not isinstance(config, str) or not _are_texts(layers) or not _are_texts(tags):
        raise _malformed(archive, "an entry has no Config, or Layers and RepoTags that are no lists of names")
    if len(layers) > limits.layers:
        what = f"an image in {archive.path} has {len(layers):,} layers"
        raise OverLimitError("layers", what, why=f"at most {limits.layers:,} are read")
    return SavedImage(config, tuple(layers), tuple(tags))


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _malformed(archive: Archive, why: str) -> ImageError:
    return ImageError(f"{MANIFEST} in {archive.path} is malformed", why=why, remedy="save the image again")
