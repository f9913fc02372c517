"""What ``docker buildx build --metadata-file`` and ``docker buildx bake --metadata-file`` write: names and digests.

Keys of BuildKit's exporters (moby/buildkit ``exporter/containerimage/exptypes``): ``image.name``, a list of names with
commas, ``containerimage.digest`` and ``containerimage.descriptor``. Bake nests one such object under each target.
The file says as much of an image that was only loaded into a daemon, whose digest is then that of its config: only the
registry knows whether there is a manifest of a digest.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from compatbuild.errors import CompatError, NotFoundError, UsageError
from compatbuild.registry.descriptor import INDEX_TYPES, MANIFEST_TYPES, parse_json
from compatbuild.registry.digest import ContentError, is_digest
from compatbuild.registry.reference import LayoutReference, Reference, parse_reference

DIGEST, DESCRIPTOR = "containerimage.digest", "containerimage.descriptor"
CONFIG_DIGEST, NAME = "containerimage.config.digest", "image.name"
MAX_BYTES = 16 << 20
"""Bytes of a metadata file; provenance, which it may hold, is a few hundred kB a platform."""
MAX_TARGETS = 1_000
_PUSH = "build it with --push, or `docker push` it and publish it by its name"


def built(path: Path, reference: str) -> tuple[str, ...]:
    """Return ``REPOSITORY@DIGEST`` of everything that a build made, in the file's order, each once.

    ``reference`` names the repository where the file names none, or another one; it is for a file of one target.
    Errors: NotFoundError when there is no such file, UsageError when it is no metadata file, names no image, or says
    that the image was loaded into a daemon and not pushed.
    """
    targets = list(_targets(path))
    if reference and len(targets) > 1:
        raise UsageError(
            f"{path} is of {len(targets)} targets, and one name was given",
            why=f"its targets are {', '.join(name for name, _ in targets)[:300]}",
            remedy="leave the name out: the file has the names of each",
        )
    found = [str(name) for target, fields in targets for name in _references(path, target, fields, reference)]
    return tuple(dict.fromkeys(found))


def _targets(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each target's name, empty for a build of one, and its fields."""
    try:
        with path.open("rb") as file:
            document = parse_json(file.read(MAX_BYTES + 1), MAX_BYTES, str(path))
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why=str(error.strerror), remedy="check the path") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}", why=str(error.strerror), remedy="name a readable file") from error
    except ContentError as error:
        raise _refused(path, error.why) from error
    if DIGEST in document or NAME in document:
        yield "", document
        return
    nested = {name: fields for name, fields in document.items() if isinstance(fields, dict) and DIGEST in fields}
    if not nested or len(nested) > MAX_TARGETS:
        raise _refused(path, f"it has no {DIGEST}: the build made no image, or not one that was exported")
    yield from nested.items()


def _references(
    path: Path, target: str, fields: Mapping[str, Any], reference: str
) -> Iterator[Reference | LayoutReference]:
    digest, names = _digest(path, target, fields), fields.get(NAME) or ""
    if not isinstance(names, str):
        raise _refused(path, f"{NAME} is no text")
    listed = [reference] if reference else [name.strip() for name in names.split(",") if name.strip()]
    if not listed:
        raise UsageError(
            f"{path} names no image{f' for {target}' if target else ''}",
            why=f"it has no {NAME}: the build was given no name (--tag, or name= of --output)",
            remedy="name the repository: compatbuild publish REPOSITORY --metadata-file FILE",
        )
    for name in listed:
        try:
            yield parse_reference(name).with_digest(digest)
        except CompatError as error:
            raise _refused(path, f"{NAME}: {error.what}") if not reference else error from error


def _digest(path: Path, target: str, fields: Mapping[str, Any]) -> str:
    """Return the digest of the manifest or index; UsageError where there is only that of a config.

    With docker's classic store and --load the file calls the config's digest the image's, and has no descriptor.
    """
    digest, descriptor = fields.get(DIGEST), fields.get(DESCRIPTOR)
    of = f" of {target}" if target else ""
    if not isinstance(digest, str) or not is_digest(digest):
        raise _refused(path, f"{DIGEST}{of} is {str(digest)[:80]!r}, which is no digest")
    if isinstance(descriptor, dict):
        kind = descriptor.get("mediaType")
        if descriptor.get("digest") != digest or kind not in MANIFEST_TYPES + INDEX_TYPES:
            raise _refused(path, f"{DESCRIPTOR}{of} is not that of a manifest with {digest}")
    elif fields.get(CONFIG_DIGEST) == digest:
        raise UsageError(
            f"{path} is of an image{of} that was loaded, and not pushed",
            why="what it calls the image's digest is that of its config, which no registry can attach anything to",
            remedy=_PUSH,
        )
    return digest


def _refused(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} is not the metadata file of an image", why=why, remedy="write it with buildx: --metadata-file FILE"
    )
