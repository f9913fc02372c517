"""Which image for which host: for programs as ``compatbuild.selection/v1``, for people as a table."""

from collections.abc import Iterable, Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from compatbuild.checking.deciding import set_name
from compatbuild.checking.selection import Offer, Placement, Pool, Selection
from compatbuild.checking.variants import Variant
from compatbuild.report.matrix import MAX_NAME, MAX_REASON, STYLES
from compatbuild.report.text import plain, short_digest
from compatbuild.report.verdicts import because

MAX_HOSTS = 8
"""Hosts of a pool that are named to people."""


def references(found: Selection) -> str:
    """Return the references of the images to be used, one a line: of one host the best, of several the fewest."""
    return "".join(f"{found.images[pool.image].reference}\n" for pool in found.fewest)


def table(found: Selection) -> RenderableType:
    """Return the images in the order of preference for one host, or the image of each of several hosts."""
    if len(found.hosts) == 1:
        return Group(_offers(found), Text(), Text("\n".join(_winner(found))))
    return Group(_placements(found), Text(), _images(found), Text(), *_summary(found))


def as_value(found: Selection) -> dict[str, Any]:
    """Return the selection as the JSON value ``compatbuild.selection/v1``; images are numbered from 0."""
    return {
        "schema": "compatbuild.selection/v1",
        "strict": found.strict,
        "images": [_image(one) for one in found.images],
        "hosts": [_host(one) for one in found.hosts],
        "pools": [_pool(one) for one in found.pools],
        "fewest": {"exact": found.exact, "pools": [_pool(one) for one in found.fewest]},
        "unserved": [one.host for one in found.unserved],
    }


def _offers(found: Selection) -> Table:
    grid = _grid("IMAGE", "PLATFORM", "VERDICT", "BECAUSE")
    (one,) = found.hosts
    for offer in sorted(one.offers, key=lambda each: each.rank, reverse=True):
        image = found.images[offer.image]
        mark = "> " if offer.image == one.image else "  "
        why = Text(plain(_reason(offer), MAX_REASON))
        grid.add_row(Text(mark + _short(image)), Text(_kind(image)), _word(offer), why)
    return grid


def _placements(found: Selection) -> Table:
    grid = _grid("HOST", "IMAGE", "VERDICT", "BECAUSE")
    for one in found.hosts:
        number = "none" if one.image is None else f"[{one.image + 1}]"
        why = Text(plain(_reason(one.nearest), MAX_REASON))
        grid.add_row(Text(plain(one.host, MAX_NAME)), Text(number), _word(one.nearest), why)
    return grid


def _images(found: Selection) -> Table:
    grid = _grid("", "IMAGE", "PLATFORM", "BEST FOR")
    best = {pool.image: len(pool.hosts) for pool in found.pools}
    for at, image in enumerate(found.images):
        count = best.get(at, 0)
        hosts = f"{count} host{'s' if count != 1 else ''}" if count else "none"
        grid.add_row(Text(f"[{at + 1}]"), Text(_short(image)), Text(_kind(image)), Text(hosts))
    return grid


def _grid(*columns: str) -> Table:
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in columns:
        narrow = name in {"", "VERDICT"} or (name == "IMAGE" and columns[0] == "HOST")
        grid.add_column(name, no_wrap=narrow, overflow="fold", ratio=1 if name == "BECAUSE" else None)
    return grid


def _winner(found: Selection) -> Iterator[str]:
    (one,) = found.hosts
    if one.image is None:
        yield f"No image fits {plain(one.host, MAX_NAME)}"
    else:
        yield plain(found.images[one.image].reference)


def _summary(found: Selection) -> Iterator[RenderableType]:
    if found.fewest:
        yield Text("The fewest images that serve these hosts" + ("" if found.exact else ", or nearly so"))
    for pool in found.fewest:
        yield Text(f"  [{pool.image + 1}] {plain(found.images[pool.image].reference)}")
        yield Padding(Text(_names(pool.hosts)), (0, 0, 0, 6))
    if found.unserved:
        yield Text(f"No image fits {_names(one.host for one in found.unserved)}")


def _names(hosts: Iterable[str]) -> str:
    named = [plain(one, MAX_NAME) for one in hosts]
    more = f" and {len(named) - MAX_HOSTS} more" if len(named) > MAX_HOSTS else ""
    return ", ".join(named[:MAX_HOSTS]) + more


def _short(image: Variant) -> str:
    return plain(f"{image.name} {short_digest(image.digest)}")


def _kind(image: Variant) -> str:
    features = image.platform.features
    return plain(str(image.platform) + (f" ({', '.join(features)})" if features else ""))


def _word(offer: Offer) -> Text:
    verdict = offer.verdict.verdict
    return Text(verdict.value, style=STYLES[verdict])


def _reason(offer: Offer) -> str:
    """Return what decides; of an image that fits, which set does, if that has a name or a weight."""
    chosen = offer.verdict.chosen
    if offer.verdict.deciding is None and chosen is not None and (chosen.tag or chosen.weight):
        return set_name(chosen)
    return because(offer.verdict)


def _image(one: Variant) -> dict[str, Any]:
    subject = one.loaded.subject if one.loaded else None
    return {
        "name": one.name,
        "reference": one.reference,
        "digest": one.digest,
        "platform": str(one.platform),
        "os.features": list(one.platform.features),
        "annotations": dict(sorted(one.annotations.items())),
        "spec": subject.spec if subject else "",
        "level": subject.level if subject else "",
        "verified": bool(subject and subject.verified),
        "report": bool(subject and subject.report),
        "reason": one.reason,
    }


def _host(one: Placement) -> dict[str, Any]:
    return {
        "name": one.host,
        "kind": one.kind,
        "fidelity": one.fidelity,
        "image": one.image,
        "verdict": one.nearest.verdict.verdict.value,
        "reason": _reason(one.nearest),
        "offers": [_offer(each) for each in one.offers],
    }


def _offer(each: Offer) -> dict[str, Any]:
    chosen = each.verdict.chosen
    return {
        "image": each.image,
        "verdict": each.verdict.verdict.value,
        "fits": each.fits,
        "tag": chosen.tag if chosen else "",
        "weight": each.weight,
        "reason": _reason(each),
    }


def _pool(one: Pool) -> dict[str, Any]:
    return {"image": one.image, "hosts": list(one.hosts)}
