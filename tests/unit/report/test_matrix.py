"""Tables of verdicts: hostile names show as they are, and widths hold."""

from __future__ import annotations

from compatbuild.checking.verdicts import (
    Checked,
    ExpressionVerdict,
    HostVerdict,
    NeedVerdict,
    RuleVerdict,
    SetVerdict,
    Subject,
    Verdict,
)
from compatbuild.report.console import to_text
from compatbuild.report.matrix import markdown, table
from compatbuild.report.verdicts import as_values, because, explanation, wanted

EVIL = "\x1b[31m|`x`<img src=x>[a](http://b)\u202e\n"
ROW = ExpressionVerdict(
    EVIL, EVIL, "In", (EVIL * 10, *map(str, range(10))), "version", False, (EVIL,), Verdict.INCOMPATIBLE, EVIL, EVIL
)
SET = SetVerdict(EVIL, 3, EVIL, Verdict.INCOMPATIBLE, (RuleVerdict(EVIL, Verdict.INCOMPATIBLE, (), ((ROW,), (ROW,))),))
HOST = HostVerdict(EVIL, "node", "live", Verdict.INCOMPATIBLE, (SET,))
CHECKED = Checked(Subject(EVIL, "spec", information=(EVIL,)), (HOST,))
NEED = NeedVerdict("driver.nvidia", "nvidia driver >=525", "470", Verdict.INCOMPATIBLE, "the driver is 470", "install")


def safe(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def test_hostile_text_is_shown_as_it_is() -> None:
    for checked in ([CHECKED], [CHECKED, CHECKED]):
        assert safe(to_text(table(checked), width=80))
        shown = markdown(checked)
        assert safe(shown)
        assert "<img" not in shown
        assert "[a](http" not in shown
        assert all(line.replace("\\|", "").count("|") == len(checked) + (1 + (len(checked) == 1)) + 1 for line in shown.splitlines() if line.startswith("|") and "---" not in line)  # fmt: skip
    assert safe(explanation(CHECKED))


def test_a_row_says_what_is_wanted_in_short() -> None:
    assert wanted(ROW).endswith(" and 5 more (version)")
    plain = ExpressionVerdict("kernel.config", "X", "In", ("y", "m"), "", True, ("n",), Verdict.INCOMPATIBLE, "it is n")
    assert wanted(plain) == "kernel.config X In y, m"


def test_every_width_holds() -> None:
    for width in (40, 80, 120):
        assert max(map(len, to_text(table([CHECKED]), width=width).splitlines())) <= width


def test_what_decides() -> None:
    fine = SetVerdict("fast", 5, "", Verdict.COMPATIBLE, ())
    two = HostVerdict("n", "node", "live", Verdict.COMPATIBLE, (fine, SET))
    assert because(two) == "set fast, weight 5"
    assert because(HostVerdict("n", "node", "live", Verdict.COMPATIBLE, ())) == "the specification asks for nothing"
    short = HostVerdict("n", "node", "live", Verdict.INCOMPATIBLE, (fine,), (NEED,))
    assert because(short) == "nvidia driver >=525: the driver is 470"
    told = explanation(Checked(Subject("x", "spec"), (short,)))
    assert "- nvidia driver >=525: the driver is 470\n    try: install" in told


def test_documents() -> None:
    one = as_values([CHECKED])
    assert (one["schema"], one["hosts"][0]["set"]) == ("compatbuild.verdict/v1", 0)
    branches = [row["branch"] for row in one["hosts"][0]["sets"][0]["rules"][0]["expressions"]]
    assert branches == [0, 1]
    assert [each["schema"] for each in as_values([CHECKED, CHECKED])["verdicts"]] == ["compatbuild.verdict/v1"] * 2


def many(images: int, name: str = "amazonlinux-2023-kernel6.12") -> list[Checked]:
    hosts = (HostVerdict(name, "profile", "exact", Verdict.INCOMPATIBLE, (SET,)),)
    return [Checked(Subject(f"{at}.yaml", "spec"), hosts) for at in range(1, images + 1)]


def test_words_where_they_fit_and_marks_where_they_do_not() -> None:
    wide = to_text(table(many(3)), width=80)
    assert wide.splitlines()[1].split() == ["amazonlinux-2023-kernel6.12", *["incompatible"] * 3]
    narrow = to_text(table(many(6)), width=80)
    assert narrow.splitlines()[:2] == [
        "HOST                         [1]  [2]  [3]  [4]  [5]  [6]",
        "amazonlinux-2023-kernel6.12  -    -    -    -    -    -",
    ]
    assert "+ compatible, ~ depends, ? unknown, - incompatible" in narrow
    assert "+ compatible" not in wide


def test_no_image_is_left_out_however_narrow() -> None:
    for width in (40, 60, 80):
        for images in (2, 7, 20):
            told = to_text(table(many(images)), width=width)
            assert max(map(len, told.splitlines())) <= width
            heads = " ".join(line for line in told.splitlines() if line.startswith("HOST")).split()
            assert [head for head in heads if head != "HOST"] == [f"[{at}]" for at in range(1, images + 1)]
            marks = " ".join(line for line in told.splitlines() if line.startswith("amazonlinux")).split()
            assert len([mark for mark in marks if mark in {"-", "incompatible"}]) == images
