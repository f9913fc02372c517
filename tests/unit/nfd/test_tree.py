"""YAML trees: places, what NFD refuses, and limits."""

import pytest
import yaml

from compatbuild.errors import SpecError
from compatbuild.nfd import tree
from compatbuild.nfd.tree import MappingNode, Place, ScalarNode, SequenceNode, parse


def test_places_and_shape() -> None:
    root = parse("a: 1\nb:\n  - 'x'\n  - !!str y\n")
    assert isinstance(root, MappingNode)
    (a, one), (b, items) = root.pairs
    assert isinstance(items, SequenceNode)
    assert a == ScalarNode(Place(1, 1), "a", "", plain=True)
    assert one == ScalarNode(Place(1, 4), "1", "", plain=True)
    assert b.place == Place(2, 1)
    assert items.items == (
        ScalarNode(Place(3, 5), "x", "", plain=False),
        ScalarNode(Place(4, 5), "y", "tag:yaml.org,2002:str", plain=False),
    )


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", b"\xef\xbb\xbf"])
def test_no_document(text: str | bytes) -> None:
    assert parse(text) is None


def test_only_the_first_document_counts() -> None:
    root = parse("a: 1\n---\n: ] broken\n")
    assert isinstance(root, MappingNode)


def test_an_alias_is_the_node_it_stands_for() -> None:
    root = parse("- &x {a: b}\n- *x\n")
    assert isinstance(root, SequenceNode)
    assert root.items[0] is root.items[1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(encoding: str) -> None:
    root = parse("é: ü".encode(encoding))
    assert isinstance(root, MappingNode)
    assert root.pairs[0][0].place == Place(1, 1)


REFUSED = {
    "%YAML 1.2\n---\na: b": "YAML 1.1 only",
    "a: *x": "nothing is anchored",
    "a: &x [*x]": "contains itself",
    "a: &x {<<: *x}": "contains itself",
    '"\\ud83d\\ude00"': "",
    '"\\/"': "no escape",
    "[a?b]": "",
    "a: [": "",
    "\ta: b": "",
    "a: b\n\ufeffc: d": "byte order mark",
    "a: \x07": "",
    "'\\U00110000": "",
    '"\\U00110000"': "",
    "\udc80": "",
}


@pytest.fixture(params=["CLoader", "Loader"])
def _scanner(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with libyaml's scanner and with PyYAML's own."""
    if not hasattr(yaml, request.param):
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(tree, "_Loader", getattr(yaml, request.param))


@pytest.mark.usefixtures("_scanner")
@pytest.mark.parametrize("text", REFUSED)
def test_refused(text: str) -> None:
    with pytest.raises(SpecError) as error:
        parse(text)
    assert REFUSED[text] in error.value.why
    assert error.value.why
    assert error.value.remedy


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(SpecError):
        parse(b"a: \xff\xfe\x00")


@pytest.mark.usefixtures("_scanner")
@pytest.mark.parametrize("text", ['"\\\\/"', '"a/b"', "a?b", "- a?b", "? a\n: b"])
def test_near_misses_of_what_is_refused(text: str) -> None:
    assert parse(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "#" * (tree.MAX_BYTES + 1),
        "[" * 200 + "]" * 200,
        "- " * 300 + "x",
        "[" + "a," * tree.MAX_NODES + "]",
        "{a: " * 5000,
    ],
)
def test_limits(text: str) -> None:
    with pytest.raises(SpecError):
        parse(text)
