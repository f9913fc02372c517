"""The canonical text of a specification."""

import pytest

from compatbuild.errors import SpecError
from compatbuild.nfd.decode import decode
from compatbuild.nfd.spec import Branch, Compatibility, Expression, Rule, Spec, Term
from compatbuild.nfd.wire import relaxed
from compatbuild.nfd.write import COMMENT_WIDTH, dump, quoted

TEXT = """\
version: "v1alpha1"
compatibilities:
  - tag: "required"
    description: "kernel >=5.10"
    weight: 5
    rules:
      - name: "app"
        vars:
          a: "1"
          "y": "no"
        matchFeatures:
          # uses io_uring
          - feature: "kernel.version"
            matchExpressions:
              full:
                op: "InRegexp"
                value: ["^(6\\\\.)"]
          - feature: "local.label"
            matchExpressions:
              "0x10":
                op: "Exists"
              nvidia.com/gpu.count:
                op: "Ge"
                value: ["1", "2"]
                type: "version"
              "true":
                op: "Exists"
            matchName:
              op: "In"
              value: ["y"]
        matchAny:
          - matchFeatures:
              # either
              # will do
              - feature: "cpu.cpuid"
                matchExpressions: {}
          - matchFeatures: []
"""

SPEC = Spec(
    compatibilities=(
        Compatibility(
            tag="required",
            weight=5,
            description="kernel >=5.10",
            rules=(
                Rule(
                    name="app",
                    vars={"y": "no", "a": "1"},
                    matchFeatures=(
                        Term(
                            feature="kernel.version",
                            matchExpressions={"full": Expression(op="InRegexp", value=(r"^(6\.)",))},
                            comment="uses io_uring",
                        ),
                        Term(
                            feature="local.label",
                            matchExpressions={
                                "true": Expression(op="Exists"),
                                "nvidia.com/gpu.count": Expression(op="Ge", value=("1", "2"), type="version"),
                                "0x10": Expression(op="Exists"),
                            },
                            matchName=Expression(op="In", value=("y",)),
                        ),
                    ),
                    matchAny=(
                        Branch(
                            matchFeatures=(Term(feature="cpu.cpuid", matchExpressions={}, comment="either\nwill do"),)
                        ),
                        Branch(matchFeatures=()),
                    ),
                ),
            ),
        ),
    )
)


def commented(comment: str) -> str:
    rule = Rule(name="r", matchFeatures=(Term(feature="a.b", comment=comment),))
    return dump(Spec(compatibilities=(Compatibility(rules=(rule,)),))).decode()


def test_whole_text() -> None:
    assert dump(SPEC).decode() == TEXT
    assert decode(TEXT) == relaxed(SPEC)


def test_empty_specification() -> None:
    assert dump(Spec()) == b'version: "v1alpha1"\ncompatibilities: []\n'
    assert b"    rules: []" not in dump(Spec(compatibilities=(Compatibility(rules=()),)))
    assert decode(dump(Spec(compatibilities=(Compatibility(rules=()),)))).compatibilities[0].rules == ()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('a"b\\c', r'"a\"b\\c"'), ("a\tb\nc\rd\0", r'"a\tb\nc\rd\x00"'), ("\x85\u2028\ufeff", r'"\x85\u2028\uFEFF"'),
        ("\u202ekcab", r'"\u202Ekcab"'), ("\U000e0041", r'"\U000E0041"'), ("für 日本 😀", '"für 日本 😀"'), ("", '""'),
    ],
)  # fmt: skip
def test_quoting(text: str, written: str) -> None:
    assert quoted(text) == written


def test_half_a_surrogate_pair_cannot_be_written() -> None:
    with pytest.raises(SpecError, match="cannot be written"):
        quoted("\ud800")
    assert "\\uD800" in commented("\ud800")  # which a comment can


@pytest.mark.parametrize(
    "comment", ["x\n- feature: evil", "x\r- feature: evil", "x\x85y", "x\u2028y\u2029z", "\0\x1b[31m", "x\n\n\ny"]
)
def test_nothing_breaks_out_of_a_comment(comment: str) -> None:
    text = commented(comment)
    assert decode(text) == decode(commented(""))
    assert all(line.isprintable() for line in text.split("\n"))


def test_long_comments_are_wrapped() -> None:
    lines = [line.strip() for line in commented("some words " * 40).splitlines() if line.strip().startswith("#")]
    assert len(lines) > 4
    assert max(map(len, lines)) <= COMMENT_WIDTH + 2
    path = "/" + "a" * 200
    assert f"# {path}" in commented(path)


def test_long_keys_are_marked_as_keys() -> None:
    rule = Rule(name="r", vars={"k" * 3000: "v", "é" * 1000: "w"})
    spec = Spec(compatibilities=(Compatibility(rules=(rule,)),))
    assert decode(dump(spec)) == relaxed(spec)
