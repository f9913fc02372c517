"""The summary: hosts together about which the same thing decides."""

from __future__ import annotations

from compatbuild.checking.verdicts import Checked, Subject
from compatbuild.report.console import to_text
from compatbuild.report.reasons import summary
from tests.builders.matrices import NO, YES, host, row
from tests.unit.report.building import HOSTILE, harmless
from tests.unit.report.test_page import hostile


def test_hosts_with_one_reason_stand_together() -> None:
    hosts = [host(f"n{at}", row(NO)) for at in range(3)] + [host("m", row(YES))]
    told = to_text(summary([Checked(Subject("app", "spec"), tuple(hosts))]), width=80).splitlines()
    assert told[0] == "app: 1 compatible, 3 incompatible"
    assert [" ".join(line.split()) for line in told[2:]] == [
        "incompatible 3 kernel.config IO_URING: it is not there",
        "try: take another kernel",
        "n0, n1, n2",
        "compatible 1 m",
    ]


def test_reasons_that_differ_stand_with_their_hosts() -> None:
    hosts = tuple(host(f"n{at}", row(NO, reason=f"it is {at}")) for at in range(2))
    told = to_text(summary([Checked(Subject("app", "spec"), hosts)]), width=80)
    assert "n0 (it is 0), n1 (it is 1)" in told
    shared = tuple(host(f"n{at}", row(NO, reason=f"it is {at // 2}")) for at in range(3))
    told = to_text(summary([Checked(Subject("app", "spec"), shared)]), width=80)
    assert [" ".join(line.split()) for line in told.splitlines()[4:]] == ["n0, n1 (it is 0)", "n2 (it is 1)"]
    apart = (host("n", row(NO, remedy="one thing")), host("m", row(NO, remedy="another")))
    assert "try: " not in to_text(summary([Checked(Subject("app", "spec"), apart)]), width=80)


def test_hostile_texts_and_every_width() -> None:
    for width in (50, 80, 120):
        told = to_text(summary(hostile(HOSTILE)), width=width)
        assert harmless(told)
        assert max(map(len, told.splitlines())) <= width
