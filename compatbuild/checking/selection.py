"""Which image for which host: the best one for each, and the fewest that serve them all."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from compatbuild.checking.check import check
from compatbuild.checking.evaluate import Judge
from compatbuild.checking.gpus import Gpu
from compatbuild.checking.variants import Variant
from compatbuild.checking.verdicts import ExpressionVerdict, HostVerdict, NeedVerdict, Verdict, worst
from compatbuild.hosts.host import Host
from compatbuild.hosts.processors import OCI_ARCHITECTURES
from compatbuild.nfd.conditions import terms
from compatbuild.nfd.encodings import LEVEL_FLAGS, cpu_flags
from compatbuild.nfd.spec import Compatibility, Rule, Spec
from compatbuild.nfd.wire import relaxed

MAX_STEPS = 20_000
"""Steps of the search for the fewest images; beyond them the answer may hold more than the fewest."""
LEVELS = {"v2": "x86-64-v2", "v3": "x86-64-v3", "v4": "x86-64-v4"}
"""Variants of ``amd64`` (image-spec, ``image-index.md``, "Platform Variants"), and the CPU level that each asks for."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What one image is to one host; an incompatible one does not fit, nor does an open one under strictness."""

    image: int
    verdict: HostVerdict
    fits: bool

    @property
    def weight(self) -> int:
        """The weight of the set that counts."""
        chosen = self.verdict.chosen
        return chosen.weight if chosen else 0

    @property
    def rank(self) -> tuple[int, int, int]:
        """What offers are ordered by: the verdict, the weight, the author's order."""
        return self.verdict.verdict.rank, self.weight, -self.image


@dataclass(frozen=True, slots=True)
class Placement:
    """One host and what each image is to it, in the order of the images."""

    host: str
    kind: str
    fidelity: str
    offers: tuple[Offer, ...]

    @property
    def nearest(self) -> Offer:
        """The best offer, whether it fits or not."""
        return max(self.offers, key=lambda one: one.rank)

    @property
    def image(self) -> int | None:
        """The best image that fits, by its number; None when none does."""
        return self.nearest.image if self.nearest.fits else None


@dataclass(frozen=True, slots=True)
class Pool:
    """Some hosts, and the image that is for all of them."""

    image: int
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """The answer: ``hosts`` have the best image each, ``pools`` group them by it.

    ``fewest`` are the fewest images that serve every host that anything fits, none of them with a worse verdict than
    its best; of several such choices the one with the most weight, then the author's order. ``exact`` is false when the
    search was cut short, and fewer might do; of very many choices with as few, not all are compared.
    """

    images: tuple[Variant, ...]
    hosts: tuple[Placement, ...]
    fewest: tuple[Pool, ...]
    strict: bool = False
    exact: bool = True

    @property
    def pools(self) -> tuple[Pool, ...]:
        """The images that are best for some host, in order, each with the hosts it is best for."""
        return _pools((one, one.image) for one in self.hosts)

    @property
    def unserved(self) -> tuple[Placement, ...]:
        """The hosts that no image fits."""
        return tuple(one for one in self.hosts if one.image is None)


def select(
    images: Sequence[Variant], hosts: Sequence[Host], gpus: Sequence[Gpu] = (), *, strict: bool = False
) -> Selection:
    """Choose among images for some hosts; SpecError when a specification is too costly to tell.

    An image for another platform than the host's does not fit, whatever its specification says; one without a
    specification is ``unknown``. With ``strict`` only compatible images fit.
    """
    table = [_verdicts(one, hosts, gpus) for one in images]
    placed = []
    for at, host in enumerate(hosts):
        offers = tuple(_offer(image, column[at], strict=strict) for image, column in enumerate(table))
        placed.append(Placement(host.name, host.kind, host.fidelity, offers))
    fewest, exact = _fewest(placed)
    return Selection(tuple(images), tuple(placed), fewest, strict, exact)


def _offer(image: int, verdict: HostVerdict, *, strict: bool) -> Offer:
    wanted = {Verdict.COMPATIBLE} if strict else {*Verdict} - {Verdict.INCOMPATIBLE}
    return Offer(image, verdict, verdict.verdict in wanted)


def _verdicts(variant: Variant, hosts: Sequence[Host], gpus: Sequence[Gpu]) -> list[HostVerdict]:
    needs = [_platform(variant, host) for host in hosts]
    able = [host for host, need in zip(hosts, needs, strict=True) if need.verdict is not Verdict.INCOMPATIBLE]
    found = iter(check(variant.loaded, able, gpus).hosts if variant.loaded else ())
    told = []
    for host, need in zip(hosts, needs, strict=True):
        if need.verdict is Verdict.INCOMPATIBLE:  # nothing else was asked of a host of another platform
            told.append(HostVerdict(host.name, host.kind, host.fidelity, need.verdict, (), (need,)))
        else:
            told.append(_with(next(found, None) or _without(variant, host), need))
    return told


def _with(found: HostVerdict, need: NeedVerdict) -> HostVerdict:
    return replace(found, verdict=worst(found.verdict, need.verdict), needs=(need, *found.needs))


def _without(variant: Variant, host: Host) -> HostVerdict:
    remedy = "`compatbuild publish` attaches one"
    need = NeedVerdict("specification", "a specification", "", Verdict.UNKNOWN, variant.reason, remedy)
    return HostVerdict(host.name, host.kind, host.fidelity, Verdict.UNKNOWN, (), (need,))


def _platform(variant: Variant, host: Host) -> NeedVerdict:
    """Say whether an image is for a host's platform: Linux, its architecture, and of x86-64 the level."""
    wanted = variant.platform.normalized()
    own = OCI_ARCHITECTURES.get(host.architecture, host.architecture)
    asked, found = f"a host of {wanted}", f"linux/{own}" if own else ""
    if wanted.os != "linux":
        return NeedVerdict("platform", asked, found, Verdict.INCOMPATIBLE, "the host runs Linux")
    if not own:
        reason = "the host does not tell its architecture"
        return NeedVerdict("platform", asked, found, Verdict.UNKNOWN, reason, "export its CPU features too")
    if wanted.architecture != own:
        return NeedVerdict("platform", asked, found, Verdict.INCOMPATIBLE, f"the host is {found}")
    if wanted.architecture == "amd64" and wanted.variant in LEVELS:
        return _level(LEVELS[wanted.variant], asked, host)
    return NeedVerdict("platform", asked, found, Verdict.COMPATIBLE, "")


def _level(level: str, asked: str, host: Host) -> NeedVerdict:
    needed = terms(cpu_flags(LEVEL_FLAGS[level]), lambda _: "")
    verdict = Judge(host).judge(
        relaxed(Spec(compatibilities=(Compatibility(rules=(Rule(name=level, matchFeatures=needed),)),)))
    )
    deciding = verdict.deciding
    reason = f"CPU flag {deciding.name}: {deciding.reason}" if isinstance(deciding, ExpressionVerdict) else ""
    return NeedVerdict("platform", asked, "", verdict.verdict, reason)


def _pools(placed: Iterable[tuple[Placement, int | None]]) -> tuple[Pool, ...]:
    by_image: dict[int, list[str]] = {}
    for one, image in placed:
        if image is not None:
            by_image.setdefault(image, []).append(one.host)
    return tuple(Pool(image, tuple(by_image[image])) for image in sorted(by_image))


def _fewest(placed: Sequence[Placement]) -> tuple[tuple[Pool, ...], bool]:
    """Give the fewest images for all hosts, and whether they are known to be that."""
    served = [one for one in placed if one.image is not None]
    allowed = [_equals(one) for one in served]
    search = _Search(served, allowed)
    images = search.best()
    told = [(one, _best(one, images & own)) for one, own in zip(served, allowed, strict=True)]
    return _pools(told), search.exact


def _best(one: Placement, images: frozenset[int]) -> int:
    return max(images, key=lambda at: one.offers[at].rank)


def _equals(one: Placement) -> frozenset[int]:
    """Give the images that fit a host with the best verdict that any has there."""
    best = one.nearest.verdict.verdict
    return frozenset(offer.image for offer in one.offers if offer.fits and offer.verdict.verdict is best)


class _Search:
    """The smallest set of images that has one for every host: every way to hit each host's own set, by size."""

    def __init__(self, placed: Sequence[Placement], allowed: Sequence[frozenset[int]]) -> None:
        self._hosts = list(zip(placed, allowed, strict=True))
        distinct = set(allowed)
        needed = {one for one in distinct if not any(other < one for other in distinct)}
        self._forced = frozenset(image for one in needed if len(one) == 1 for image in one)
        self._needed = sorted((one for one in needed if len(one) > 1), key=lambda one: (len(one), sorted(one)))
        self._steps = 0
        self.exact = True

    def best(self) -> frozenset[int]:
        greedy = self._greedy()
        for size in range(self._least(), len(greedy) - len(self._forced)):
            found = set(self._hitting(self._forced, size))
            if self._steps > MAX_STEPS:
                self.exact = False
                return greedy
            if found:
                return max(found, key=self._worth)
        self._steps = 0  # there are none with fewer: what is left is to find the best of them
        found = set(self._hitting(self._forced, len(greedy) - len(self._forced)))
        return max({*found, greedy}, key=self._worth)

    def _least(self) -> int:
        """Give a number of images below which none will do: hosts that have none in common need one each."""
        apart: list[frozenset[int]] = []
        for one in self._needed:
            if not any(one & other for other in apart):
                apart.append(one)
        return len(apart)

    def _hitting(self, chosen: frozenset[int], left: int) -> Iterator[frozenset[int]]:
        self._steps += 1
        if self._steps > MAX_STEPS:
            return
        missed = next((one for one in self._needed if not one & chosen), None)
        if missed is None:
            yield chosen
        elif left:
            for image in sorted(missed):
                yield from self._hitting(chosen | {image}, left - 1)

    def _greedy(self) -> frozenset[int]:
        """Take the image that serves most of what is left, again and again."""
        chosen = self._forced
        while left := [one for one in self._needed if not one & chosen]:
            images = sorted({image for one in left for image in one})
            chosen |= {max(images, key=lambda at: (sum(at in one for one in left), -at))}
        return chosen

    def _worth(self, images: frozenset[int]) -> tuple[int, list[int]]:
        """Order sets of one size: the more weight the better, then the author's order."""
        weight = sum(max(one.offers[at].weight for at in images & own) for one, own in self._hosts)
        return weight, [-at for at in sorted(images)]
