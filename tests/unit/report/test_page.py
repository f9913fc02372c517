"""The page of a matrix: nothing in it is anybody else's markup, nothing is loaded, and each explanation is told once."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from compatbuild.checking.verdicts import Checked, HostVerdict, NeedVerdict, RuleVerdict, SetVerdict, Subject, Verdict
from compatbuild.report.page.render import Assets, html
from tests.builders.matrices import NO, UNKNOWN, YES, host, matrix, row
from tests.golden.matrix import texts
from tests.unit.report.building import HOSTILE, harmless

ATTACKS = (HOSTILE, "</script><script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "</style>{{ 7 * 7 }}{% raw %}", "javascript:alert(1)", '#w1"id="h1', "&lt;b&gt;", "\0\ud800\u202e")  # fmt: skip
ELEMENTS = set(
    "html head meta title style body header h1 p main section h2 ol li h3 span svg rect details summary ul dl div dt dd "
    "form label input select option button table thead tr th tbody small td a article code b h4 footer script".split()
)
VOID = {"meta", "input", "rect"}


class Parsed(HTMLParser):
    """Elements with their attributes, what is not closed in its order, and the text of style and script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: Counter[str] = Counter()
        self.raw: dict[str, str] = {}
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs)
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] in {"style", "script"}:
            self.raw[self._open[-1]] = data
        elif data.strip():
            self.texts[data.strip()] += 1

    def values(self, attribute: str) -> list[str]:
        return [told[attribute] for _, told in self.elements if attribute in told]


def hostile(text: str) -> list[Checked]:
    """A matrix that holds a text in every place an image's, a host's or a specification's author can reach."""
    bad = row(NO, text, text, feature=text, reason=text, remedy=text, source=text, detail=text)
    rule = RuleVerdict(text, NO, (bad, row(YES, text, text, reason=text)), ((bad,), (bad,)), text)
    sets = (SetVerdict(text, 3, text, NO, (rule, rule)), SetVerdict(text, 2, text, NO, (rule,)))
    need = NeedVerdict(text, text, text, NO, text, text, text)
    one = HostVerdict(text, text, text, NO, sets, (need,))
    return [Checked(Subject(text, text, text, text, text, information=(text,)), (one,))] * 2


@pytest.mark.parametrize("text", ATTACKS)
@pytest.mark.parametrize("images", [1, 2])
def test_nobody_s_text_becomes_markup(text: str, images: int) -> None:
    page = html(hostile(text)[:images])
    assert harmless(page)
    page.encode()
    parsed = Parsed(page)
    assert {name for name, _ in parsed.elements} <= ELEMENTS
    same = Parsed(html(hostile("x")[:images]))
    assert [name for name, _ in parsed.elements] == [name for name, _ in same.elements]
    assert [set(told) for _, told in parsed.elements] == [set(told) for _, told in same.elements]
    assert parsed.raw == same.raw
    assert parsed.values("href") == same.values("href")


def test_nothing_is_loaded_and_no_attribute_runs_or_styles_anything() -> None:
    page = html(matrix())
    parsed = Parsed(page)
    attributes = {name for _, told in parsed.elements for name in told}
    assert not attributes & {"src", "srcset", "style", "action", "formaction", "ping", "background", "xlink:href"}
    assert not {name for name in attributes if name.startswith("on")}
    assert "://" not in "".join(parsed.raw.values())
    assert "url(" not in parsed.raw["style"]
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(", parsed.raw["script"]
    )


def test_the_policy_lets_this_style_and_this_script_in_and_nothing_else() -> None:
    parsed = Parsed(html(matrix()))
    (policy,) = [told["content"] for _, told in parsed.elements if told.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    digests = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for name, text in parsed.raw.items()
    }
    assert rules == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digests['style']}'",
        "script-src": f"'sha256-{digests['script']}'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "require-trusted-types-for": "'script'",
    }


def test_every_link_leads_to_a_place_that_there_is_once() -> None:
    parsed = Parsed(html(matrix()))
    places = Counter(parsed.values("id"))
    assert set(places.values()) == {1}
    leading = {link for link in parsed.values("href") if link != "#closed"}
    assert {link[:1] for link in leading} == {"#"}
    assert {link[1:] for link in leading} <= set(places)
    assert {place for place in places if re.fullmatch(r"w\d+", place)} <= {link[1:] for link in leading}


def test_an_explanation_is_told_once_however_many_hosts_it_is_about() -> None:
    hosts = tuple(
        host(
            f"n{at}", row(NO, source=f"profile n{at}: /boot/config"), row(YES, "FUSE_FS", f"{at}", reason=f"it is {at}")
        )
        for at in range(200)
    )
    page = html([Checked(Subject("a", "spec"), hosts), Checked(Subject("b", "spec"), hosts)])
    assert page.count("<article") == 1
    assert page.count("profile n7: /boot/config") == 1
    assert page.count("FUSE_FS=7<") == 1
    assert "400 verdicts" in page
    single = html([Checked(Subject("a", "spec"), hosts)])
    assert len(page) - len(single) < 100 * len(hosts)


def test_what_is_asked_of_many_in_the_same_way_is_one_line() -> None:
    flags = [row(UNKNOWN, name, feature="cpu.cpuid", reason="hardware") for name in ("AVX", "AVX2", "SSE4")]
    page = html([Checked(Subject("a", "spec"), (host("n", *flags),))])
    assert page.count("<dd>hardware</dd>") == 1
    assert page.index("cpu.cpuid AVX In") < page.index("cpu.cpuid AVX2 In") < page.index("<dd>hardware</dd>")


def test_the_worst_stands_first() -> None:
    page = html([Checked(Subject("a", "spec"), (host("n", row(UNKNOWN, "LATER"), row(NO, "FIRST")),))])
    told = page.partition("<article")[2]
    assert told.index('<li class="no"><code>kernel.config FIRST') < told.index("<code>kernel.config LATER")


@pytest.mark.parametrize(("number", "singular"), [(1, "1 operating system"), (2, "2 operating systems")])
def test_numbers_and_nouns_agree(number: int, singular: str) -> None:
    hosts = tuple(host(f"n{at}", row(YES)) for at in range(number))
    assert f"<title>a on {singular}</title>" in html([Checked(Subject("a", "spec"), hosts)])


def test_no_hosts_are_no_error() -> None:
    assert "0 hosts" in html([Checked(Subject("a", "spec"), ())])


def test_the_verdicts_have_words_beside_their_colours() -> None:
    parsed = Parsed(html(matrix()))
    assert all(parsed.texts[verdict.value] for verdict in Verdict)


def test_style_and_script_stand_in_the_page_as_they_are() -> None:
    assets = Assets.shipped()
    assert not re.search(r"</|<!--", assets.style + assets.script)
    assert len(assets.script.splitlines()) < 200
    assert Parsed(html(matrix())).raw == {"style": assets.style, "script": assets.script}


def test_golden_files() -> None:
    for path, text in texts().items():
        assert path.read_text(encoding="utf-8") == text, "python -m tests.golden.matrix writes it anew"
