"""The documentation as a site: every page, link and anchor is there, and a browser loads nothing from elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.integration.shell import DEADLINE, ROOT
from tests.integration.test_page_browser import FLAGS
from tests.peers import require

LOADS = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""Elements that a browser fetches by themselves, and the attribute that says from where."""
NOT_LOADED = {"canonical", "next", "prev", "alternate"}


class Loads(HTMLParser):
    """Collects what a browser loads with a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in LOADS and given.get(LOADS[tag]) and given.get("rel") not in NOT_LOADED:
            self.found.append(str(given[LOADS[tag]]))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it as `make docs` does; a link or an anchor that leads nowhere ends it."""
    out = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(out)]
    environment = {"PATH": os.environ["PATH"], "HOME": str(out), "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return out


def test_every_page_of_the_repository_is_in_it(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    expected = {str(page.with_name("index.md" if page.name == "README.md" else page.name)) for page in pages}
    expected |= {"index.md", "templates.md", "github-action.md", "contributing.md", "changes.md"}
    held = {str(path.relative_to(site).with_suffix(".md")) for path in site.rglob("*.html")}
    assert held == expected | {"404.md"}
    assert not list(site.rglob("*.py"))


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    for page in site.rglob("*.html"):
        loads = Loads()
        loads.feed(page.read_text())
        assert loads.found
        assert [one for one in loads.found if re.match(r"(?:https?:)?//", one)] == [], page
    for style in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(?:https?:)?//", style.read_text()), style


@pytest.mark.peer
def test_a_browser_asks_nobody_else_and_no_page_is_wider_than_a_telephone(site: Path) -> None:
    chromium = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = browser.new_context(viewport={"width": 400, "height": 800}, offline=True).new_page()
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        wide = []
        for name in ("index", "reference", "docker", "github-action", "check", "how-to/cluster", "detectors/index"):
            page.goto((site / f"{name}.html").as_uri())
            page.wait_for_load_state()
            if page.evaluate("document.documentElement.scrollWidth") > 400:
                wide.append(name)
        browser.close()
    assert wide == []
    assert len(asked) > 7
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


def test_lists_and_tables_are_none_in_text_only(site: Path) -> None:
    """GitHub takes a list that no empty line precedes; mkdocs makes a paragraph of it."""
    for page in site.rglob("*.html"):
        text = re.sub(r"<(pre|code).*?</\1>", "", page.read_text(), flags=re.DOTALL)
        for paragraph in re.findall(r"<p>(.*?)</p>", text, flags=re.DOTALL):
            assert not re.search(r"^\s*(?:[-*] |\d+\. |\|)", paragraph, re.MULTILINE), f"{page.name}: {paragraph[:200]}"
