"""What a comparison says is true of hosts: nothing is called tightened, loosened or the same by a guess."""

from random import Random

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compatbuild.errors import SpecError
from compatbuild.inference import claims
from compatbuild.inference.diff import compare_reports, compare_specs
from compatbuild.inference.entailment import Entailment
from compatbuild.inference.rules import compile_set
from compatbuild.model.requirement import AnyRequirement
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Outcome
from compatbuild.nfd.spec import Spec
from compatbuild.nfd.wire import relaxed
from tests.builders.needs import meets, random_host, random_requirements
from tests.builders.reports import report_of

SEEDS = st.integers(0, 2**32).map(Random)
"""Sources of requirements and hosts; hypothesis itself would draw too many numbers for thirty hosts."""

HOSTS = 30


def related(random: Random) -> tuple[list[AnyRequirement], list[AnyRequirement]]:
    """Return two lists of requirements that have some in common, as those of two versions of an image do."""
    old = random_requirements(random)
    kept = random.sample(old, random.randint(0, len(old)))
    return old, [*kept, *random_requirements(random)]


def hosts(random: Random) -> list[Features]:
    """Return hosts as NFD publishes them: huge pages are enabled where there are any (NFD, source/memory)."""
    found = [random_host(random) for _ in range(HOSTS)]
    pages = [host.attributes["memory.hugepages"] or {} for host in found]
    true = [any(int(count) for name, count in one.items() if name != "enabled") for one in pages]
    return [host for host, one, any_ in zip(found, pages, true, strict=True) if one["enabled"] == "true" or not any_]


def all_met(requirements: list[AnyRequirement], host: Features) -> bool:
    return all(meets(each, host) for each in requirements)


@settings(max_examples=300)
@given(SEEDS)
def test_what_follows_is_met_wherever_the_premises_are(random: Random) -> None:
    premises, others = related(random)
    try:
        asked = [claim.term for claim in claims.of_requirements(premises)]
    except SpecError:
        assume(condition=False)
    fitting = [host for host in hosts(random) if all_met(premises, host)]
    for one in [*premises, *others]:
        if all(Entailment().entails(asked, claim.term) for claim in claims.of_requirements([one])):
            assert all(meets(one, host) for host in fitting), one
        else:
            assert one not in premises


@settings(max_examples=300)
@given(SEEDS)
def test_the_direction_of_a_comparison_is_that_of_every_host(random: Random) -> None:
    old, new = related(random)
    try:
        direction = compare_reports(report_of(*old), report_of(*new)).direction
    except SpecError:
        assume(condition=False)
    for host in hosts(random):
        before, after = all_met(old, host), all_met(new, host)
        assert before == after or direction in ({"less", "mixed"} if after else {"more", "mixed"}), direction


@settings(max_examples=200)
@given(SEEDS)
def test_the_direction_of_two_specifications_is_that_of_every_host(random: Random) -> None:
    old, new = related(random)
    try:
        specs = [Spec(compatibilities=(compile_set(each, name="required").compatibility,)) for each in (old, new)]
    except SpecError:
        assume(condition=False)
    direction = compare_specs(*map(relaxed, specs)).direction
    for host in hosts(random):
        before, after = (evaluate(spec, host).sets[0].outcome is Outcome.TRUE for spec in specs)
        assert before == after or direction in ({"less", "mixed"} if after else {"more", "mixed"}), direction


@settings(max_examples=100)
@given(SEEDS)
def test_nothing_changes_between_a_thing_and_itself(random: Random) -> None:
    requirements = random_requirements(random)
    shuffled = random.sample(requirements, len(requirements))
    try:
        assert compare_reports(report_of(*requirements), report_of(*shuffled)).needs == ()
        spec = relaxed(Spec(compatibilities=(compile_set(requirements, name="required").compatibility,)))
    except SpecError:
        assume(condition=False)
    assert compare_specs(spec, spec).needs == ()


@settings(max_examples=100)
@given(SEEDS)
def test_the_other_way_round_is_the_other_way_round(random: Random) -> None:
    old, new = (report_of(*each) for each in related(random))
    other = {"same": "same", "more": "less", "less": "more", "mixed": "mixed"}
    try:
        assert compare_reports(new, old).direction == other[compare_reports(old, new).direction]
    except SpecError:
        assume(condition=False)
