"""Features documents: what NFD exports, and what is no such thing."""

from typing import Any

import pytest

from compatbuild.nfd import features as room
from compatbuild.nfd.features import Features, FeaturesError

DOCUMENT: dict[str, Any] = {
    "flags": {"cpu.cpuid": {"elements": {"AVX2": {}, "SSE2": {}}}, "d.null": {"elements": None}},
    "attributes": {"kernel.version": {"elements": {"full": "6.8"}}, "local.label": {"elements": {}}},
    "instances": {"pci.device": {"elements": [{"attributes": {"vendor": "10de"}}, {"attributes": {}}]}},
}


def test_document_is_read_and_given_back() -> None:
    read = Features.from_document(DOCUMENT)
    assert read.flags == {"cpu.cpuid": frozenset({"AVX2", "SSE2"}), "d.null": None}
    assert read.attributes["kernel.version"] == {"full": "6.8"}
    assert read.instances["pci.device"] == ({"vendor": "10de"}, {})
    assert read.document() == DOCUMENT
    assert read.names() == ["cpu.cpuid", "d.null", "kernel.version", "local.label", "pci.device"]
    assert read.has("d.null")
    assert not read.has("d.absent")


@pytest.mark.parametrize("document", [None, {}, {"flags": None}, {"flags": {}, "other": 1}])
def test_parts_may_be_absent(document: Any) -> None:
    assert Features.from_document(document) == Features()


def test_null_sets_and_lone_surrogates_are_read_as_go_does() -> None:
    read = Features.from_document({"attributes": {"a.b": None, "c.d": {"elements": {"k": "\ud800x"}}}})
    assert read.attributes == {"a.b": None, "c.d": {"k": "\ufffdx"}}


@pytest.mark.parametrize(
    "document",
    [
        [],
        "text",
        {"flags": []},
        {"flags": {"a.b": {"elements": ["x"]}}},
        {"attributes": {"a.b": {"elements": {"k": 5}}}},
        {"attributes": {"a.b": {"elements": {5: "k"}}}},
        {"attributes": {"a.b": "x"}},
        {"instances": {"a.b": {"elements": {}}}},
        {"instances": {"a.b": {"elements": ["x"]}}},
        {"instances": {"a.b": {"elements": [{"attributes": {"k": None}}]}}},
    ],
)
def test_wrong_shapes(document: Any) -> None:
    with pytest.raises(FeaturesError) as error:
        Features.from_document(document)
    assert error.value.why
    assert error.value.remedy


def test_size_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_ELEMENTS", 2)
    with pytest.raises(FeaturesError, match="too large"):
        Features.from_document(DOCUMENT)


def test_node_features_of_one_node_are_merged() -> None:
    one = Features(
        flags={"f": frozenset({"a"}), "null": None, "kept": frozenset({"k"})},
        attributes={"a": {"x": "1", "y": "1"}},
        instances={"i": ({"v": "1"},)},
    )
    other = Features(
        flags={"f": frozenset({"b"}), "null": frozenset(), "kept": None, "new": None},
        attributes={"a": {"y": "2"}, "b": {}},
        instances={"i": ({"v": "1"},)},
    )
    assert one.merged(other) == Features(
        flags={"f": frozenset({"a", "b"}), "null": frozenset(), "kept": frozenset({"k"}), "new": None},
        attributes={"a": {"x": "1", "y": "2"}, "b": {}},
        instances={"i": ({"v": "1"}, {"v": "1"})},
    )
    assert one.merged(Features()) == one == Features().merged(one)
