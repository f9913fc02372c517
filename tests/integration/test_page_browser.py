"""The page of `check -o html` in a real browser: it sorts, filters, opens explanations, and is there for everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from compatbuild.checking.verdicts import Checked, Subject
from compatbuild.report.page.render import html
from tests.builders.matrices import DEPENDS, NO, YES, host, matrix, row
from tests.builders.npm import AXE, npm_file
from tests.peers import require
from tests.unit.report.test_page import ATTACKS, hostile

pytestmark = pytest.mark.peer
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run")  # fmt: skip
"""Everywhere the tests run, and without asking anybody for updates."""
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = require("chromium")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()


class Watched:
    """A page, with every request it makes and everything it complains of."""

    def __init__(self, context: BrowserContext, file: Path) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.refusals: list[str | None] = []
        self.page.on("requestfailed", lambda request: self.refusals.append(request.failure))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())
        self.page.wait_for_load_state()

    def hosts(self) -> list[str]:
        """The hosts that are shown, in their order."""
        names = self.page.locator("tbody tr:not([hidden]) th")
        return [name.split()[0] for name in names.all_inner_texts()]

    def assert_quiet(self, file: Path) -> None:
        """Nothing but the page itself was asked for, and nothing was complained of."""
        assert {url.partition("#")[0] for url in self.requests} == {file.as_uri()}
        assert self.complaints == []


def written(tmp_path: Path, checked: list[Checked]) -> Path:
    file = tmp_path / "matrix.html"
    file.write_text(html(checked), encoding="utf-8")
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, matrix())


@pytest.fixture
def watched(browser: Browser, file: Path) -> Iterator[Watched]:
    context = browser.new_context(offline=True)
    watched = Watched(context, file)
    yield watched
    watched.assert_quiet(file)
    context.close()


def test_sorting_by_host_and_by_verdict(watched: Watched) -> None:
    page = watched.page
    first = page.get_by_role("columnheader", name="Operating system")
    second = page.get_by_role("columnheader", name="[2] gpu.yaml")
    assert watched.hosts() == ["rhel-9.4", "cos-121", "debian-12", "debian-13"]
    first.get_by_role("button").click()
    expect(first).to_have_attribute("aria-sort", "ascending")
    assert watched.hosts() == ["cos-121", "debian-12", "debian-13", "rhel-9.4"]
    first.get_by_role("button").click()
    expect(first).to_have_attribute("aria-sort", "descending")
    assert watched.hosts() == ["rhel-9.4", "debian-13", "debian-12", "cos-121"]
    second.get_by_role("button").press("Enter")
    expect(second).to_have_attribute("aria-sort", "ascending")
    assert page.locator("[aria-sort]").count() == 1
    assert watched.hosts() == ["cos-121", "debian-12", "rhel-9.4", "debian-13"]


def test_numbers_in_names_are_numbers(browser: Browser, tmp_path: Path) -> None:
    hosts = tuple(host(f"rhel-{version}", row(YES)) for version in ("10.1", "9.10", "9.2"))
    watched = Watched(browser.new_context(offline=True), written(tmp_path, [Checked(Subject("a", "spec"), hosts)]))
    watched.page.get_by_role("columnheader").first.get_by_role("button").click()
    assert watched.hosts() == ["rhel-9.2", "rhel-9.10", "rhel-10.1"]


def test_filtering(watched: Watched) -> None:
    page = watched.page
    status = page.get_by_role("status")
    expect(status).to_have_text("4 operating systems")
    page.get_by_label("Search").fill("DEBIAN 1")
    expect(status).to_have_text("2 of 4 operating systems")
    assert watched.hosts() == ["debian-12", "debian-13"]
    page.get_by_label("Verdict", exact=True).select_option("incompatible")
    expect(status).to_have_text("1 of 4 operating systems")
    page.get_by_label("Image", exact=True).select_option("1")
    expect(status).to_have_text("0 of 4 operating systems")
    page.get_by_label("Search").fill("")
    expect(status).to_have_text("1 of 4 operating systems")
    assert watched.hosts() == ["rhel-9.4"]
    page.get_by_role("button", name="Show all").click()
    expect(status).to_have_text("4 operating systems")


def test_a_cell_opens_and_closes_by_keyboard(watched: Watched) -> None:
    page = watched.page
    cell = page.locator("#h1 td a").first
    story = page.locator("#w1")
    expect(story.locator(".told")).to_be_hidden()
    cell.focus()
    page.keyboard.press("Enter")
    expect(story).to_be_focused()
    expect(story).to_be_in_viewport()
    expect(story).to_contain_text("node policy forbids: kernel.io_uring_disabled=2")
    expect(story).to_contain_text("change it in /etc/sysctl.d")
    expect(story.locator(".who")).to_have_text("rhel-9.4, [1] registry.example/uring:1.2")
    page.keyboard.press("Escape")
    expect(story.locator(".told")).to_be_hidden()
    expect(cell).to_be_focused()
    page.keyboard.press("Enter")
    expect(story).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(story.get_by_role("link", name="Close")).to_be_focused()
    page.keyboard.press("Enter")
    expect(story.locator(".told")).to_be_hidden()
    expect(cell).to_be_focused()


def test_a_link_to_a_row_that_is_filtered_out_shows_it(watched: Watched) -> None:
    page = watched.page
    page.get_by_label("Search").fill("debian")
    expect(page.get_by_role("status")).to_have_text("2 of 4 operating systems")
    page.locator("#s1 a").click()
    expect(page.locator("#h1")).to_be_in_viewport()
    assert len(watched.hosts()) == 4


def test_it_can_be_read_without_scripts(browser: Browser, file: Path) -> None:
    context = browser.new_context(offline=True, java_script_enabled=False)
    watched = Watched(context, file)
    page = watched.page
    expect(page.locator("form")).to_be_hidden()
    assert watched.hosts() == ["rhel-9.4", "cos-121", "debian-12", "debian-13"]
    page.locator("#h1 td a").first.click()
    story = page.locator("#w1")
    expect(story.locator(".told")).to_be_visible()
    expect(story).to_contain_text("change it in /etc/sysctl.d")
    story.get_by_text("1 holds").click()
    expect(story).to_contain_text("FUSE_FS")
    story.get_by_role("link", name="Close").click()
    expect(story.locator(".told")).to_be_hidden()
    watched.assert_quiet(file)
    context.close()


@pytest.mark.parametrize("text", ATTACKS)
def test_nobody_s_text_does_anything(browser: Browser, tmp_path: Path, text: str) -> None:
    context = browser.new_context(offline=True)
    file = written(tmp_path, hostile(text))
    watched = Watched(context, file)
    watched.page.on("dialog", lambda dialog: watched.complaints.append(dialog.message))
    watched.page.locator("td a").first.click()
    watched.page.get_by_role("columnheader").first.get_by_role("button").click()
    assert watched.page.locator("script").count() == 1
    assert watched.page.locator("img").count() == 0
    watched.assert_quiet(file)
    context.close()


def test_the_policy_stops_what_is_not_ours(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    bad = '<script>document.title="run"</script><img src="https://registry.example/x.png"><p style="color:red">'
    file.write_text(html(matrix()).replace("<h1>", f"{bad}<h1>"))
    context = browser.new_context(offline=True)
    watched = Watched(context, file)
    assert watched.page.title() == "2 images on 4 operating systems"
    assert watched.refusals == ["csp"]  # the image; it was stopped before anybody was asked for it
    assert len([one for one in watched.complaints if "Content Security Policy" in one]) == 3
    context.close()


@pytest.mark.parametrize("images", [1, 20])
def test_narrow_windows_scroll_the_table_and_not_the_page(browser: Browser, tmp_path: Path, images: int) -> None:
    name = "registry.example/a-team/with-a-rather-long-name-that-does-not-wrap:2026.11.30-rc1"
    hosts = tuple(host(f"amazonlinux-2023-kernel6.{at}", row((NO, YES, DEPENDS)[at % 3])) for at in range(40))
    context = browser.new_context(offline=True, viewport={"width": 400, "height": 800})
    watched = Watched(context, written(tmp_path, [Checked(Subject(name, "spec"), hosts)] * images))
    page = watched.page
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    wide = page.evaluate("(e => e.scrollWidth - e.clientWidth)(document.querySelector('.scroller'))")
    assert wide == 0 if images == 1 else wide > 1000
    page.locator("td a").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    header, first = page.locator("thead th").first, page.locator("tbody th").first
    page.keyboard.press("Escape")
    page.evaluate("document.querySelector('.scroller').scrollTo(500, 600)")
    scroller = page.locator(".scroller").bounding_box()
    stuck = header.bounding_box()
    assert scroller is not None
    assert stuck is not None
    assert abs(stuck["y"] - scroller["y"]) < 3
    assert abs(stuck["x"] - scroller["x"]) < 3
    assert abs((first.bounding_box() or {"x": -1})["x"] - scroller["x"]) < 3
    context.close()


@pytest.mark.download
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("state", ["table", "explanation", "narrow", "sorted"])
def test_no_barrier_that_axe_knows(browser: Browser, file: Path, scheme: Literal["light", "dark"], state: str) -> None:
    axe = npm_file(AXE, "axe.min.js")
    # The page's own policy would keep axe out.
    viewport: Any = {"width": 400 if state == "narrow" else 1280, "height": 900}
    context = browser.new_context(offline=True, bypass_csp=True, color_scheme=scheme, viewport=viewport)
    page = Watched(context, file).page
    if state == "explanation":
        page.locator("#h1 td a").nth(1).click()
        page.locator("details:visible").last.click()
    if state == "sorted":
        page.get_by_role("columnheader").nth(1).get_by_role("button").click()
        page.get_by_label("Search").fill("debian")
    page.add_script_tag(content=axe)
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert len(found["passes"]) > 20
    told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]]
    assert told == [], json.dumps(found["violations"], indent=1)[:3000]
    context.close()


def test_dark_is_dark_and_print_shows_explanations(browser: Browser, file: Path) -> None:
    context = browser.new_context(offline=True)
    page = Watched(context, file).page
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(colour)
    page.emulate_media(color_scheme="light")
    assert sum(map(int, dark[4:-1].split(","))) < 150 < sum(map(int, page.evaluate(colour)[4:-1].split(",")))
    page.emulate_media(media="print")
    expect(page.locator("form")).to_be_hidden()
    expect(page.locator("#w1 .told")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.scroller')).overflowY") == "visible"
    context.close()
