"""From what a user typed to an image: by a prefix, else a path that exists, else a daemon that has it, else a registry.

An explicit prefix never falls through to something else; where there is none, the choice is said.
"""

import difflib
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from compatbuild.cache import Cache
from compatbuild.errors import SourceError, UsageError
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.registry.options import RegistryOptions
from compatbuild.sources.image_source import ImageSource, IndexSource, Say, Wish, silent
from compatbuild.sources.names import exists, split_path

PREFIXES = ("docker", "podman", "registry", "oci-dir", "oci-archive", "docker-archive", "dir", "sif", "spack")
"""What can be read today."""
ALIASES = {"oci-layout": "oci-dir", "rootfs": "dir", "singularity": "sif"}
FOREIGN = {"oci": "oci-dir", "docker-daemon": "docker", "containers-storage": "podman", "tarball": "docker-archive"}
"""Prefixes of other tools (skopeo, syft), with ours."""
_PREFIX = re.compile(r"([A-Za-z][A-Za-z0-9+-]*):(.+)", re.DOTALL)
_ROOT_NAMES = ("bin", "etc", "lib", "usr")
"""A directory with two of these is taken for the root of a file system."""


@contextmanager
def open_image(
    text: str,
    *,
    platform: str | None = None,
    options: RegistryOptions | None = None,
    say: Say | None = None,
    limits: Limits = DEFAULT,
    cache: Cache | None = None,
    trust_toc: bool = False,
) -> Iterator[ImageSource]:
    """Open the image that ``text`` names; its layers can be read until the context ends.

    ``platform`` (``linux/arm64``) chooses from an index; ``say`` is told what was chosen where the text left a choice.
    With ``trust_toc`` layers are read by their own tables of contents where that saves much, unverified as a whole.
    Errors: UsageError for an unknown prefix or an ambiguous name, NotFoundError for what is not there, SourceError and
    RegistryError for what cannot be read, ImageError for what is not an image.
    """
    wish = Wish(platform or "", say or silent, limits=limits, cache=cache, trust_toc=trust_toc)
    with _open(text, wish, options or RegistryOptions()) as image:
        yield image


@contextmanager
def open_index(
    text: str,
    *,
    options: RegistryOptions | None = None,
    say: Say | None = None,
    limits: Limits = DEFAULT,
    cache: Cache | None = None,
    trust_toc: bool = False,
) -> Iterator[IndexSource]:
    """Open all images of the index that ``text`` names; a single image is an index of one, without a digest.

    Errors are those of ``open_image``.
    """
    wish = Wish(say=say or silent, every=True, limits=limits, cache=cache, trust_toc=trust_toc)
    with _open(text, wish, options or RegistryOptions()) as image:
        yield image.index or IndexSource("", (image,))


def _open(text: str, wish: Wish, options: RegistryOptions) -> AbstractContextManager[ImageSource]:
    prefix, rest = _prefix_of(text)
    if not prefix:
        prefix, rest = _chosen(text, wish)
    return _opened(prefix, rest, wish, options)


def _opened(prefix: str, rest: str, wish: Wish, options: RegistryOptions) -> AbstractContextManager[ImageSource]:
    """Open an image by its prefix; what reads the others is not even loaded."""
    if prefix in ("docker", "podman"):
        from compatbuild.sources.daemons import open_daemon_image

        return open_daemon_image(prefix, rest, wish)
    if prefix == "oci-archive":
        from compatbuild.sources.oci_archive import open_oci_archive

        return open_oci_archive(rest, wish)
    if prefix == "docker-archive":
        from compatbuild.sources.docker_archive import open_docker_archive

        return open_docker_archive(rest, wish)
    if prefix == "dir":
        from compatbuild.sources.directory import open_directory

        return open_directory(rest, wish)
    if prefix == "sif":
        from compatbuild.sources.sif import open_sif

        return open_sif(rest, wish)
    if prefix == "spack":
        from compatbuild.sources.spack import open_spack

        return open_spack(rest, wish, options)
    from compatbuild.sources.stored import open_stored

    return open_stored(f"{prefix}:{rest}", wish, options)


def _prefix_of(text: str) -> tuple[str, str]:
    """Split an explicit prefix off; none for a path or a reference. UsageError for a prefix that cannot be read."""
    if text.startswith("docker://"):
        return "registry", text.removeprefix("docker://")
    match = _PREFIX.fullmatch(text)
    if match is None:
        return "", text
    prefix, rest = match[1], match[2]
    prefix = ALIASES.get(prefix, prefix)
    if prefix in PREFIXES:
        return prefix, rest
    if _looks_like_prefix(prefix, rest) and not exists(text):
        near = FOREIGN.get(prefix) or next(iter(_near(prefix)), "")
        raise UsageError(
            f"unknown prefix {prefix}: in {text[:200]!r}",
            why=f"the prefixes are {_listing()}",
            remedy=f"did you mean {near}:?" if near else "leave the prefix out for an image in a registry",
        )
    return "", text


def _looks_like_prefix(prefix: str, rest: str) -> bool:
    """Tell a mistyped prefix from the beginning of a reference: ``ubuntu:24.04``, ``localhost:5000/app``."""
    port = re.match(r"[0-9]{1,5}/", rest)
    return not port and (prefix in FOREIGN or bool(_near(prefix)) or "/" in rest or rest.startswith("."))


def _near(prefix: str) -> list[str]:
    return difflib.get_close_matches(prefix, [*PREFIXES, *ALIASES], 1, 0.8)


def _listing() -> str:
    return ", ".join(f"{prefix}:" for prefix in PREFIXES)


def _chosen(text: str, wish: Wish) -> tuple[str, str]:
    """Choose where there is no prefix: a path that exists, else a daemon that has the image, else a registry."""
    say = wish.say
    if exists(text):
        prefix = _kind_of(Path(text))
        say(f"reading {text} as {prefix}:{text}")
        return prefix, text
    if text.startswith(("/", "./", "../")):
        path, _ = split_path(text)  # NotFoundError unless it is a path with a tag
        prefix = _kind_of(path)
        say(f"reading {text} as {prefix}:{text}")
        return prefix, text
    from compatbuild.sources.daemons import daemon_with

    daemon = daemon_with(text, wish)
    if daemon:
        say(f"reading {text} as {daemon}:{text}, for {daemon} has it; registry:{text} reads it from its registry")
        return daemon, text
    say(f"reading registry:{text}, for there is no file of that name, and no daemon here that has it")
    return "registry", text


def _kind_of(path: Path) -> str:
    """Tell what a path is by its content; SourceError when it is no image."""
    from compatbuild.sources.archive import open_archive
    from compatbuild.sources.sif import is_sif_file
    from compatbuild.sources.skopeo_dir import is_skopeo_dir

    if path.is_dir():
        if (path / "oci-layout").is_file():
            return "oci-dir"
        if is_skopeo_dir(path) or sum(exists(f"{path}/{name}") for name in _ROOT_NAMES) > 1:
            return "dir"
        raise SourceError(
            f"{path} is a directory, and not an image",
            why="it is no OCI layout, and has no /usr or /etc as the root of a file system has",
            remedy=f"dir:{path} reads it nevertheless, registry:{path} reads an image of that name",
        )
    if is_sif_file(path):
        return "sif"
    with open_archive(path) as archive:
        if "manifest.json" in archive:
            return "docker-archive"
        if "index.json" in archive:
            return "oci-archive"
    raise SourceError(
        f"{path} is a tar archive, and not of an image",
        why="it has neither the manifest.json of docker nor the index.json of OCI",
        remedy="save the image with `docker save` or `skopeo copy`",
    )
