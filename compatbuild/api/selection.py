"""Choose among images, or the variants of one, for some hosts."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compatbuild.api.targets import DEFAULT_OPTIONS, Say, open_target
from compatbuild.errors import NotFoundError, UsageError
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.checking.selection import Selection
    from compatbuild.checking.variants import Variant
    from compatbuild.hosts.host import Host
    from compatbuild.signing.verify import Policy

MAX_IMAGES = 1000
"""Images of one selection."""


def select(
    references: "Sequence[str]",
    hosts: "Sequence[Host]",
    *,
    strict: bool = False,
    gpus: str = "",
    platform: str | None = None,
    policy: "Policy | None" = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
) -> "Selection":
    """Say which of several images, or of the variants in an index, is best for each of some hosts.

    The best one is the one with the best verdict (compatible, depends, unknown), then with the highest weight of the
    set that fits, then the first. No image is pulled. Errors: NotFoundError when no image has a specification, and
    those of ``checking.variants.load_variants``.
    """
    from compatbuild.checking.gpus import gpus as parse_gpus
    from compatbuild.checking.selection import select as select_of
    from compatbuild.checking.variants import load_variants

    wanted = parse_gpus(gpus)
    images: list[Variant] = []
    for reference in dict.fromkeys(references):
        target = open_target(reference, options)
        found = load_variants(target.store, target.reference, platform, policy)
        if say is not None:
            say(f"{reference}: {len(found)} image{'s' if len(found) != 1 else ''}")
        images += found
    if len(images) > MAX_IMAGES:
        raise UsageError(
            f"there are {len(images):,} images to choose from",
            why=f"at most {MAX_IMAGES:,} are looked at",
            remedy="name fewer, or one --platform",
        )
    if not any(one.loaded for one in images):
        raise NotFoundError(
            "no specification is attached to any of these images",
            why=", ".join(dict.fromkeys(one.name for one in images)),
            remedy="`compatbuild publish` attaches one",
        )
    return select_of(images, hosts, wanted, strict=strict)
