"""The page of a fleet in a real browser: thousands of images, found by a word, opened by keyboard, for everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from compatbuild.fleet.rows import Row
from compatbuild.report.fleet.page.render import html
from tests.builders.fleets import broken, fleet, header, row
from tests.builders.npm import AXE, npm_file
from tests.integration.test_page_browser import RULES, SCHEMES, Watched, browser
from tests.unit.report.test_page import ATTACKS

__all__ = ["browser"]  # the fixture
pytestmark = pytest.mark.peer
IMAGES = 5000


def written(directory: Path, *rows: Row) -> Path:
    file = directory / "fleet.html"
    file.write_text(html(header(), rows), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("page"), *fleet(IMAGES))


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    context = browser.new_context(offline=True)
    watched = Watched(context, file)
    yield watched.page
    watched.assert_quiet(file)
    context.close()


def names(page: Page) -> list[str]:
    return page.locator("tbody th button").all_inner_texts()


def test_a_page_of_thousands_shows_the_worst_first(page: Page) -> None:
    expect(page.get_by_role("status")).to_have_text("5,000 images")
    assert len(names(page)) == 50
    assert set(page.locator("tbody td .chip").all_inner_texts()) == {"incompatible"}
    expect(page.get_by_text("page 1 of 100")).to_be_visible()
    page.get_by_role("button", name="Next").press("Enter")
    expect(page.get_by_text("page 2 of 100")).to_be_visible()
    expect(page.get_by_role("region", name="Table of images")).to_be_focused()


def test_search_finds_names_users_and_reasons(page: Page) -> None:
    status = page.get_by_role("status")
    page.get_by_label("Search").fill("APP123:")
    expect(status).to_have_text("1 of 5,000 images")
    page.get_by_label("Search").fill("team-1 io_uring")
    expect(status).to_have_text("417 of 5,000 images")
    page.get_by_label("Search").fill("nowhere to be found")
    expect(status).to_have_text("0 of 5,000 images")
    page.get_by_role("button", name="Show all").click()
    expect(status).to_have_text("5,000 images")


def test_verdicts_of_one_host(page: Page) -> None:
    status = page.get_by_role("status")
    page.get_by_label("Verdict", exact=True).select_option("incompatible")
    expect(status).to_have_text("1,250 of 5,000 images")
    page.get_by_label("Host", exact=True).select_option("cos-121")
    expect(status).to_have_text("0 of 5,000 images")
    page.get_by_label("Host", exact=True).select_option("rhel-9.4")
    expect(status).to_have_text("1,250 of 5,000 images")
    page.get_by_label("Verdict", exact=True).select_option("error")
    expect(status).to_have_text("1 of 5,000 images")


def test_an_image_opens_by_keyboard(page: Page) -> None:
    first = page.locator("tbody th button").first
    first.focus()
    page.keyboard.press("Enter")
    expect(first).to_be_focused()
    expect(first).to_have_attribute("aria-expanded", "true")
    more = page.locator("tr.more")
    expect(more).to_contain_text("team-0/Deployment/web")
    expect(more).to_contain_text("try: change the setting")
    expect(more).to_contain_text("on cos-121, debian-12")
    page.keyboard.press("Enter")
    expect(more).to_have_count(0)


def test_sorting(page: Page) -> None:
    image = page.get_by_role("columnheader", name="Image")
    image.get_by_role("button").click()
    expect(image).to_have_attribute("aria-sort", "ascending")
    assert [name.rpartition("/")[2] for name in names(page)[:3]] == ["app0:v1", "app1:v1", "app2:v1"]
    image.get_by_role("button").click()
    expect(image).to_have_attribute("aria-sort", "descending")
    assert names(page)[0].endswith("broken5000:v1")


def test_without_scripts_it_says_so(browser: Browser, file: Path) -> None:
    context = browser.new_context(offline=True, java_script_enabled=False)
    shown = Watched(context, file).page
    expect(shown.get_by_text("compatbuild fleet show FILE")).to_be_visible()
    expect(shown.locator("dl.totals")).to_contain_text("1,250")
    expect(shown.locator("form")).to_be_hidden()
    context.close()


@pytest.mark.parametrize("text", ATTACKS)
def test_nobody_s_text_does_anything(browser: Browser, tmp_path: Path, text: str) -> None:
    context = browser.new_context(offline=True)
    file = written(tmp_path, row(0, text=text), broken(1, text))
    watched = Watched(context, file)
    watched.page.on("dialog", lambda dialog: watched.complaints.append(dialog.message))
    for at in (0, 1):
        watched.page.locator("tbody th button").nth(at).click()
    assert watched.page.locator("tr.more").count() == 2
    assert watched.page.locator("script").count() == 2
    assert watched.page.locator("img").count() == 0
    watched.assert_quiet(file)
    context.close()


@pytest.mark.download
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [1280, 400])
def test_no_barrier_that_axe_knows(browser: Browser, file: Path, scheme: Literal["light", "dark"], width: int) -> None:
    axe = npm_file(AXE, "axe.min.js")
    viewport: Any = {"width": width, "height": 900}
    context = browser.new_context(offline=True, bypass_csp=True, color_scheme=scheme, viewport=viewport)
    shown = Watched(context, file).page
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    shown.locator("tbody th button").first.click()
    shown.get_by_label("Search").fill("app1")
    shown.add_script_tag(content=axe)
    found = shown.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    assert len(found["passes"]) > 20
    told = [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found["violations"]]
    assert told == [], json.dumps(found["violations"], indent=1)[:3000]
    context.close()


def test_dark_is_dark_and_paper_has_all_that_fits_the_search(browser: Browser, file: Path) -> None:
    context = browser.new_context(offline=True)
    shown = Watched(context, file).page
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    shown.emulate_media(color_scheme="dark")
    assert sum(map(int, shown.evaluate(colour)[4:-1].split(","))) < 150
    shown.get_by_label("Search").fill("team-1 io_uring")
    expect(shown.get_by_role("status")).to_have_text("417 of 5,000 images")
    shown.emulate_media(media="print", color_scheme="light")
    shown.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert len(names(shown)) == 417
    shown.evaluate("dispatchEvent(new Event('afterprint'))")
    assert len(names(shown)) == 50
    context.close()
