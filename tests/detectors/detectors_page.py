"""The table of all detectors, made from the detectors: ``python -m tests.detectors.detectors_page`` writes it."""

from pathlib import Path

from compatbuild.detectors import discover

PAGE = Path(__file__).parents[2] / "docs" / "detectors" / "README.md"
INTRODUCTION = """# Detectors

A detector looks at what an image holds and concludes what that asks of a host. Each has a page: what it looks at, what
it concludes and how surely, what it deliberately does not conclude, and what the specification then says.
`compatbuild detector explain ID` prints the same from the installed tool.

| detector | finds | states facts | asks NFD for |
|---|---|---|---|
"""


def page() -> str:
    """Return the whole page."""
    rows = [
        f"| [{d.id}]({d.id}.md) | {d.title} | {_listed(d.facts)} | {_listed(d.features)} |"
        for d in discover()
        if d.docs == f"detectors/{d.id}.md"
    ]
    return INTRODUCTION + "\n".join(rows) + "\n"


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "–"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
