"""The corpus recorded from NFD v0.19.0 agrees, and disagreement would not go unnoticed."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from compatbuild.nfd import comparison, decode, matcher, scalars
from compatbuild.nfd.wire import Expression
from tests.conformance import nfd

CORPUS = Path(__file__).parent / "nfd-v0.19.0.jsonl.gz"
CASES = 3921
STATUS_DOCUMENTS = 2790


def test_corpus_agrees(capsys: pytest.CaptureFixture[str]) -> None:
    assert nfd.main([str(CORPUS)]) == 0
    assert capsys.readouterr().out == f"agree {CASES} of {CASES}\n"


def test_status_documents_are_equal(capsys: pytest.CaptureFixture[str]) -> None:
    recorded = sum(case["expect"].get("status") is not None for case in nfd.cases(CORPUS))
    assert recorded == STATUS_DOCUMENTS
    assert nfd.main([str(CORPUS), "--status"]) == 0
    assert capsys.readouterr().out == f"agree {CASES} of {CASES}\n"


def test_a_wrong_status_document_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "corpus.jsonl"
    path.write_text(json.dumps({**CASE, "expect": {**CASE["expect"], "status": []}}))
    assert nfd.main([str(path)]) == 0
    assert nfd.main([str(path), "--status"]) == 1
    assert 'NFD prints [], we print [{"rules"' in capsys.readouterr().out


def _absent_is_not_in(expression: Expression | None, *, present: bool, value: str | None) -> bool:
    forgiving = expression is not None and expression.op == "NotIn" and not present
    return forgiving or comparison.holds(expression, present=present, value=value)


MUTATIONS: dict[str, tuple[object, str, object]] = {
    "numbers as Python reads them": (comparison, "_NUMBER", re.compile(r"\s*[+-]?[0-9]+\s*")),
    "versions with anything behind them": (
        comparison,
        "_VERSION",
        re.compile(r"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(-)?(.*)"),
    ),
    "absence satisfies NotIn": (matcher, "holds", _absent_is_not_in),
    "scalars as they stand": (scalars, "_implicit", str),
    "names of fields by case": (decode, "_fold", str),
    "no pattern is good": (comparison, "_beyond_go", bool),
    "patterns beyond Go": (comparison, "_PARTS", re.compile("(?!)")),
    "short versions only": (comparison, "MAX_VERSION_BYTES", 4),
}


@pytest.mark.parametrize("name", MUTATIONS)
def test_corpus_notices_a_wrong_rule(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, wrong = MUTATIONS[name]
    monkeypatch.setattr(module, attribute, wrong)
    _forget_patterns()
    try:
        assert any(nfd.difference(case) for case in nfd.cases(CORPUS))
    except (ValueError, AttributeError, TypeError):  # the wrong rule may fail outright, which is noticed too
        pass
    finally:
        _forget_patterns()


def _forget_patterns() -> None:
    comparison._compiled.cache_clear()
    comparison._all_compiled.cache_clear()


CASE: dict[str, Any] = {
    "id": "one",
    "features": {"attributes": {"d.f": {"elements": {"k": "y"}}}},
    "spec_yaml": "compatibilities: [{rules: [{name: r, matchFeatures: [{feature: d.f, matchExpressions: {k: {op: Exists}}}]}]}]",
    "expect": {"stage": "", "error_classes": [], "errors": [], "sets": [True], "any": True, "vars": {}},
}
TEMPLATE = {"spec": {"compatibilities": [{"rules": [{"name": "r", "varsTemplate": "a=b"}]}]}}


@pytest.mark.parametrize("change", [
    {"sets": [False]}, {"any": False}, {"vars": {"a": "b"}}, {"stage": "parse", "sets": None},
    {"stage": "evaluate", "error_classes": ["invalid-op"]}, {"stage": "panic"},
])  # fmt: skip
def test_a_wrong_expectation_differs(
    change: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "corpus.jsonl"
    wrong = {**CASE, "id": "two", "expect": {**CASE["expect"], **change}}
    path.write_text(f"{json.dumps(CASE)}\n{json.dumps(wrong)}\n")
    assert nfd.main([str(path)]) == 1
    out = capsys.readouterr().out
    assert out.startswith("two: ")
    assert out.endswith("agree 1 of 2\n")


def test_template_must_be_unsupported(tmp_path: Path) -> None:
    path = tmp_path / "corpus.jsonl"
    case = {name: value for name, value in CASE.items() if name != "spec_yaml"} | TEMPLATE
    path.write_text(json.dumps(case))
    assert nfd.main([str(path)]) == 0


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"not json", gzip.compress(b"{}", mtime=0)[:12]])
def test_what_is_no_corpus_does_not_pass(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / ("corpus.jsonl.gz" if content.startswith(b"\x1f\x8b") else "corpus.jsonl")
    path.write_bytes(content)
    assert nfd.main([str(path)]) in {1, 2}
    assert nfd.main([str(tmp_path / "absent")]) == 2
