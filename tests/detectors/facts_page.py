"""The page about facts, made from the table of facts: ``python -m tests.detectors.facts_page`` writes it."""

from pathlib import Path

from compatbuild.detectors import discover
from compatbuild.model.facts import FACTS, Merge

PAGE = Path(__file__).parents[2] / "docs" / "facts.md"
INTRODUCTION = """# Facts

What a report states about an image, by name. Names are only ever added. Every fact names the findings it comes from and
carries the confidence of the surest of them.

When several findings state the same fact:

{rules}

| fact | value | several | stated by |
|---|---|---|---|
"""
RULES = {
    Merge.SAME: "the surest finding's value stands, and a disagreement among equally sure ones is reported",
    Merge.MAX: "the highest stands, compared by its numbers",
    Merge.UNION: "the lists are joined, sorted, without duplicates",
}


def page() -> str:
    """Return the whole page."""
    stated: dict[str, list[str]] = {name: [] for name in FACTS}
    for detector in discover():
        for name in detector.facts:
            stated[name].append(f"[{detector.id}]({detector.docs})")
    rules = "\n".join(f"- `{merge.value}`: {text}." for merge, text in RULES.items())
    rows = [f"| `{f.name}` | {f.doc} | {f.merge.value} | {', '.join(stated[f.name]) or '–'} |" for f in FACTS.values()]
    return INTRODUCTION.format(rules=rules) + "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
