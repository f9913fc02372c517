"""Choosing among images: the rule, the platform, and the fewest images for many hosts."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.checking import selection
from compatbuild.checking.loading import Loaded
from compatbuild.checking.selection import Placement, Selection, select
from compatbuild.checking.variants import Variant
from compatbuild.checking.verdicts import Subject, Verdict
from compatbuild.hosts.host import Host
from compatbuild.nfd.encodings import LEVEL_FLAGS
from compatbuild.nfd.features import Features
from compatbuild.nfd.wire import Spec
from compatbuild.registry.platform import parse_platform
from tests.unit.checking.building import CONFIG, rule, spec, term

ANYTHING = spec(rule(term(CONFIG, NET=("In", "y"))))
NOTHING = spec(rule(term(CONFIG, NET=("In", "no"))))


def image(number: int, asked: Spec | None = ANYTHING, platform: str = "linux/amd64") -> Variant:
    digest = f"sha256:{number:064x}"
    loaded = None if asked is None else Loaded(Subject("x", "reference"), asked)
    reason = "" if loaded else "no specification is attached to the image or its index"
    return Variant("app:v1", f"app@{digest}", digest, parse_platform(platform), loaded, reason)


def host(name: str = "n", architecture: str = "x86_64", level: str = "x86-64-v2", **config: str) -> Host:
    features = Features(flags={"cpu.cpuid": frozenset(LEVEL_FLAGS[level])}, attributes={CONFIG: {"NET": "y", **config}})
    return Host(name=name, kind="features", fidelity="live", features=features, architecture=architecture)


def unsure(name: str = "u") -> Host:
    """A host that tells its architecture and nothing of its kernel."""
    return Host(name, "features", "live", Features(), unknown=frozenset({CONFIG}), architecture="x86_64")


def weighted(*sets: tuple[str, int]) -> Spec:
    """Sets that ask for an option each, by name and weight."""
    return spec(
        sets=[{"weight": weight, "rules": [rule(term(CONFIG, **{name: ("In", "y")}))]} for name, weight in sets]
    )


def best(found: Selection) -> list[int | None]:
    return [one.image for one in found.hosts]


def test_the_verdict_comes_before_the_weight_and_the_weight_before_the_order() -> None:
    plain, heavy, wrong = weighted(("NET", 0)), weighted(("NET", 5)), weighted(("OFF", 90))
    assert best(select([image(1, plain), image(2, plain)], [host()])) == [0]
    assert best(select([image(1, plain), image(2, heavy)], [host()])) == [1]
    assert best(select([image(1, wrong), image(2, plain)], [host()])) == [1]


def test_the_weight_is_that_of_the_set_that_fits() -> None:
    either = weighted(("OFF", 90), ("NET", 1))
    assert best(select([image(1, either), image(2, weighted(("NET", 2)))], [host()])) == [1]


def test_an_open_verdict_fits_unless_one_is_strict() -> None:
    found = select([image(1)], [unsure()])
    assert (best(found), found.hosts[0].nearest.verdict.verdict) == ([0], Verdict.UNKNOWN)
    found = select([image(1)], [unsure()], strict=True)
    assert (best(found), found.unserved[0].nearest.verdict.verdict) == ([None], Verdict.UNKNOWN)
    assert best(select([image(1, NOTHING)], [host()])) == [None]


def test_an_image_without_a_specification_is_unknown_and_loses_to_one_with() -> None:
    found = select([image(1, None), image(2)], [host()])
    assert best(found) == [1]
    assert found.hosts[0].offers[0].verdict.verdict is Verdict.UNKNOWN
    assert best(select([image(1, None), image(2, NOTHING)], [host()])) == [0]


@pytest.mark.parametrize(
    ("platform", "own", "verdict"),
    [
        ("linux/amd64", host(), Verdict.COMPATIBLE),
        ("linux/x86_64", host(), Verdict.COMPATIBLE),
        ("linux/arm64", host(), Verdict.INCOMPATIBLE),
        ("linux/arm64/v8", host(architecture="aarch64"), Verdict.COMPATIBLE),
        ("windows/amd64", host(), Verdict.INCOMPATIBLE),
        ("linux/amd64", host(architecture=""), Verdict.UNKNOWN),
        ("linux/amd64/v2", host(), Verdict.COMPATIBLE),
        ("linux/amd64/v3", host(), Verdict.INCOMPATIBLE),
        ("linux/amd64/v3", host(level="x86-64-v4"), Verdict.COMPATIBLE),
    ],
)
def test_the_platform_must_be_the_hosts(platform: str, own: Host, verdict: Verdict) -> None:
    found = select([image(1, platform=platform)], [own])
    assert found.hosts[0].offers[0].verdict.verdict is verdict


def test_a_level_that_the_host_does_not_tell_is_open() -> None:
    own = Host("n", "profile", "exact", Features(attributes={CONFIG: {"NET": "y"}}), unknown=frozenset({"cpu.cpuid"}), architecture="x86_64")  # fmt: skip
    assert select([image(1, platform="linux/amd64/v3")], [own]).hosts[0].nearest.verdict.verdict is Verdict.DEPENDS


def test_hosts_of_one_name_are_two_hosts() -> None:
    found = select([image(1), image(2, platform="linux/arm64")], [host("n"), host("n", architecture="aarch64")])
    assert best(found) == [0, 1]


def test_the_fewest_images_serve_all() -> None:
    """Each host has its own best; one image with less weight does for all."""
    fast = weighted(("A", 10))
    images = [image(1, fast), image(2, weighted(("B", 10))), image(3)]
    found = select(images, [host("a", A="y"), host("b", B="y"), host("c")])
    assert best(found) == [0, 1, 2]
    assert [(one.image, one.hosts) for one in found.pools] == [(0, ("a",)), (1, ("b",)), (2, ("c",))]
    assert [(one.image, one.hosts) for one in found.fewest] == [(2, ("a", "b", "c"))]


def test_the_fewest_images_never_cost_a_host_its_verdict() -> None:
    found = select([image(1), image(2, None)], [host("a"), host("b", "aarch64")])
    assert best(found) == [0, None]
    vague = image(2, None, "linux/amd64")
    found = select([vague, image(1)], [host("a")])
    assert [one.image for one in found.fewest] == [1]


def test_a_host_that_nothing_fits_is_named() -> None:
    found = select([image(1)], [host("a"), host("b", architecture="s390x")])
    assert [one.host for one in found.unserved] == ["b"]
    assert [(one.image, one.hosts) for one in found.fewest] == [(0, ("a",))]


def test_nothing_fits_anywhere() -> None:
    found = select([image(1, NOTHING)], [host()])
    assert (found.fewest, found.pools, best(found)) == ((), (), [None])


tables = st.integers(1, 6).flatmap(
    lambda images: st.lists(st.lists(st.integers(0, 3), min_size=images, max_size=images), min_size=1, max_size=7)
)


def placed(table: list[list[int]]) -> list[Placement]:
    """Placements by a table of weights, a row a host; 0 is an image that does not fit."""
    from compatbuild.checking.selection import Offer  # noqa: PLC0415 - next to what it is for
    from compatbuild.checking.verdicts import HostVerdict, SetVerdict  # noqa: PLC0415

    def offer(at: int, weight: int) -> Offer:
        verdict = Verdict.COMPATIBLE if weight else Verdict.INCOMPATIBLE
        counted = (SetVerdict("", weight, "", verdict, ()),)
        return Offer(at, HostVerdict("n", "node", "live", verdict, counted), bool(weight))

    return [
        Placement(f"n{at}", "node", "live", tuple(offer(column, weight) for column, weight in enumerate(row)))
        for at, row in enumerate(table)
    ]


@given(tables)
def test_the_fewest_are_what_trying_everything_finds(table: list[list[int]]) -> None:
    found, exact = selection._fewest(placed(table))
    served = [row for row in table if any(row)]
    chosen = [one.image for one in found]
    assert exact
    assert sorted(name for one in found for name in one.hosts) == [f"n{at}" for at, row in enumerate(table) if any(row)]
    assert all(table[int(name[1:])][one.image] for one in found for name in one.hosts)

    def does(images: tuple[int, ...]) -> bool:
        return all(any(row[at] for at in images) for row in served)

    def worth(images: Iterable[int]) -> tuple[int, list[int]]:
        return sum(max(row[at] for at in images) for row in served), [-at for at in images]

    every = range(len(table[0]))
    sizes = ([one for one in combinations(every, size) if does(one)] for size in range(len(table[0]) + 1))
    smallest: list[tuple[int, ...]] = next(filter(None, sizes))
    assert set(chosen) <= set(max(smallest, key=worth))  # one of them may be nobody's best
    assert len(smallest[0]) >= len(chosen)


def test_a_search_without_end_is_cut_short_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ring of five needs three images; two hosts apart prove no more than two."""
    monkeypatch.setattr(selection, "MAX_STEPS", 3)
    table = [[int(at in (host, (host + 1) % 5)) for at in range(5)] for host in range(5)]
    found, exact = selection._fewest(placed(table))
    assert not exact
    assert sorted(name for one in found for name in one.hosts) == [f"n{host}" for host in range(5)]


def test_many_hosts_with_an_image_each_are_no_search() -> None:
    table = [[int(at == host) for at in range(200)] for host in range(200)]
    found, exact = selection._fewest(placed(table))
    assert (len(found), exact) == (200, True)


def test_many_hosts_with_a_choice_each_are_still_the_fewest() -> None:
    table = [[1 + at % 2 if at // 2 == host else 0 for at in range(80)] for host in range(40)]
    found, exact = selection._fewest(placed(table))
    assert (len(found), exact) == (40, True)
