"""Badges: what they claim, and that they are images anybody can read."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from compatbuild.checking.verdicts import Checked, Subject, Verdict
from compatbuild.report.badge import BAD, GOOD, MIXED, badge
from tests.builders.matrices import DEPENDS, NO, UNKNOWN, YES, host, row
from tests.unit.report.building import HOSTILE, harmless

NAMESPACE = "{http://www.w3.org/2000/svg}"


def checked(*verdicts: Verdict, name: str = "app", kind: str = "profile") -> Checked:
    return Checked(Subject(name, "spec"), tuple(host(f"n{at}", row(one), kind=kind) for at, one in enumerate(verdicts)))


def texts(svg: str) -> list[str]:
    return [one.text or "" for one in ET.fromstring(svg).iter(f"{NAMESPACE}text")]


@pytest.mark.parametrize(("verdicts", "told", "colour"), [
    ([YES] * 3, "3 of 3 OSes", GOOD), ([YES], "1 of 1 OS", GOOD), ([NO, NO], "0 of 2 OSes", BAD),
    ([YES, NO, UNKNOWN], "1 of 3 OSes", MIXED), ([YES, DEPENDS, NO], "1 to 2 of 3 OSes", MIXED),
    ([DEPENDS, DEPENDS], "up to 2 of 2 OSes", MIXED), ([UNKNOWN], "0 of 1 OS", MIXED),
])  # fmt: skip
def test_it_says_on_how_many(verdicts: list[Verdict], told: str, colour: str) -> None:
    svg = badge([checked(*verdicts)])
    assert texts(svg) == ["runs on", told]
    assert f'fill="{colour}"' in svg


def test_its_name_tells_all_of_it() -> None:
    root = ET.fromstring(badge([checked(YES, NO, DEPENDS, kind="node")]))
    title = "app runs on 1 to 2 of 3 nodes: 1 compatible, 1 depends, 1 incompatible"
    assert (root.get("role"), root.get("aria-label"), root.findtext(f"{NAMESPACE}title")) == ("img", title, title)


def test_of_several_images_a_host_must_run_all() -> None:
    svg = badge([checked(YES, YES, NO), checked(YES, NO, NO)])
    assert texts(svg)[1] == "1 of 3 OSes"
    assert "2 images run on" in svg


def test_hosts_of_two_kinds_are_hosts() -> None:
    both = (*checked(YES).hosts, *checked(YES, kind="node").hosts)
    assert texts(badge([Checked(Subject("a", "spec"), both)]))[1] == "2 of 2 hosts"
    assert texts(badge([Checked(Subject("a", "spec"), ())]))[1] == "0 of 0 hosts"


def test_a_hostile_name_stays_a_name() -> None:
    svg = badge([checked(YES, name=f'{HOSTILE}"><script>alert(1)</script>')])
    assert harmless(svg)
    assert {one.tag for one in ET.fromstring(svg).iter()} == {
        f"{NAMESPACE}{name}" for name in ("svg", "title", "clipPath", "rect", "g", "text")
    }


@pytest.mark.parametrize("colour", [GOOD, MIXED, BAD, "#3b4148"])
def test_white_can_be_read_on_every_colour(colour: str) -> None:
    """WCAG 2.1, 1.4.3: at least 4.5 between relative luminances."""
    parts = [int(part, 16) / 255 for part in re.findall("..", colour[1:])]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))
    assert 1.05 / (luminance + 0.05) >= 4.5
    assert colour in badge([checked(YES)]) + badge([checked(NO)]) + badge([checked(UNKNOWN)])
