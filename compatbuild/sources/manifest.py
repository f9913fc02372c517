"""From a manifest to an image's config and layers; the same for registries, layouts and archives."""

import re
from collections.abc import Iterator
from functools import partial

from compatbuild.errors import ImageError, UsageError
from compatbuild.image.config import parse_config
from compatbuild.image.layer import BlobLayer, LayerSource, UnreadLayer
from compatbuild.image.limits import Limits, OverLimitError
from compatbuild.image.view import ImageConfig
from compatbuild.registry.descriptor import DOCKER_CONFIG, OCI_CONFIG, Descriptor, Index, Manifest, ManifestBytes
from compatbuild.registry.platform import Platform
from compatbuild.sources.image_source import Content, ImageSource, Wish
from compatbuild.sources.platforms import choose, require

ARTIFACTS = {
    "application/vnd.sylabs.sif.config.v1+json": "a Singularity image (SIF), which is not read from registries yet",
    "application/vnd.cncf.helm.config.v1+json": "a Helm chart: check the images it deploys",
    "application/vnd.wasm.config.v0+json": "a WebAssembly module, which asks nothing of a host's kernel or CPU",
}
"""Config media types of things that are kept in registries and are no container images."""
_UNREAD = {
    "not distributed with the image": re.compile(r"nondistributable|foreign"),
    "encrypted": re.compile(r"\+encrypted$"),
    "a file system image, not an archive": re.compile(r"squashfs|ext3"),
}
"""Layer media types that are not read; foreign layers carry URLs, which are never followed."""


def image_of(content: Content, top: ManifestBytes, scheme: str, reference: str, wish: Wish) -> ImageSource:
    """Return the image that a manifest, or one image of the index that it is.

    Errors: UsageError for an artifact that is no image, or several platforms to choose from; NotFoundError for a
    platform or part that is not there; ImageError for a config or manifest that is malformed or is for Windows.
    """
    what = f"{scheme}:{reference}"
    parsed, chosen, told = top.parse(), top, None
    if isinstance(parsed, Index):
        candidate = choose(content, parsed, what, wish)
        chosen, told = content.manifest(candidate.descriptor.digest), candidate.platform
        parsed = chosen.parse()
    if isinstance(parsed, Index):
        raise ImageError(f"{what} is malformed", why="its index calls another index an image", remedy="push it again")
    _require_image(parsed, what)
    config = parse_config(content.blob(parsed.config, wish.limits.document), wish.limits)
    require_linux(config, what)
    platform = Platform(config.os, config.architecture, config.variant)
    if told is None:
        require(platform, wish.platform, what)
    elif not platform.matches(told):
        wish.say(f"{what} is listed for {told} and calls itself {platform}: its own word is taken")
    layers = tuple(_layers(content, parsed, config, what, wish.limits))
    return ImageSource(scheme, reference, chosen.descriptor.digest, config, layers, parsed.annotations)


def _require_image(manifest: Manifest, what: str) -> None:
    """Raise UsageError for what lies in a registry and is not a container image."""
    if manifest.subject is not None:
        raise UsageError(
            f"{what} is an artifact attached to {manifest.subject.digest}",
            why="an image is needed here",
            remedy="name the image that it is attached to",
        )
    kind = manifest.config.media_type
    if kind not in (OCI_CONFIG, DOCKER_CONFIG):
        told = ARTIFACTS.get(kind, f"an artifact of type {manifest.artifact_type or kind}, not a container image")
        raise UsageError(f"{what} is {told}", why=f"its config is {kind}", remedy="name a container image")


def require_linux(config: ImageConfig, what: str) -> None:
    """Raise ImageError for an image of another system."""
    if config.os.lower() != "linux":
        raise ImageError(
            f"{what} is an image for {config.os[:40]}",
            why="what an image needs of its host is read from Linux programs",
            remedy="name an image for Linux, with --platform if the name covers several",
        )


def _layers(
    content: Content, manifest: Manifest, config: ImageConfig, what: str, limits: Limits
) -> Iterator[LayerSource]:
    """Yield the layers with the diff IDs that belong to them."""
    count = len(manifest.layers)
    if count != len(config.diff_ids):
        raise ImageError(
            f"{what} is inconsistent",
            why=f"its manifest has {count} layers, its config {len(config.diff_ids)} diff IDs",
            remedy="build the image again with a current tool",
        )
    if count > limits.layers:
        raise OverLimitError("layers", f"{what} has {count:,} layers", why=f"at most {limits.layers:,} are read")
    for number, (layer, diff_id) in enumerate(zip(manifest.layers, config.diff_ids, strict=True), 1):
        name = f"Layer {number} of {count} ({layer.digest})"
        why = _why_unread(layer)
        if why:
            yield UnreadLayer(name, diff_id, why)
        else:
            opened = partial(content.open_blob, layer)
            yield BlobLayer(name, layer.digest, layer.size, diff_id, layer.media_type, opened)


def _why_unread(layer: Descriptor) -> str:
    return next((why for why, kind in _UNREAD.items() if kind.search(layer.media_type)), "")
