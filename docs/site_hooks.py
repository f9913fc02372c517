"""Hooks of mkdocs: pages that lie elsewhere join the site, and links to what is no page lead to the repository."""

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from compatbuild.version import REPOSITORY

ROOT = Path(__file__).parents[1]
ELSEWHERE = {
    "index.md": "README.md",
    "templates.md": "templates/README.md",
    "github-action.md": "github-action/README.md",
    "contributing.md": "CONTRIBUTING.md",
    "changes.md": "CHANGELOG.md",
}
"""Pages of the site, and the files of the repository that they are."""
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)")
_FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere."""
    for page, path in ELSEWHERE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Turn links between files of the repository into links between pages, outside of code."""
    own = page.file.src_uri
    if own == "index.md":  # a screenful of output wants the room
        page.meta["hide"] = ["navigation"]
    parts = _FENCED.split(markdown)
    return "".join(
        part if part.startswith("```") else _LINK.sub(lambda found: _link(found, own), part) for part in parts
    )


def _link(found: re.Match[str], own: str) -> str:
    source = ELSEWHERE.get(own, f"docs/{own}")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[1]))
    pages = {path: page for page, path in ELSEWHERE.items()}
    page = pages.get(target) or (target.removeprefix("docs/") if target.startswith("docs/") else "")
    if page and not (ROOT / target).is_dir():
        return f"]({posixpath.relpath(page, posixpath.dirname(own) or '.')}{found[2] or ''})"
    kind = "tree" if (ROOT / target).is_dir() else "blob"
    return f"]({REPOSITORY}/{kind}/main/{target}{found[2] or ''})"
