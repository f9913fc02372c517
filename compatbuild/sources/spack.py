"""Packages of Spack's build caches as images: ``spack:MIRROR#PACKAGE``.

A mirror is a directory (``spack_mirror``), or an OCI build cache in a registry or a layout, where each package is an
image manifest under a tag that ends in ``.spack`` (Spack ``lib/spack/spack/oci/image.py``): its layers are the
dependencies' prefixes and its own, its config an image config that holds the spec too. Of a directory the same is made:
a layer for every dependency that is linked or run, and the package's own on top.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compatbuild.errors import NotFoundError
from compatbuild.image import pkg_spack
from compatbuild.image.layer_source import LayerSource, UnreadLayer
from compatbuild.image.limits import DEFAULT
from compatbuild.image.pkg_spack import Spec
from compatbuild.image.view import ImageConfig
from compatbuild.registry.descriptor import Index
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.platform import Platform
from compatbuild.registry.reference import LayoutReference, Reference, parse_reference
from compatbuild.registry.store import Store, open_store
from compatbuild.sources.image_source import ImageSource, Wish
from compatbuild.sources.manifest import image_of
from compatbuild.sources.names import exists
from compatbuild.sources.platforms import require
from compatbuild.sources.spack_mirror import Mirror, Package, open_mirror
from compatbuild.sources.spack_names import Asked, Entry, choose, parse_asked

SCHEME = "spack"
MAX_LAYERS = 500
"""Packages of one closure; large programs have two hundred."""
_TAG = re.compile(r"(.+)-([a-z0-9]{32})\.spack")


@contextmanager
def open_spack(text: str, wish: Wish, options: RegistryOptions) -> Iterator[ImageSource]:
    """Open ``MIRROR#PACKAGE``; without a package it is the only one there.

    MIRROR is a directory, ``oci-dir:PATH`` or ``oci://HOST/REPOSITORY``; PACKAGE is NAME, NAME@VERSION or /HASH.
    Errors: UsageError when several packages fit, NotFoundError when none does, SourceError for what is no cache.
    """
    mirror, _, package = text.rpartition("#") if "#" in text else (text, "", "")
    asked = parse_asked(package)
    reference = _stored(mirror)
    if reference is None:
        yield _from_directory(Path(mirror.removeprefix("file://")), asked, text, wish)
    else:
        yield _from_store(reference, asked, text, wish, options)


def _stored(mirror: str) -> Reference | LayoutReference | None:
    """Return a mirror in a registry or a layout; None for one in a directory."""
    for prefix in ("oci://", "registry:", "docker://"):
        if mirror.startswith(prefix):
            reference = parse_reference(f"registry:{mirror.removeprefix(prefix)}")
            break
    else:
        is_layout = exists(f"{mirror}/oci-layout")
        if not is_layout and not mirror.startswith(("oci-dir:", "oci-layout:")):
            return None
        reference = parse_reference(f"oci-dir:{mirror}" if is_layout else mirror)
    return reference


def _from_store(
    reference: Reference | LayoutReference, asked: Asked, text: str, wish: Wish, options: RegistryOptions
) -> ImageSource:
    store = open_store(reference, options)
    entries = [Entry(match[1], match[2], tag) for tag in store.tags() if (match := _TAG.fullmatch(tag))]
    chosen = choose(entries, asked, f"{SCHEME}:{text}", lambda entry: _is_called(_spec_of(store, entry), asked))
    full = f"{reference.name}:{chosen.place}"
    wish.say(f"reading {full}; a specification for the package is attached there")
    return image_of(store, store.resolve(chosen.place), SCHEME, full, wish)


def _spec_of(store: Store, entry: Entry) -> Spec | None:
    """Return the package that a manifest's config describes."""
    manifest = store.resolve(entry.place).parse()
    if isinstance(manifest, Index):
        return None
    return next(pkg_spack.specs(store.blob(manifest.config, DEFAULT.document)), None)


def _from_directory(path: Path, asked: Asked, text: str, wish: Wish) -> ImageSource:
    mirror = open_mirror(path)
    entries = mirror.entries()

    def is_named(entry: Entry) -> bool:
        return _is_called(next(pkg_spack.specs(mirror.spec(entry)), None), asked)

    chosen = choose(entries, asked, f"{SCHEME}:{text}", is_named)
    package = mirror.package(chosen)
    own, *others = list(pkg_spack.specs(package.spec)) or [Spec("", "")]
    config = ImageConfig(own.architecture)
    if own.architecture:
        require(Platform("linux", own.architecture), wish.platform, f"{SCHEME}:{text}")
    wish.say(f"reading {chosen.shown} of {path}")
    layers = tuple(_layers(mirror, {entry.hash: entry for entry in entries}, own, others, package))
    return ImageSource(SCHEME, text, "", config, layers)


def _is_called(spec: Spec | None, asked: Asked) -> bool:
    return spec is not None and spec.name == asked.name and asked.version in ("", spec.version)


def _layers(
    mirror: Mirror, entries: dict[str, Entry], own: Spec, others: list[Spec], package: Package
) -> Iterator[LayerSource]:
    """Yield the tarballs of what a package links or runs, however far down, and its own last."""
    yield UnreadLayer("The system below the packages", "", "a build cache holds none, so that libc is not seen")
    known = {other.hash: other for other in others}
    todo, seen = list(own.needs), set[str]()
    while todo and len(seen) < MAX_LAYERS:
        wanted = todo.pop()
        spec = known.get(wanted)
        if spec is None or wanted in seen or spec.external:
            continue  # of externals the detector says that they are expected on the host
        seen.add(wanted)
        todo += spec.needs
        name = f"The tarball of {spec.name}-{spec.version}"
        entry = entries.get(wanted)
        try:
            inner = mirror.package(entry) if entry else None
        except NotFoundError as error:
            yield UnreadLayer(name, "", error.why)
            continue
        if inner is None:
            yield UnreadLayer(name, "", "the build cache does not have it")
        else:
            yield inner.tarball
            yield from inner.unread
    yield package.tarball
    yield from package.unread
