"""What is written is read back: specifications, scalars and ranges under any text."""

from hypothesis import assume, example, given
from hypothesis import strategies as st

from compatbuild.errors import SpecError
from compatbuild.nfd.comparison import searches
from compatbuild.nfd.decode import decode
from compatbuild.nfd.patterns import number_pattern, version_pattern
from compatbuild.nfd.ranges import Range
from compatbuild.nfd.scalars import go_scalar
from compatbuild.nfd.spec import Branch, Compatibility, Expression, Rule, Spec, Term
from compatbuild.nfd.wire import relaxed, strictly
from compatbuild.nfd.write import dump

AWKWARD = (
    "y",
    "null",
    "0x10",
    "5.10",
    "a: b",
    "# c",
    "- x",
    "<<",
    "\ufeff",
    "\u2028",
    "\x85",
    "x\n\ny",
    "'",
    '"',
    "\\",
)
texts = st.one_of(st.sampled_from(AWKWARD), st.text(max_size=8))
expressions = st.builds(
    Expression, op=texts, value=st.lists(texts, max_size=3).map(tuple), type=st.sampled_from(["", "version"])
)
terms = st.builds(
    Term,
    feature=texts,
    matchExpressions=st.none() | st.dictionaries(texts, expressions, max_size=3),
    matchName=st.none() | expressions,
    comment=st.text(max_size=200),
)
rules = st.builds(
    Rule,
    name=texts,
    vars=st.dictionaries(texts, texts, max_size=2),
    varsTemplate=texts,
    matchFeatures=st.lists(terms, max_size=3).map(tuple),
    matchAny=st.lists(st.builds(Branch, matchFeatures=st.lists(terms, max_size=2).map(tuple)), max_size=2).map(tuple),
)
sets = st.builds(
    Compatibility,
    rules=st.lists(rules, max_size=2).map(tuple),
    weight=st.integers(-(2**63), 2**63 - 1),
    tag=texts,
    description=texts,
)
specs = st.builds(Spec, compatibilities=st.lists(sets, max_size=2).map(tuple))
versions = st.lists(st.integers(0, 30) | st.integers(0, 2000), min_size=1, max_size=3).map(
    lambda n: ".".join(map(str, n))
)
comparisons = st.builds("".join, st.tuples(st.sampled_from([">=", ">", "<", "<=", "==", "!="]), versions))


@given(specs)
def test_what_is_written_is_read_back(spec: Spec) -> None:
    text = dump(spec)
    assert decode(text) == relaxed(spec)
    assert dump(spec.model_copy(deep=True)) == text
    assert text.endswith(b"\n")


@given(specs)
def test_strict_and_relaxed_forms_are_inverse(spec: Spec) -> None:
    bare = strictly(relaxed(spec))
    assert relaxed(bare) == relaxed(spec)


@given(st.text(alphabet="0123456789+-._eExXoObaAfFnNyYtTrRuUlLiI~:", min_size=1, max_size=10))
@example("0b-1")
@example(".5_0")
def test_a_quoted_scalar_is_itself_and_a_plain_one_is_as_announced(text: str) -> None:
    head = "compatibilities:\n- description: "
    assert decode(f'{head}"{text}"').compatibilities[0].description == text
    try:
        plain = decode(f"{head}{text}").compatibilities
    except SpecError:
        assume(False)  # not a plain scalar at all
    assert plain[0].description == go_scalar(text)


@given(
    st.lists(comparisons, min_size=1, max_size=4),
    st.lists(versions, min_size=1),
    st.sampled_from(["", "-x", ".1-y", "_z"]),
)
def test_pattern_of_a_range_finds_what_the_range_contains(parts: list[str], tried: list[str], tail: str) -> None:
    try:
        range_ = Range.parse(",".join(parts))
    except SpecError:
        assume(False)  # contradicts itself
    pattern = version_pattern(range_)
    for release in (version + tail for version in (*tried, *(comparison.version for comparison in range_.comparisons))):
        assert searches(pattern, release) == range_.contains(release)
        assert range_.contains(release) == all(Range.parse(part).contains(release) for part in parts)
    assert Range.parse(str(range_)) == range_


@given(st.integers(0, 5000), st.none() | st.integers(0, 5000), st.integers(0, 12000))
def test_number_pattern_is_exact(low: int, high: int | None, number: int) -> None:
    assume(high is None or low <= high)
    inside = low <= number and (high is None or number <= high)
    assert searches(f"^({number_pattern(low, high)})$", str(number)) == inside
