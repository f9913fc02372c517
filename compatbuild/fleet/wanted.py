"""Which images are wanted, and who uses them: what sources name, put together by digest."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from compatbuild.errors import UsageError
from compatbuild.registry.reference import parse_reference

MAX_WANTED = 2_000_000
"""References of one run."""


@dataclass(frozen=True, slots=True)
class Use:
    """Who uses an image: a workload of a namespace (``Deployment/web``), or a service of a project.

    ``labels`` are those of its pods, sorted, without the ones that differ from pod to pod.
    """

    namespace: str = ""
    workload: str = ""
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One image that a source names; ``problem`` says why the name cannot be looked up.

    ``listed`` names come from a registry's own list, where not everything is an image.
    """

    reference: str
    use: Use | None = None
    problem: str = ""
    listed: bool = False


@dataclass(slots=True)
class Image:
    """One image: all its names, and all who use it. Without a digest it is a name that leads nowhere, and says why."""

    digest: str
    names: dict[str, None] = field(default_factory=dict)  # an ordered set
    uses: dict[Use, None] = field(default_factory=dict)
    problem: dict[str, str] = field(default_factory=dict)
    listed: bool = True

    @property
    def key(self) -> str:
        """What identifies it in a record: the digest, else its name."""
        return self.digest or next(iter(self.names))


def together(found: Iterable[Wanted]) -> dict[str, list[Wanted]]:
    """Return what is wanted by reference, in order; UsageError when there is nothing, or too much.

    However a reference was typed, it is written out: ``app`` and ``docker.io/library/app:latest`` are one.
    """
    by_name: dict[str, list[Wanted]] = {}
    for number, one in enumerate(found):
        if number >= MAX_WANTED:
            raise UsageError(
                f"the sources name more than {MAX_WANTED:,} images",
                why="so many are not looked at",
                remedy="split them, or filter with --repository and --tag",
            )
        by_name.setdefault(_written_out(one), []).append(one)
    if not by_name:
        raise UsageError("the sources name no image", why="there is nothing to check", remedy="check the sources")
    return by_name


def _written_out(one: Wanted) -> str:
    if one.problem:
        return one.reference
    try:
        return str(parse_reference(one.reference))
    except UsageError:
        return one.reference  # a row will say what is wrong with it


def merged(resolved: Iterable[tuple[str, list[Wanted], str, dict[str, str]]]) -> list[Image]:
    """Return the images behind references: ``(name, what is wanted, digest, why there is none)``, in any order.

    The order of the images is that of their names, whatever the order in which they were resolved.
    """
    images: dict[str, Image] = {}
    for name, wants, digest, problem in sorted(resolved, key=lambda one: one[0]):
        image = images.setdefault(digest or name, Image(digest, problem=problem))
        image.names[name] = None
        image.uses |= dict.fromkeys(_uses(wants))
        image.listed = image.listed and all(one.listed for one in wants)
    return list(images.values())


def _uses(wants: Iterable[Wanted]) -> Iterator[Use]:
    yield from (one.use for one in wants if one.use is not None)
