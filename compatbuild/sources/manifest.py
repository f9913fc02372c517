"""From a manifest to an image's config and layers; the same for registries, layouts and archives."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from compatbuild.errors import ImageError, NotFoundError, UsageError
from compatbuild.image.config import parse_config
from compatbuild.image.layer_source import BlobLayer, LayerSource, UnreadLayer
from compatbuild.image.limits import OverLimitError
from compatbuild.image.view import ImageConfig
from compatbuild.registry.descriptor import DOCKER_CONFIG, OCI_CONFIG, Descriptor, Index, Manifest, ManifestBytes
from compatbuild.registry.platform import Platform
from compatbuild.registry.sif import sif_layer
from compatbuild.sources.image_source import Content, ImageSource, IndexSource, Wish
from compatbuild.sources.platforms import candidates, choose, require

ARTIFACTS = {
    "application/vnd.sylabs.sif.config.v1+json": "said to be a Singularity image, and has not a SIF as its only layer",
    "application/vnd.cncf.helm.config.v1+json": "a Helm chart: check the images it deploys",
    "application/vnd.wasm.config.v0+json": "a WebAssembly module, which asks nothing of a host's kernel or CPU",
}
"""Config media types of things that are kept in registries and are no container images."""
_BY_LAYER = {
    "application/vnd.in-toto+json": "an attestation about another image, which its index names beside it",
    "application/wasm": ARTIFACTS["application/vnd.wasm.config.v0+json"],
    "application/vnd.wasm.content.layer.v1+wasm": ARTIFACTS["application/vnd.wasm.config.v0+json"],
}
"""Layer media types of things whose config claims to be an image's."""
SPACK_INDEX = ":index.spack"
"""Tag of what Spack keeps beside its packages: a manifest like an image's, whose one layer is no archive but JSON."""
_UNREAD = {
    "not distributed with the image": re.compile(r"nondistributable|foreign"),
    "encrypted": re.compile(r"\+encrypted$"),
    "a file system image, not an archive": re.compile(r"squashfs|ext3"),
}
"""Layer media types that are not read; foreign layers carry URLs, which are never followed."""


class NotLinuxError(ImageError):
    """An image of another system, which is not read."""


def image_of(content: Content, top: ManifestBytes, scheme: str, reference: str, wish: Wish) -> ImageSource:
    """Return the image that a manifest is, or one image of the index that it is, for ``wish.every`` the first with all.

    Errors: UsageError for an artifact that is no image, or several platforms to choose from; NotFoundError for a
    platform or part that is not there; ImageError for a config or manifest that is malformed or is for Windows.
    """
    parsed = top.parse()
    if not isinstance(parsed, Index):
        return _image(content, top, scheme, reference, wish)
    if wish.every:
        return _every(content, top, scheme, reference, wish)
    candidate = choose(content, parsed, f"{scheme}:{reference}", wish)
    chosen = content.manifest(candidate.descriptor.digest)
    return _image(content, chosen, scheme, reference, wish, told=candidate.platform)


def _every(content: Content, top: ManifestBytes, scheme: str, reference: str, wish: Wish) -> ImageSource:
    """Return the first image of an index, with all of them as its ``index``; NotFoundError when none can be read."""
    what, index = f"{scheme}:{reference}", top.parse()
    assert isinstance(index, Index)
    images: dict[str, ImageSource] = {}
    missing: list[tuple[str, str]] = []
    for candidate in candidates(content, index):
        try:
            manifest = content.manifest(candidate.descriptor.digest)
            image = _image(content, manifest, scheme, reference, wish, told=candidate.platform)
        except (NotFoundError, NotLinuxError) as error:
            missing.append((str(candidate.platform), f"{error.what}: {error.why}"))
        else:
            images[image.digest] = image
    if not images:
        why = "; ".join(f"{platform}: {text}" for platform, text in missing) or "its index lists nothing that runs"
        raise NotFoundError(f"{what} holds no image that can be read", why=why[:500], remedy="name another")
    every = tuple(images.values())
    return replace(every[0], index=IndexSource(top.descriptor.digest, every, tuple(missing)))


def _image(
    content: Content, top: ManifestBytes, scheme: str, reference: str, wish: Wish, *, told: Platform | None = None
) -> ImageSource:
    """Return the image of a manifest; ``told`` is the platform that its index lists it for."""
    what = f"{scheme}:{reference}"
    parsed = top.parse()
    if isinstance(parsed, Index):
        raise ImageError(f"{what} is malformed", why="its index calls another index an image", remedy="push it again")
    _require_image(parsed, what)
    if (layer := sif_layer(parsed)) is not None:
        from compatbuild.sources.sif import stored_sif  # noqa: PLC0415 - for nearly no image

        config, file_system = stored_sif(content, layer, what, wish)
        return ImageSource(scheme, reference, top.descriptor.digest, config, (file_system,), parsed.annotations)
    config = parse_config(content.blob(parsed.config, wish.limits.document), wish.limits)
    require_linux(config, what)
    platform = Platform(config.os, config.architecture, config.variant)
    if told is None:
        require(platform, wish.platform, what)
    elif not platform.matches(told):
        wish.say(f"{what} is listed for {told} and calls itself {platform}: its own word is taken")
    layers = tuple(_layers(content, parsed, config, what, wish))
    return ImageSource(scheme, reference, top.descriptor.digest, config, layers, parsed.annotations)


def _require_image(manifest: Manifest, what: str) -> None:
    """Raise UsageError for what lies in a registry and is not a container image."""
    if manifest.subject is not None:
        raise UsageError(
            f"{what} is an artifact attached to {manifest.subject.digest}",
            why="an image is needed here",
            remedy="name the image that it is attached to",
        )
    kind = manifest.config.media_type
    if sif_layer(manifest) is None and kind not in (OCI_CONFIG, DOCKER_CONFIG):
        told = ARTIFACTS.get(kind, f"an artifact of type {manifest.artifact_type or kind}, not a container image")
        raise UsageError(f"{what} is {told}", why=f"its config is {kind}", remedy="name a container image")
    for layer in manifest.layers[:1]:
        if layer.media_type in _BY_LAYER:
            told = _BY_LAYER[layer.media_type]
            raise UsageError(
                f"{what} is {told}", why=f"its layer is {layer.media_type}", remedy="name a container image"
            )


def require_linux(config: ImageConfig, what: str) -> None:
    """Raise ImageError for an image of another system."""
    if config.os.lower() != "linux":
        raise NotLinuxError(
            f"{what} is an image for {config.os[:40]}",
            why="what an image needs of its host is read from Linux programs",
            remedy="name an image for Linux, with --platform if the name covers several",
        )


def _layers(content: Content, manifest: Manifest, config: ImageConfig, what: str, wish: Wish) -> Iterator[LayerSource]:
    """Yield the layers with the diff IDs that belong to them."""
    count, limits = len(manifest.layers), wish.limits
    if count != len(config.diff_ids):
        if what.endswith(SPACK_INDEX) and not config.diff_ids:
            name = what.removeprefix("registry:").removesuffix(SPACK_INDEX)
            why, remedy = "it lists packages and holds none", f"name one: spack:{_as_mirror(name)}#PACKAGE"
            raise UsageError(f"{what} is the index of a build cache of Spack's", why=why, remedy=remedy)
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
            whole = BlobLayer(name, layer.digest, layer.size, diff_id, layer.media_type, opened)
            yield _by_toc(content, layer, whole, wish) if wish.trust_toc else whole


def _by_toc(content: Content, layer: Descriptor, whole: BlobLayer, wish: Wish) -> LayerSource:
    from compatbuild.sources.listed_layer import listed_layer  # noqa: PLC0415 - it brings all that reads layers

    return listed_layer(content, layer, whole, wish.say)


def _as_mirror(name: str) -> str:
    return name if name.startswith("oci-dir:") else f"oci://{name}"


def _why_unread(layer: Descriptor) -> str:
    return next((why for why, kind in _UNREAD.items() if kind.search(layer.media_type)), "")
