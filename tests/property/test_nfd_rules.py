"""A compiled rule holds on exactly the hosts that meet its requirements: in our matcher, and in NFD."""

from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compatbuild.errors import SpecError
from compatbuild.inference.rules import compile_set
from compatbuild.nfd.decode import decode
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Outcome
from compatbuild.nfd.spec import Spec
from compatbuild.nfd.wire import relaxed
from compatbuild.nfd.write import dump
from tests.builders.needs import meets, random_host, random_requirements
from tests.builders.verdicts import nfd_verdicts

NFD_CASES = 400


@settings(max_examples=300)
@given(st.randoms(use_true_random=False))
def test_rule_means_what_its_requirements_mean(random: Random) -> None:
    requirements = random_requirements(random)
    try:
        compiled = compile_set(requirements, name="r")
    except SpecError as error:
        assume("No version satisfies" not in error.what and "too many alternatives" not in error.what)
        raise
    spec = Spec(compatibilities=(compiled.compatibility,))
    dropped = any("left out" in note for note in compiled.notes)
    for _ in range(10):
        host = random_host(random)
        (result,) = evaluate(spec, host).sets
        assert result.outcome in {Outcome.TRUE, Outcome.FALSE}
        holds, wanted = result.outcome == Outcome.TRUE, all(meets(each, host) for each in requirements)
        # Without some of its forms a rule may turn hosts away; it still admits none that lacks something.
        assert holds == wanted or (dropped and wanted), dump(spec).decode()


@settings(max_examples=100)
@given(st.randoms(use_true_random=False))
def test_order_of_requirements_does_not_show(random: Random) -> None:
    requirements = random_requirements(random)
    shuffled = random.sample(requirements, len(requirements))
    try:
        one, other = compile_set(requirements, name="r"), compile_set(shuffled, name="r")
    except SpecError as error:
        assume("No version satisfies" not in error.what and "too many alternatives" not in error.what)
        raise
    assert dump(Spec(compatibilities=(one.compatibility,))) == dump(Spec(compatibilities=(other.compatibility,)))
    assert set(one.notes) == set(other.notes)


@pytest.mark.peer
def test_nfd_agrees_on_compiled_rules() -> None:
    random = Random(20261123)  # the same cases on every run
    cases: list[tuple[bytes, dict[str, Any]]] = []
    ours: list[bool] = []
    while len(cases) < NFD_CASES:
        try:
            spec = Spec(compatibilities=(compile_set(random_requirements(random), name="r").compatibility,))
        except SpecError:
            continue
        host = random_host(random)
        assert decode(dump(spec)) == relaxed(spec)
        cases.append((dump(spec), host.document()))
        ours.append(evaluate(spec, host).sets[0].outcome == Outcome.TRUE)
    answers = nfd_verdicts(cases)
    assert {answer["stage"] for answer in answers} == {""}
    assert [answer["sets"] for answer in answers] == [[[holds]] for holds in ours]
    assert NFD_CASES / 10 < sum(ours) < NFD_CASES * 9 / 10  # neither verdict is rare
