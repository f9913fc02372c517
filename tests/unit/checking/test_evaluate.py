"""Verdicts where not everything is known; and NFD's own where it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.checking.evaluate import Judge
from compatbuild.checking.verdicts import ExpressionVerdict, NeedVerdict, RuleVerdict, Verdict
from compatbuild.hosts.host import Policy
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Outcome
from tests.unit.checking.building import (
    CONFIG,
    ENABLED,
    LOADED,
    PCI,
    judged,
    named,
    node,
    profile,
    row,
    rule,
    spec,
    term,
)

YES, NO, OPEN, MAYBE = Verdict.COMPATIBLE, Verdict.INCOMPATIBLE, Verdict.UNKNOWN, Verdict.DEPENDS
KNOWN, ABSENT, UNKNOWN = (
    term(CONFIG, IO_URING=("In", "y", "m")),
    term(CONFIG, RDS=("In", "y", "m")),
    term(CONFIG, TIPC=("In", "y", "m")),
)


@pytest.mark.parametrize(("asked", "expected"), [
    (KNOWN, YES), (ABSENT, NO), (UNKNOWN, OPEN),
    (term(CONFIG, RDS=("DoesNotExist",)), YES), (term(CONFIG, TIPC=("DoesNotExist",)), OPEN),
    (term(CONFIG, IO_URING=("DoesNotExist",)), NO), (term(CONFIG, IO_URING=("In", "m")), NO),
    (named(CONFIG, "In", "IO_URING", "TIPC"), YES), (named(CONFIG, "In", "RDS"), NO),
    (named(CONFIG, "In", "RDS", "TIPC"), OPEN), (named(CONFIG, "InRegexp", "^RDS$"), OPEN),
    (named(CONFIG, "DoesNotExist"), NO), ({"feature": CONFIG}, YES), ({"feature": "kernel.version"}, OPEN),
    (term("system.nonsense", X=("Exists",)), NO),
    (term(PCI, vendor=("In", "10de")), MAYBE), (term("cpu.cpuid", AVX2=("Exists",)), MAYBE),
    (term("local.label", x=("DoesNotExist",)), MAYBE),
])  # fmt: skip
def test_what_a_profile_says(asked: dict[str, Any], expected: Verdict) -> None:
    found = judged(profile(), rule(asked))
    assert found.verdict is expected
    assert (row(found).reason == "") == (expected is YES)


@pytest.mark.parametrize(("terms", "branches", "expected"), [
    ([UNKNOWN, ABSENT], [], NO), ([UNKNOWN, KNOWN], [], OPEN),
    ([], [UNKNOWN, KNOWN], YES), ([], [UNKNOWN, ABSENT], OPEN), ([], [ABSENT, ABSENT], NO),
    ([ABSENT], [KNOWN], NO), ([], [UNKNOWN, term("cpu.cpuid", AVX2=("Exists",))], MAYBE),
])  # fmt: skip
def test_kleene(terms: list[dict[str, Any]], branches: list[dict[str, Any]], expected: Verdict) -> None:
    assert judged(profile(), rule(*terms, any_of=tuple((one,) for one in branches))).verdict is expected


def test_a_policy_forbids_what_the_kernel_can() -> None:
    policy = Policy(CONFIG, "IO_URING", "kernel.io_uring_disabled=2", "for all", "set it to 0", "a sysctl file")
    found = judged(profile(policies=(policy,)), rule(KNOWN))
    assert found.verdict is NO
    assert row(found).reason == "the kernel can, node policy forbids: kernel.io_uring_disabled=2"
    assert (row(found).detail, row(found).remedy, row(found).source) == ("for all", "set it to 0", "a sysctl file")
    assert judged(profile(policies=(policy,)), rule(term(CONFIG, IO_URING=("Exists",)))).verdict is NO
    assert judged(profile(policies=(policy,)), rule(term(CONFIG, IO_URING=("NotIn", "m")))).verdict is YES
    assert judged(profile(policies=(policy,)), rule(named(CONFIG, "In", "IO_URING"))).verdict is NO
    assert judged(profile(policies=(policy,)), rule(named(CONFIG, "In", "RDS"))).verdict is NO


def test_a_module_that_can_be_loaded() -> None:
    asked = rule(named(LOADED, "In", "sctp"))
    on_profile = judged(profile(modules={"sctp": ""}), asked)
    assert on_profile.verdict is MAYBE
    assert row(on_profile).remedy == "load the module: modprobe sctp"
    on_node = judged(node(Features(flags={LOADED: frozenset({"ext4"})}), modules={"sctp": ""}), asked)
    assert on_node.verdict is NO  # as NFD says
    assert row(on_node).remedy == "load the module: modprobe sctp"
    assert judged(profile(), rule(named(LOADED, "In", "nvidia"))).verdict is MAYBE
    assert judged(profile(), rule(named(ENABLED, "In", "rds"))).verdict is OPEN


def test_what_stands_in_for_it_is_neither_yes_nor_no() -> None:
    host = profile(substitutes={f"{CONFIG}/RDS": "the vendor's driver does it"})
    assert judged(host, rule(ABSENT)).verdict is MAYBE
    assert row(judged(host, rule(ABSENT))).reason == "the vendor's driver does it"


@pytest.mark.parametrize(("asked", "expected"), [
    (("InRegexp", r"^5\.(1[0-9])([^0-9]|$)"), YES), (("InRegexp", r"^6\."), NO), (("InRegexp", "generic$"), OPEN),
    (("In", "5.14.0-427.el9.x86_64"), OPEN), (("In", "6.1.0"), NO), (("Exists",), YES), (("NotIn", "5.14.0"), OPEN),
])  # fmt: skip
def test_a_release_of_which_only_the_version_is_known(asked: tuple[str, ...], expected: Verdict) -> None:
    host = profile(
        features=Features(attributes={"kernel.version": {"full": "5.14.0"}}),
        approximate=frozenset({"kernel.version/full"}),
    )
    assert judged(host, rule(term("kernel.version", full=asked))).verdict is expected


def test_one_device_must_have_everything() -> None:
    devices = ({"vendor": "10de", "class": "0200"}, {"vendor": "8086", "class": "0300"})
    asked = rule(term(PCI, vendor=("In", "10de"), **{"class": ("In", "0300")}))
    known = judged(node(Features(instances={PCI: devices})), asked)
    assert known.verdict is NO
    assert {one.reason for one in known.sets[0].rules[0].expressions} == {
        "no single device has all that is asked for here"
    }
    assert judged(profile(features=Features(instances={PCI: devices})), asked).verdict is MAYBE


def test_an_error_stays_with_its_rule() -> None:
    bad = rule(term(CONFIG, IO_URING=("Gt", "1")))
    found = judged(profile(), bad)
    assert found.verdict is OPEN
    assert "NFD ends with an error" in found.sets[0].rules[0].reason
    assert isinstance(found.deciding, RuleVerdict)
    assert judged(profile(), bad, rule(ABSENT)).verdict is NO
    assert judged(profile(), rule(KNOWN, varsTemplate="a=b")).verdict is OPEN


def test_variables_of_an_open_rule_are_not_known() -> None:
    first = rule(UNKNOWN, vars={"a": "b"})
    second = rule(term("rule.matched", a=("In", "b")))
    found = Judge(profile()).judge(spec(sets=[{"rules": [first]}, {"rules": [second]}]))
    assert [one.verdict for one in found.sets] == [OPEN, OPEN]


def test_any_set_will_do_and_the_heaviest_is_named() -> None:
    sets = [
        {"tag": "a", "weight": 1, "rules": [rule(KNOWN)]},
        {"tag": "b", "weight": 5, "rules": [rule(KNOWN)]},
        {"tag": "c", "weight": 9, "rules": [rule(ABSENT)]},
    ]
    found = Judge(profile()).judge(spec(sets=sets))
    assert found.verdict is YES
    assert found.chosen is not None
    assert found.chosen.tag == "b"
    assert found.deciding is None
    assert Judge(profile()).judge(spec(sets=sets[2:])).verdict is NO
    assert Judge(profile()).judge(spec(sets=[{"rules": []}])).verdict is YES


def test_a_further_need_counts() -> None:
    need = NeedVerdict("driver.nvidia", "a driver", "", NO, "too old")
    found = Judge(profile()).judge(spec(rule(KNOWN)), (need,))
    assert found.verdict is NO
    assert found.deciding is need


def test_the_nearest_branch_decides() -> None:
    found = judged(profile(), rule(any_of=((ABSENT, UNKNOWN), (UNKNOWN, KNOWN))))
    deciding = found.deciding
    assert isinstance(deciding, ExpressionVerdict)
    assert (found.verdict, deciding.name, deciding.verdict) == (OPEN, "TIPC", OPEN)


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.sampled_from(["1", "y", "x"])
EXPRESSIONS = st.tuples(
    st.sampled_from(["Exists", "DoesNotExist", "In", "NotIn", "InRegexp", "Gt", "IsTrue", ""]),
    st.lists(VALUES, max_size=2),
)
FEATURES = st.sampled_from(["d.flag", "d.attribute", "d.device", "d.both", "d.none", "D.Flag"])
TERMS = st.builds(
    lambda feature, expressions, name: {
        "feature": feature,
        **({} if expressions is None else {"matchExpressions": {n: {"op": o, "value": v} for n, (o, v) in expressions.items()}}),
        **({} if name is None else {"matchName": {"op": name[0], "value": name[1]}}),
    },
    FEATURES,
    st.none() | st.dictionaries(NAMES, EXPRESSIONS, max_size=2),
    st.none() | EXPRESSIONS,
)  # fmt: skip
RULES = st.builds(lambda terms, branches: rule(*terms, any_of=tuple(map(tuple, branches))),
                  st.lists(TERMS, max_size=2), st.lists(st.lists(TERMS, max_size=2), max_size=2))  # fmt: skip
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=3)
HOSTS = st.builds(
    lambda flags, attributes, devices, both, more: Features(
        flags={"d.flag": flags, "d.both": both},
        attributes={"d.attribute": attributes, "d.both": more},
        instances={"d.device": tuple(devices)},
    ),
    st.frozensets(NAMES), ATTRIBUTES, st.lists(ATTRIBUTES, max_size=2), st.frozensets(NAMES), ATTRIBUTES,
)  # fmt: skip


@given(st.lists(RULES, max_size=2), HOSTS)
def test_what_is_known_in_full_has_the_verdict_of_nfd(rules: list[dict[str, Any]], features: Features) -> None:
    asked = spec(*rules)
    ours = Judge(node(features)).judge(asked).sets[0]
    theirs = evaluate(asked, features).sets[0]
    expected = {Outcome.TRUE: YES, Outcome.FALSE: NO, Outcome.ERROR: OPEN, Outcome.UNSUPPORTED: OPEN}
    assert [one.verdict for one in ours.rules] == [expected[one.outcome] for one in theirs.rules]
    assert ours.verdict is expected[theirs.outcome]


@given(st.lists(RULES, max_size=2), HOSTS, HOSTS)
def test_an_answer_holds_whatever_turns_out(rules: list[dict[str, Any]], features: Features, more: Features) -> None:
    """A yes or no about a host of which some is unknown is NFD's answer on every host it may be."""
    asked = spec(*rules)
    partly = profile(features=features, unknown=frozenset({"d.flag", "d.attribute", "d.both"}), absent=frozenset())
    may_be = Features(
        flags={name: (features.flags[name] or frozenset()) | (more.flags[name] or frozenset()) for name in features.flags},
        attributes={name: {**(more.attributes[name] or {}), **(features.attributes[name] or {})} for name in features.attributes},
        instances=features.instances,
    )  # fmt: skip
    for ours, theirs in zip(Judge(partly).judge(asked).sets, evaluate(asked, may_be).sets, strict=True):
        if theirs.outcome in {Outcome.TRUE, Outcome.FALSE} and ours.verdict in {YES, NO}:
            assert (ours.verdict is YES) == (theirs.outcome is Outcome.TRUE)
