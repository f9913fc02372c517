"""Decoding as NFD does, where the corpus does not reach: limits, aliases, names of fields, errors that say where."""

import pytest

from compatbuild.errors import SpecError
from compatbuild.nfd.decode import decode
from compatbuild.nfd.wire import Branch, Expression, Rule, Set, Spec, Term, relaxed, strictly

FULL = """
version: v1alpha1
compatibilities:
- tag: t
  weight: 1e1
  description: 5.10
  rules:
  - name: 0200
    vars: {a: 1, b: , c: yes}
    varsTemplate: x
    matchFeatures:
    - feature: d.f
      matchExpressions:
        y: {op: In, value: [y, null, 'y', 1.50]}
        z: null
    matchAny:
    - {}
    - matchFeatures: [{feature: d.g, matchName: {op: Gt, value: [1], type: version}}]
"""


def test_everything_at_once() -> None:
    term = Term("d.f", {"true": Expression("In", ("true", "", "y", "1.5")), "z": None})
    named = Term("d.g", None, Expression("Gt", ("1",), "version"))
    rule = Rule("128", {"a": "1", "b": "", "c": "true"}, "x", (term,), (Branch(), Branch((named,))))
    assert decode(FULL) == Spec("v1alpha1", (Set((rule,), 10, "t", "5.1"),))


def test_empty_documents() -> None:
    assert decode("") == decode("null") == decode("{}") == Spec()


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("Tag: a", "a"), ("TAG: a", "a"), ("Tag: a, tag: b", "b"), ("tag: b, Tag: a", "b"), ("tag: a, tag: b", "b"),
        ("tags: a", ""), ("tag: a, tag: null", ""), ("tag: a, TAG: null", "a"),
    ],
)  # fmt: skip
def test_names_of_fields(text: str, tag: str) -> None:
    assert decode(f"compatibilities: [{{{text}}}]").compatibilities[0].tag == tag


def test_foreign_letters_fold_to_ascii() -> None:
    assert decode("compatibilitie\u017f: [{rule\u017f: [{}]}]").compatibilities == (Set((Rule(),)),)
    text = "compatibilities: [{rules: [{matchFeatures: [{ma\u212atchName: {}}], Name: k, name: \u212a}]}]"
    assert decode(text).compatibilities[0].rules[0] == Rule("\u212a", match_features=(Term(),))


def test_later_spelling_of_a_field_is_read_over_the_earlier_one() -> None:
    """JSON keys are sorted, so the upper-case spelling is read first; Go keeps what the second does not mention."""
    text = "compatibilities: [{weight: 3}]\nCompatibilities: [{weight: 1, tag: t}, {tag: u}]\n"
    assert decode(text).compatibilities == (Set(weight=3, tag="t"),)
    expressions = "{matchexpressions: {a: {op: Exists}}, matchExpressions: {b: {op: In}}}"
    (rule,) = decode(f"compatibilities: [{{rules: [{{matchFeatures: [{expressions}]}}]}}]").compatibilities[0].rules
    assert set(rule.match_features[0].match_expressions or ()) == {"a", "b"}


def test_merge_keys() -> None:
    text = "base: &b {weight: 3, tag: t}\nother: &o {tag: u, description: d}\ncompatibilities:\n- %s\n"
    assert decode(text % "{<<: *b, tag: own}").compatibilities[0] == Set(weight=3, tag="own")
    assert decode(text % "{tag: own, <<: *b}").compatibilities[0] == Set(weight=3, tag="t")
    assert decode(text % "{<<: [*b, *o]}").compatibilities[0] == Set(weight=3, tag="t", description="d")
    assert decode(text % "{'<<': *b}").compatibilities[0] == Set()


REFUSED = {
    "[]": "a mapping is expected",
    "version: [a]": "text is expected",
    "compatibilities: {}": "a list is expected",
    "compatibilities: [{weight: 5.5}]": "a whole number is expected",
    "compatibilities: [{weight: '5'}]": "a whole number is expected",
    "compatibilities: [{weight: true}]": "a whole number is expected",
    "compatibilities: [{weight: 9223372036854775808}]": "a whole number is expected",
    "compatibilities: [{weight: .inf}]": "a whole number is expected",
    "compatibilities: [{rules: [{vars: [a]}]}]": "a mapping is expected",
    "compatibilities: [{rules: [{matchFeatures: [{matchExpressions: {k: {op: In, value: y}}}]}]}]": "a list is expected",
    "unknown: .nan": "JSON has no infinity",
    "unknown: {a: [.inf]}": "JSON has no infinity",
    "unknown: {~: x}": "a key cannot be null",
    "unknown: {9223372036854775808: x}": "a key cannot be",
    "unknown: {[a]: x}": "cannot be a key",
    "unknown: !!int x": "cannot read",
    "unknown: !!binary '!'": "base64",
    "<<: x": "a merge takes",
    "<<: [[a]]": "a merge takes",
    "x: &x [a]\n<<: *x": "a merge takes",
}


@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(SpecError) as error:
        decode(text)
    assert REFUSED[text] in error.value.why
    assert error.value.remedy


def test_an_error_names_the_place() -> None:
    with pytest.raises(SpecError, match=r"compatibilities\[0\].rules\[1\].name"):
        decode("compatibilities: [{rules: [{}, {name: [x]}]}]")
    with pytest.raises(SpecError, match="line 2, column 1"):
        decode("a: b\n~: x")


def test_aliases_do_not_multiply_without_end() -> None:
    laughs = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20))
    with pytest.raises(SpecError, match="NFD cannot read"):
        decode(f"a0: &a0 x\n{laughs}\n")
    chain = "\n".join(f"a{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]" for n in range(1, 200))
    with pytest.raises(SpecError, match="NFD cannot read"):
        decode(f"a0: &a0 x\n{chain}\n")
    merges = "\n".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 20))
    with pytest.raises(SpecError, match="NFD cannot read"):
        decode(f"a0: &a0 {{x: y}}\n{merges}\n")


def test_strict_form() -> None:
    text = "version: v1alpha1\ncompatibilities: [{rules: [{name: r, matchFeatures: [{feature: d.f, matchName: {op: Exists}}]}]}]"
    spec = decode(text)
    assert relaxed(strictly(spec)) == spec


@pytest.mark.parametrize(
    "text",
    ["version: v2", "version: v1alpha1\ncompatibilities: [{rules: [{matchFeatures: [{matchExpressions: {k: }}]}]}]"],
)
def test_strict_form_of_what_only_nfd_puts_up_with(text: str) -> None:
    with pytest.raises(SpecError) as error:
        strictly(decode(text))
    assert error.value.why
