"""What an evaluation reports beyond NFD's verdicts: rows, what was found, sets, templates, limits."""

import pytest

from compatbuild.errors import SpecError
from compatbuild.nfd import matcher
from compatbuild.nfd.comparison import Fault
from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Outcome, Row, RuleResult
from compatbuild.nfd.wire import strictly

HOST = Features(
    flags={"cpu.cpuid": frozenset({"AVX2", "SSE2"})},
    attributes={"kernel.version": {"full": "6.8.0", "major": "6"}, "cpu.cpuid": {"AVX10_VERSION": "2"}},
    instances={"pci.device": ({"vendor": "10de", "class": "0302"}, {"vendor": "8086", "class": "0200"})},
)


def judged(terms: str, *, branches: str = "[]", host: Features = HOST) -> RuleResult:
    text = f"compatibilities: [{{rules: [{{name: r, matchFeatures: {terms}, matchAny: {branches}}}]}}]"
    return evaluate(decode(text), host).sets[0].rules[0]


def test_row_of_an_attribute() -> None:
    (row,) = judged("[{feature: Kernel.Version, matchExpressions: {major: {op: Ge, value: ['7']}}}]").rows
    assert row == Row("Kernel.Version", "major", "Ge", ("7",), "", True, ("6",), Outcome.FALSE)


def test_rows_of_a_flag_and_of_what_is_absent() -> None:
    result = judged(
        "[{feature: cpu.cpuid, matchExpressions: {AVX2: {op: Exists}, AVX512F: {op: Exists}}}, {feature: d.f}]"
    )
    there, missing = result.rows
    assert (there.present, there.outcome, missing.present, missing.outcome) == (
        True,
        Outcome.TRUE,
        False,
        Outcome.FALSE,
    )
    assert [term.published for term in result.terms] == [True, False]
    assert result.outcome == Outcome.FALSE


def test_rows_of_devices_tell_of_single_expressions_and_terms_of_single_devices() -> None:
    device = "{vendor: {op: In, value: ['8086']}, class: {op: InRegexp, value: ['^03']}}"
    (term,) = judged(f"[{{feature: pci.device, matchExpressions: {device}}}]").terms
    assert [row.outcome for row in term.rows] == [Outcome.TRUE, Outcome.TRUE]
    assert [row.found for row in term.rows] == [("0302", "0200"), ("10de", "8086")]
    assert term.outcome == Outcome.FALSE


def test_row_of_names() -> None:
    (row,) = judged("[{feature: cpu.cpuid, matchName: {op: InRegexp, value: ['^AVX']}}]").rows
    assert (row.name, row.found, row.outcome) == ("", ("AVX10_VERSION", "AVX2"), Outcome.TRUE)


def test_what_is_found_is_bounded() -> None:
    host = Features(flags={"kernel.loadedmodule": frozenset(f"m{n}" for n in range(1000))})
    (row,) = judged("[{feature: kernel.loadedmodule, matchName: {op: Exists}}]", host=host).rows
    assert len(row.found) == matcher.MAX_FOUND


def test_an_error_stays_with_its_rule() -> None:
    text = """
    compatibilities:
    - tag: bad
      rules:
      - name: fails
        matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: Ge, value: ['5']}}}]
      - name: holds
        matchFeatures: [{feature: kernel.version, matchExpressions: {full: {op: Exists}}}]
    - tag: good
      rules: [{name: r}]
    """
    bad, good = evaluate(decode(text), HOST).sets
    assert [rule.outcome for rule in bad.rules] == [Outcome.ERROR, Outcome.TRUE]
    assert bad.rules[0].faults == (Fault.NOT_A_NUMBER,)
    assert "'6.8.0' is not a number" in bad.rules[0].rows[0].reason
    assert (bad.outcome, good.outcome) == (Outcome.ERROR, Outcome.TRUE)


def test_all_faults_that_go_may_meet_first_are_named() -> None:
    result = judged("[{feature: kernel.version, matchExpressions: {full: {op: Ge, value: ['5']}, major: {op: In}}}]")
    assert result.faults == (Fault.NOT_A_NUMBER, Fault.VALUE_EMPTY)


def test_false_outweighs_error_in_a_set() -> None:
    rules = "{name: a, matchFeatures: [{feature: d.f}]}, {name: b, matchFeatures: [{feature: cpu.cpuid, matchName: {op: x}}]}"
    (item,) = evaluate(decode(f"compatibilities: [{{rules: [{rules}]}}]"), HOST).sets
    assert item.outcome == Outcome.FALSE


def test_hidden_name_comparison_is_reported_and_does_not_count() -> None:
    """NFD does not come to a matchName whose expressions did not match; its error changes nothing."""
    terms = "[{feature: kernel.version, matchExpressions: {major: {op: In, value: ['5']}}, matchName: {op: wrong}}]"
    result = judged(terms)
    assert result.outcome == Outcome.FALSE
    assert [row.outcome for row in result.rows] == [Outcome.FALSE, Outcome.ERROR]


def test_branches_are_reported_one_by_one() -> None:
    branches = "[{matchFeatures: [{feature: d.f}]}, {matchFeatures: [{feature: cpu.cpuid}]}, {}]"
    result = judged("[]", branches=branches)
    assert [branch.outcome for branch in result.branches] == [Outcome.FALSE, Outcome.TRUE, Outcome.TRUE]
    assert result.outcome == Outcome.TRUE


def test_templates_are_unsupported_and_taint_what_refers_to_them() -> None:
    text = """
    compatibilities:
    - rules:
      - {name: templated, varsTemplate: 'a=b', vars: {c: d}}
      - {name: refers, matchFeatures: [{feature: Rule.Matched, matchExpressions: {a: {op: Exists}}}]}
      - {name: refers, matchAny: [{matchFeatures: [{feature: rule.matched}]}]}
      - {name: plain, matchFeatures: [{feature: cpu.cpuid}]}
    """
    (item,) = evaluate(decode(text), HOST).sets
    unsupported, fine = Outcome.UNSUPPORTED, Outcome.TRUE
    assert [rule.outcome for rule in item.rules] == [unsupported, unsupported, unsupported, fine]
    assert item.outcome == unsupported


def test_variables_pass_between_sets_unless_skipped_by_tags() -> None:
    text = """
    compatibilities:
    - {tag: a, rules: [{name: first, vars: {x: '1'}}]}
    - {tag: b, rules: [{name: second, matchFeatures: [{feature: rule.matched, matchExpressions: {x: {op: Exists}}}]}]}
    """
    whole = evaluate(decode(text), HOST)
    assert [item.outcome for item in whole.sets] == [Outcome.TRUE, Outcome.TRUE]
    assert whole.variables == {"x": "1"}
    (second,) = evaluate(decode(text), HOST, tags=["b"]).sets
    assert (second.tag, second.outcome) == ("b", Outcome.FALSE)
    assert not evaluate(decode(text), HOST, tags=["c"]).sets


def test_strict_specifications_are_evaluated_too() -> None:
    spec = decode("version: v1alpha1\ncompatibilities: [{rules: [{name: r, matchFeatures: [{feature: cpu.cpuid}]}]}]")
    assert evaluate(strictly(spec), HOST) == evaluate(spec, HOST)


def test_comparisons_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matcher, "MAX_COMPARISONS", 10)
    with pytest.raises(SpecError, match="too costly"):
        judged("[" + "{feature: cpu.cpuid, matchName: {op: Exists}}, " * 5 + "]")
