"""From an image of a daemon to its manifests in registries, to which a specification can be attached.

A daemon's word is a hint: containerd's store lists digests of images that were never pushed, and podman others than it
pushes. So the registry is asked, and what it has is taken when it is named by digest, or when its config is the image.
"""

from collections.abc import Iterator

from compatbuild.errors import NotFoundError
from compatbuild.registry.descriptor import Index
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import LayoutReference, Reference, parse_reference
from compatbuild.registry.store import open_store
from compatbuild.sources.daemon import connect
from compatbuild.sources.daemons import ENDPOINTS, checked_name
from compatbuild.sources.image_source import Say

MAX_REPOSITORIES = 100
"""Repositories of one image that are asked."""


def pushed(kind: str, name: str, options: RegistryOptions, say: Say) -> tuple[str, ...]:
    """Return ``REPOSITORY@DIGEST`` of a daemon's image, in the repository that ``name`` spells, or in all for an id.

    NotFoundError when the image was not pushed from there; errors of the daemon and of the registry otherwise.
    """
    with connect(ENDPOINTS[kind]()) as daemon:
        told = daemon.inspect(checked_name(kind, name))
    listed = told.get("RepoDigests")
    entries = [entry for entry in listed if isinstance(entry, str) and "@" in entry] if isinstance(listed, list) else []
    known = [parse_reference(entry) for entry in entries[:MAX_REPOSITORIES]]
    image = str(told.get("Id"))
    found = tuple(str(reference) for reference in _there(known, _spelled(name, image), image, options))
    if not found:
        raise NotFoundError(
            f"{kind}:{name} is in no registry",
            why="no registry it names has it, and a specification is attached to the manifest in the registry",
            remedy=f"`{kind} push {name}`, then publish it again",
        )
    say(f"{kind}:{name} is {', '.join(found)}")
    return found


def _spelled(name: str, image: str) -> Reference | None:
    """Return the name as a reference, None when it is an id: some digits of the digest that the daemon calls it by."""
    digits = image.partition(":")[2]
    if name == image or (digits.startswith(name) and len(name) >= 4):
        return None
    reference = parse_reference(f"registry:{name}")
    return reference if isinstance(reference, Reference) else None


def _there(
    known: list[Reference | LayoutReference], named: Reference | None, image: str, options: RegistryOptions
) -> Iterator[Reference | LayoutReference]:
    """Yield what the registries have: by a digest that the daemon lists, else by the tag, if that is the image."""
    own = [one for one in known if isinstance(one, Reference) and (named is None or one.name == named.name)]
    there = [one for one in own if _has(one, options)]
    if there or named is None:
        yield from sorted(there, key=str)
        return
    try:
        top = open_store(named, options).resolve(named.selector)
    except NotFoundError:
        return
    parsed = top.parse()
    config = "" if isinstance(parsed, Index) else parsed.config.digest
    if image in (top.descriptor.digest, config):
        yield named.with_digest(top.descriptor.digest)


def _has(reference: Reference, options: RegistryOptions) -> bool:
    try:
        open_store(reference, options).resolve(reference.selector)
    except NotFoundError:
        return False
    return True
