"""The whole of validation: all problems at once, places, limits, and no false alarm."""

import json

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.errors import SpecError
from compatbuild.nfd.comparison import searches
from compatbuild.nfd.decode import decode
from compatbuild.validation import Issue, Severity, validate
from compatbuild.validation.schema import SPEC_SCHEMA, load
from compatbuild.validation.validate import MAX_ISSUES
from tests.conformance.nfd import cases
from tests.unit.validation.cases import branches, nodes
from tests.unit.validation.documents import DOCS, Section, issues, rule_ids, sections, whole

CORPUS = DOCS.parents[1] / "tests" / "conformance" / "nfd-v0.19.0.jsonl.gz"

TEN = """\
version: v1alpha1
compatibilities:
  - rules:
      - name: ten mistakes
        matchFeatures:
          - feature: kernel.loadedmodul
            matchExpressions:
              nvidia: {op: Exists}
          - feature: kernel.loadedmodule
            matchExpressions:
              vfio-pci: {op: Exists}
          - feature: cpu.cpuid
            matchExpressions:
              SSE4_2: {op: Exists}
              AVX2: {op: In, value: ["true"]}
          - feature: kernel.config
            matchExpressions:
              CONFIG_BPF: {op: Exists}
              FUSE_FS: {op: In, value: [y, "m"]}
          - feature: kernel.version
            matchExpressions:
              full: {op: Ge, value: ["5.10"], type: version}
          - feature: memory.numa
            matchExpressions:
              node_count: {op: GtLt, value: ["4", "2"]}
          - feature: pci.device
            matchExpressions:
              vendor: {op: In, value: ["0x10DE"]}
              class: {op: InRegexp, value: ["(?=03)"]}
"""


def test_ten_mistakes_give_ten_findings() -> None:
    found = validate(TEN.encode())
    assert [(issue.line, issue.rule) for issue in found] == [
        (6, "unknown-feature"),
        (11, "hyphenated-module"),
        (14, "unknown-element"),
        (15, "operator-kind"),
        (18, "config-prefix"),
        (19, "unquoted-scalar"),
        (22, "kernel-version-type"),
        (25, "unsatisfiable"),
        (28, "pci-id-spelling"),
        (29, "invalid-regex"),
    ]


def test_a_place_is_line_column_and_pointer() -> None:
    text = whole('- feature: "local.label"\n  matchExpressions:\n    a/b~c: {op: "Ge", value: ["x"]}')
    (issue,) = validate(text.encode(), "compat.yaml")
    line = text.splitlines()[issue.line - 1]
    assert line[issue.column - 1 :].startswith('"x"')
    assert issue.path == "/compatibilities/0/rules/0/matchFeatures/0/matchExpressions/a~1b~0c/value/0"
    assert issue.name == "compat.yaml"


def test_columns_count_characters_not_bytes() -> None:
    text = whole('- feature: "local.label"\n  matchExpressions:\n    "größe": {op: "Ge", value: ["x"]}')
    (issue,) = validate(text.encode())
    assert text.splitlines()[issue.line - 1][issue.column - 1 :].startswith('"x"')


def test_a_misspelt_key_hides_nothing_below_it_and_causes_nothing_else() -> None:
    assert rule_ids('- name: "x"\n  match_features:\n    - feature: "kernel.nothing"') == [
        "unknown-key",
        "empty-term",
        "unknown-feature",
    ]
    assert rule_ids(whole(sections()["unquoted-scalar"].after).replace("compatibilities", "Compatibilties")) == [
        "unknown-key"
    ]


@pytest.mark.parametrize(
    ("key", "near"),
    [("op", "Op"), ("value", "values"), ("matchExpressions", "match-expressions"), ("feature", "featrue")],
)
def test_the_near_name_of_a_key_is_told(key: str, near: str) -> None:
    example = whole('- feature: "pci.device"\n  matchExpressions:\n    vendor: {op: "In", value: ["10de"]}')
    (issue,) = validate(example.replace(f"{key}:", f"{near}:").encode())
    assert issue.rule == "unknown-key"
    assert f"did you mean `{key}`?" in issue.message


@pytest.mark.parametrize(
    ("element", "meant"), [("sse4_2", "SSE42"), ("pclmulqdq", "CLMUL"), ("avx512_f", "AVX512F"), ("fma", "FMA3")]
)
def test_the_near_name_of_a_cpu_flag_is_told(element: str, meant: str) -> None:
    (issue,) = issues(f'- feature: "cpu.cpuid"\n  matchExpressions:\n    {element}: {{op: "Exists"}}')
    assert f"did you mean `{meant}`?" in issue.message


def test_a_cpu_flag_like_no_other_is_a_warning() -> None:
    (issue,) = issues('- feature: "cpu.cpuid"\n  matchExpressions:\n    QQZZ_WJK: {op: "Exists"}')
    assert issue.severity is Severity.WARNING


@pytest.mark.parametrize(
    ("bounds", "inside", "outside"),
    [
        ('{op: "Ge", value: ["5.10"]', "6.1.75+", "5.9.16-200.fc33.x86_64"),
        ('{op: "Gt", value: ["5.10"]', "5.10.1-amzn", "5.10.0-azl"),
        ('{op: "Lt", value: ["6.8"]', "6.7.12", "6.8.0-45-generic"),
        ('{op: "Le", value: ["6.8"]', "6.8.0-45-generic", "6.8.1"),
        ('{op: "GtLt", value: ["6", "7"]', "6.0.1", "6.0.0"),
        ('{op: "GeLe", value: ["6", "7"]', "7.0.0", "7.0.1"),
    ],
)
def test_a_kernel_range_comes_with_the_pattern_of_the_same_range(bounds: str, inside: str, outside: str) -> None:
    (issue,) = issues(f'- feature: "kernel.version"\n  matchExpressions:\n    full: {bounds}, type: "version"}}')
    (pattern,) = yaml.safe_load(issue.remedy.removeprefix("write "))["value"]
    assert searches(pattern, inside)
    assert not searches(pattern, outside)


@pytest.mark.parametrize(
    "bounds", ['{op: "Lt", value: ["6", "7"]', '{op: "Ge", value: ["x"]', '{op: "GeLe", value: ["7", "6"]']
)
def test_a_kernel_range_that_is_none_comes_without(bounds: str) -> None:
    found = issues(f'- feature: "kernel.version"\n  matchExpressions:\n    full: {bounds}, type: "version"}}')
    (issue,) = (issue for issue in found if issue.rule == "kernel-version-type")
    assert issue.remedy.startswith("use InRegexp")


def test_one_contradiction_is_told_once_and_names_the_other_line() -> None:
    term = '- feature: "memory.numa"\n  matchExpressions:\n    node_count: {op: "%s", value: ["%s"]}'
    (issue,) = issues("\n".join([term % ("Gt", 4), term % ("Ge", 2), term % ("Lt", 3)]))
    assert "line 8, 11 together" in issue.message


def test_a_branch_that_never_holds_is_an_error_only_when_all_are() -> None:
    never, may = nodes('{op: "Lt", value: ["2"]}'), nodes('{op: "Lt", value: ["9"]}')
    outer = nodes('{op: "Gt", value: ["2"]}')
    (issue,) = issues(branches(outer, never, may))
    assert issue.severity is Severity.WARNING
    assert {issue.severity for issue in issues(branches(outer, never, never))} == {Severity.ERROR}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (b"\xff\xff", "not-yaml"),
        (b"a" * ((1 << 20) + 1), "not-yaml"),
        (b"[" * 200_000, "not-yaml"),
        (b"- " * 70 + b"x", "not-yaml"),
        (b"version: v1alpha1\ncompatibilities: [&a {rules: [*a]}]", "not-yaml"),
    ],
)
def test_hostile_text_is_one_issue(text: bytes, rule: str) -> None:
    assert [issue.rule for issue in validate(text)] == [rule]


def test_aliases_cannot_grow_without_bound() -> None:
    levels = ["x: &a0 [" + "1, " * 9 + "1]"]
    levels += [f"x{i}: &a{i} [" + f"*a{i - 1}, " * 9 + f"*a{i - 1}]" for i in range(1, 12)]
    (issue,) = validate("\n".join(levels).encode())
    assert issue.rule == "not-yaml"
    assert "larger than" in issue.message


def test_the_number_of_issues_is_bounded() -> None:
    terms = "\n".join('- feature: "nothing.here"\n  matchName: {op: "Exists"}' for _ in range(2 * MAX_ISSUES))
    assert len(issues(terms)) == MAX_ISSUES


def _repeated(line: str, count: int) -> str:
    return "".join(line.replace("#", str(number)) + "\n" for number in range(count))


LARGE = {
    "one element": _repeated(
        '- {feature: "memory.numa", matchExpressions: {node_count: {op: "Gt", value: ["1"]}}}', 7000
    ),
    "unknown features": _repeated('- {feature: "x#.yyyyyyyyyyyyyyyyyyy", matchExpressions: {a: {op: "Exists"}}}', 7000),
    "unknown flags": '- feature: "cpu.cpuid"\n  matchExpressions:\n'
    + _repeated('    A#BCDEFGHIJKLMNOPQRSTUVWXYZ: {op: "Exists"}', 7000),
    "one list": '- feature: "local.label"\n  matchExpressions:\n    a: {op: "In", value: ['
    + '"1", ' * 50_000
    + '"1"]}',
    "branches": branches(
        _repeated('- {feature: "local.label", matchExpressions: {a#: {op: "Exists"}}}', 2000),
        *['- {feature: "local.label", matchExpressions: {b: {op: "Exists"}}}'] * 2000,
    ),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("example", LARGE.values(), ids=LARGE)
def test_time_grows_with_the_size_only(example: str) -> None:
    text = whole(example).encode()
    validate(text)


def test_costly_patterns_are_refused_before_they_are_compiled() -> None:
    values = ", ".join(f'"\\\\pL{{1000}}{i}"' for i in range(1000))
    (issue,) = issues(f'- feature: "local.label"\n  matchExpressions:\n    a: {{op: "InRegexp", value: [{values}]}}')
    assert "costly" in issue.message


def test_issues_are_plain_data() -> None:
    (issue,) = validate(b"")
    assert Issue.model_validate_json(issue.model_dump_json()) == issue


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(load(SPEC_SCHEMA))


@pytest.mark.parametrize("section", sections().values(), ids=lambda section: section.id)
def test_what_is_sound_passes_the_bare_schema_too(section: Section) -> None:
    jsonschema.validate(yaml.safe_load(whole(section.after)), load(SPEC_SCHEMA))


HOST_SIDE = {"not-a-number", "not-a-version", "template-exec", "template-line", "template-parse"}
"""Errors that depend on the host's values, and those of Go templates, about which there is a warning."""


def test_nothing_that_nfd_refuses_is_called_sound() -> None:
    checked = 0
    for case in cases(CORPUS):
        expect = case["expect"]
        if not expect["stage"] or HOST_SIDE & set(expect["error_classes"]):
            continue
        checked += 1
        text = case["spec_yaml"] if "spec_yaml" in case else json.dumps(case["spec"], ensure_ascii=False)
        found = validate(text.encode("utf-8", "surrogatepass"))
        assert any(issue.severity is Severity.ERROR for issue in found), case["id"]
    assert checked > 500


@given(st.binary(max_size=300))
def test_any_bytes(text: bytes) -> None:
    _is_consistent(text)


@given(
    st.lists(
        st.sampled_from([*TEN.split(" "), "\n", "- ", "&a ", "*a", "<<: ", '"', "{", "}", "[", "~", "!!int "]),
        max_size=60,
    )
)
def test_any_pieces(pieces: list[str]) -> None:
    _is_consistent(" ".join(pieces).encode())


def _is_consistent(text: bytes) -> None:
    found = validate(text)
    assert list(found) == sorted(found, key=lambda issue: (issue.line, issue.column))
    assert validate(text) == found
    try:
        decode(text)
    except SpecError:
        assert any(issue.severity is Severity.ERROR for issue in found)
