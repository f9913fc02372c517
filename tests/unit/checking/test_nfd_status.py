"""NFD's status document, where the conformance corpus says nothing."""

from __future__ import annotations

import pytest

from compatbuild.checking.nfd_status import status_document
from compatbuild.errors import SpecError
from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from tests.unit.checking.building import rule, spec, term

HOST = Features(attributes={"d.f": {"k": "y"}})


def test_bytes() -> None:
    text = "compatibilities: [{weight: 1, tag: '<t>', rules: [{name: r, matchFeatures: [{feature: d.f, matchExpressions: {k: {op: Exists}}}]}]}]"
    assert status_document(decode(text), HOST) == (
        '[{"rules":[{"name":"r","isMatch":true,"matchedExpressions":[{"feature":"d.f","name":"k","expression":'
        '{"op":"Exists"},"matcherType":"matchExpression","isMatch":true}]}],"weight":1,"tag":"\\u003ct\\u003e"}]'
    )
    assert status_document(decode(""), HOST) == "[]"
    assert status_document(decode(text), HOST, tags=["other"]) == "[]"


def test_rows_are_sorted_as_go_sorts_them() -> None:
    terms = [term("d.f", k=("In", *values)) for values in (("é",), ("\x01",), ('"',), ("z", "a"), ("z",))]
    rows = status_document(spec(rule(*terms)), HOST)
    order = [rows.index(text) for text in ('"value":["\\""]', '"value":["\\u0001"]', '["z","a"]', '["z"]', '["é"]')]
    assert order == sorted(order)


@pytest.mark.parametrize(("wrong", "why"), [
    (rule(term("d.f", k=("Nonsense",))), "no operator"), (rule(varsTemplate="a=b"), "templates"),
])  # fmt: skip
def test_where_nfd_says_nothing(wrong: dict[str, object], why: str) -> None:
    with pytest.raises(SpecError) as failure:
        status_document(spec(wrong), HOST)
    assert why in failure.value.why
