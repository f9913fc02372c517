"""Copy an image from one place to another, with everything that belongs to it."""

from typing import TYPE_CHECKING

from compatbuild.api.targets import DEFAULT_OPTIONS, Say, open_target
from compatbuild.errors import UsageError
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.registry.copy import Copied
    from compatbuild.registry.reference import LayoutReference, Reference


def copy(source: str, target: str, *, options: RegistryOptions = DEFAULT_OPTIONS, say: Say | None = None) -> "Copied":
    """Copy an image with its platforms, everything attached to each, and the signatures on that.

    Both are references; an OCI layout that is not there is made. A target without a tag gets the source's. Every digest
    is checked, and no layer is ever held as a whole. A second time it changes nothing.
    """
    from compatbuild.registry.copy import copy as copy_everything
    from compatbuild.registry.layout import create_layout
    from compatbuild.registry.reference import LayoutReference, parse_reference

    opened = open_target(source, options)
    named = parse_reference(target)
    tag = _tag(target, named, opened.reference)
    if isinstance(named, LayoutReference):
        create_layout(named.path)
    top = opened.store.resolve(opened.reference.selector).descriptor.digest
    if named.digest not in {"", top}:
        raise UsageError(
            f"{target} is not what {source} is", why=f"that has {top}", remedy="name the target by a tag, or not at all"
        )
    store = open_target(target, options).store
    return copy_everything(opened.store, top, store, tag, say or (lambda _: None))


def _tag(target: str, named: "Reference | LayoutReference", source: "Reference | LayoutReference") -> str:
    """Return the tag of the target: its own, none beside a digest, else the source's."""
    if named.digest or (named.tag and target.endswith(f":{named.tag}")):
        return named.tag
    return source.tag or "latest"
