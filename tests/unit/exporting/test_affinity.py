"""What an affinity keeps, what it leaves out, and that it says so."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from compatbuild.exporting.affinity import MAX_TERMS, affinity
from compatbuild.exporting.disjoint import disjoint
from compatbuild.exporting.labels import LabelCheck
from tests.unit.checking.building import rule, spec, term

AVX2, AVX = term("cpu.cpuid", AVX2=("Exists",)), term("cpu.cpuid", AVX=("Exists",))
URING = term("kernel.config", IO_URING=("In", "y"))


def sets(*items: tuple[int, dict[str, Any]]) -> Any:
    return spec(sets=[{"weight": weight, "rules": [one]} for weight, one in items])


def test_an_alternative_without_labels_makes_the_choice_void_and_says_so() -> None:
    found = affinity(spec(rule(AVX, any_of=((AVX2,), (URING,)))))
    assert found.required == ((LabelCheck("feature.node.kubernetes.io/cpu-cpuid.AVX", "Exists"),),)
    assert found.lost == (
        "kernel.config IO_URING In y: NFD labels no node with it",
        "rule r: none of its alternatives is required, as labels say nothing of one of them",
    )


def test_a_set_without_labels_makes_everything_void() -> None:
    found = affinity(sets((0, rule(AVX2)), (0, rule(URING))))
    assert found.required is None
    assert found.lost[-1] == "nothing is required, as labels say nothing of set 2"
    assert found.document() == {"affinity": {"nodeAffinity": {}}}


def test_what_is_lost_in_the_same_way_is_said_once() -> None:
    found = affinity(spec(rule(term("cpu.cpuid", SSE42=("Exists",), AVX2=("Exists",), POPCNT=("Exists",)))))
    assert found.lost == (
        "cpu.cpuid POPCNT, SSE42 Exists: NFD labels no node with it; kubernetes.io/arch stands for it",
    )


def test_no_empty_term_is_ever_written() -> None:
    """Kubernetes takes an empty term for one that no node meets."""
    for asked in (spec(rule(URING)), spec(rule(any_of=((URING,), (AVX2,))))):
        assert "nodeSelectorTerms" not in str(affinity(asked).document())


def test_weights() -> None:
    found = affinity(sets((500, rule(AVX2)), (5, rule(AVX)), (1, rule(AVX2, AVX)), (-3, rule(AVX)), (7, rule(URING))))
    assert [weight for weight, _ in found.preferred] == [100, 1, 1]
    assert [one for one in found.lost if "weight" in one or "preferred" in one] == [
        "weights are scaled to 100, as Kubernetes takes none above",
        "set 4: a negative weight is no preference",
        "set 5: it is not preferred, as labels say nothing of it",
    ]
    assert affinity(sets((50, rule(AVX2)))).preferred == ()  # all nodes it may run on meet the one set


def test_alternatives_that_multiply_are_left_out() -> None:
    def choice(number: int) -> tuple[tuple[dict[str, Any], ...], ...]:
        return tuple((term("cpu.model", id=("In", str(one)), family=("In", str(number))),) for one in range(9))

    found = affinity(spec(*(rule(any_of=choice(number)) for number in range(3))))
    assert found.required is not None
    assert len(found.required) == 9
    assert any("9 alternatives are left out" in one for one in found.lost)
    many = affinity(
        spec(sets=[{"rules": [rule(term("cpu.model", id=("In", str(one))))]} for one in range(MAX_TERMS + 1)])
    )
    assert many.required is None
    assert f"nothing is required: it would take {MAX_TERMS + 1} terms" in many.lost


def test_what_another_alternative_covers_is_not_written() -> None:
    found = affinity(spec(rule(any_of=((AVX,), (AVX, AVX2), (AVX,)))))
    assert found.required is not None
    assert len(found.required) == 1


def test_names_in_notes_may_be_anything() -> None:
    assert affinity(spec(rule(term("kernel.config", **{"A\nB": ("In", "y")})))).lost


checks = st.builds(
    lambda key, asked: LabelCheck(key, *asked),
    st.sampled_from("ab"),
    st.sampled_from(
        [
            ("Exists", ()),
            ("DoesNotExist", ()),
            ("In", ("1",)),
            ("In", ("1", "2")),
            ("NotIn", ("2",)),
            ("Gt", ("1",)),
            ("Lt", ("1",)),
            ("Lt", ("0",)),
        ]
    ),
)
alternatives = st.lists(
    st.lists(checks, min_size=1, max_size=3).map(lambda one: tuple(sorted(set(one)))), min_size=1, max_size=4
)
NODES = [
    {key: value for key, value in (("a", a), ("b", b)) if value is not None}
    for a, b in product((None, "0", "1", "2", "3"), repeat=2)
]


def meets(node: dict[str, str], check: LabelCheck) -> bool:
    value = node.get(check.key)
    return {
        "Exists": value is not None,
        "DoesNotExist": value is None,
        "In": value in check.values,
        "NotIn": value not in check.values,
        "Gt": value is not None and bool(check.values) and int(value) > int(check.values[0]),
        "Lt": value is not None and bool(check.values) and int(value) < int(check.values[0]),
    }[check.operator]


@given(alternatives)
def test_pieces_exclude_each_other_and_come_to_the_same(given_: list[tuple[LabelCheck, ...]]) -> None:
    apart = disjoint(tuple(given_))
    assert apart is not None
    for node in NODES:
        met = sum(all(meets(node, check) for check in one) for one in apart)
        assert met == any(all(meets(node, check) for check in one) for one in given_)
