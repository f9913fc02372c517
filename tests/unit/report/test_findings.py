"""The report for people: what is needed, why, and nothing that an image's author could smuggle into it."""

import html
import re

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from compatbuild.model.report import Report
from compatbuild.report.console import to_text
from compatbuild.report.findings import EVIDENCE_SHOWN, markdown, table
from compatbuild.report.text import plain
from tests.unit.report.building import DIGEST, evidence, finding, harmless, hostile_report, report

GFM = MarkdownIt("commonmark").enable("table")


def shown(made: Report, *, every: bool = False, width: int = 100) -> str:
    return to_text(table(made, every=every), width=width)


def test_needs_come_first_each_with_its_evidence() -> None:
    told = shown(
        report(
            finding("note", title="Built on debian", requirement=None, confidence="proven"),
            finding("cpu", evidence("/usr/bin/app", "It was built so", "ISA note"), title="A CPU of level x86-64-v2"),
        )
    )
    assert told == (
        "Image   oci-dir:image:v1 (linux/amd64)\n"
        f"Digest  {DIGEST}\n"
        "\n"
        "What it needs of its host\n"
        "  likely  A CPU of level x86-64-v2\n"
        "          It was built so: /usr/bin/app [ISA note]\n"
        "\n"
        "What is good to know\n"
        "  proven  Built on debian\n"
        "          It is there: /usr/bin/app\n"
    )


def test_an_image_without_needs_says_so() -> None:
    assert "nothing beyond a Linux kernel" in shown(report())


def test_hints_are_counted_and_shown_when_asked_for() -> None:
    made = report(finding("a", confidence="hint", title="Perhaps"), finding("b", confidence="hint", title="Maybe"))
    assert "2 hints that no requirement rests on: -v shows them" in shown(made)
    assert "Perhaps" not in shown(made)
    assert "Perhaps" in shown(made, every=True)
    assert "hints that" not in shown(made, every=True)
    assert "1 hint that" in shown(report(finding("a", confidence="hint")))


def test_a_hint_is_no_need_although_it_has_a_requirement() -> None:
    told = shown(report(finding("a", confidence="hint", title="Perhaps")), every=True)
    assert told.index("good to know") < told.index("Perhaps")


def test_the_same_thing_seen_in_many_places_is_told_once() -> None:
    made = report(finding("a", *(evidence(f"/usr/lib/{n}.so", "It needs libcuda.so.1") for n in range(3))))
    assert "It needs libcuda.so.1: /usr/lib/0.so and 2 more\n" in shown(made)
    assert shown(made, every=True).count("It needs libcuda.so.1") == 3


def test_beyond_a_few_reasons_only_their_number_is_told() -> None:
    made = report(finding("a", *(evidence(statement=f"Reason {n}.") for n in range(EVIDENCE_SHOWN + 3))))
    assert "and 3 more reasons" in shown(made)
    assert f"Reason {EVIDENCE_SHOWN}." not in shown(made)
    assert f"Reason {EVIDENCE_SHOWN + 2}." in shown(made, every=True)


def test_what_was_not_looked_at_is_told() -> None:
    told = shown(report(skipped=[{"what": "detector x", "why": "it broke"}], limits=("10 paths left out",)))
    assert "not looked at: detector x: it broke\nlimit: 10 paths left out\n" in told


def test_an_image_without_a_digest_has_no_line_for_it() -> None:
    made = report()
    assert "Digest" not in shown(made.model_copy(update={"image": made.image.model_copy(update={"digest": ""})}))


def test_it_fits_80_columns() -> None:
    told = shown(report(finding("a", evidence("/" + "x" * 200, "Words and words " * 20))), width=80)
    assert max(map(len, told.splitlines())) <= 80


def test_nothing_of_a_hostile_image_reaches_the_terminal() -> None:
    for every in (False, True):
        assert harmless(shown(hostile_report(), every=every))
    assert harmless(markdown(hostile_report()))


def test_markup_of_the_console_is_text_here() -> None:
    assert "[bold]x[/bold] :smile:" in shown(report(finding("a", title="[bold]x[/bold] :smile:")))


def test_markdown_is_one_table_of_needs() -> None:
    told = markdown(
        report(
            finding("a", evidence("/usr/lib/a_b.so", "It needs a_b | c", "DT_NEEDED"), title="Title"),
            finding("b", requirement=None, title="a note"),
            finding("c", confidence="hint", title="a hint"),
        )
    )
    assert told == (
        "### What `oci-dir:image:v1` needs of its host\n"
        "\n"
        f"Platform `linux/amd64`, digest `{DIGEST}`\n"
        "\n"
        "| requirement | confidence | evidence |\n"
        "|---|---|---|\n"
        "| Title | likely | `/usr/lib/a_b.so [DT_NEEDED]`: It needs a\\_b \\| c |\n"
    )


MARKUP = st.text(st.sampled_from("\\|`*_[]#<>&!a-~\n :"), min_size=1, max_size=12)


@given(MARKUP.filter(str.strip), MARKUP.filter(str.strip), MARKUP.filter(str.strip))
def test_markdown_shows_the_texts_and_nothing_else(title: str, path: str, statement: str) -> None:
    """Rendered as GitHub does, one row of three cells says exactly what the finding says."""
    told = markdown(report(finding("a", evidence(path, statement), title=title)))
    page = GFM.render(told)
    (row,) = re.findall(r"<tr>\n((?:<td>.*</td>\n)+)</tr>", page)
    cells = re.findall(r"<td>(.*)</td>\n", row)
    assert len(cells) == 3
    texts = [" ".join(html.unescape(re.sub(r"</?code>", "", cell)).split()) for cell in cells]
    assert texts == [" ".join(text.split()) for text in (plain(title), "likely", f"{plain(path)}: {plain(statement)}")]
