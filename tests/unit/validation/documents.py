"""Whole specifications from the short examples of docs/validation.md, and the examples themselves."""

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

from compatbuild.validation import Issue, validate

DOCS = Path(__file__).parents[3] / "docs" / "validation.md"

_SECTION = re.compile(
    r"^## (?P<id>[a-z-]+)\n\*\*(?P<title>[^\n]*)\*\* \((?P<severity>error|warning)\)\n\n(?P<what>.*?)\n\n"
    r"Remedy: (?P<remedy>.*?)\.\n\nBefore:\n```yaml\n(?P<before>.*?)\n```\nAfter:\n```yaml\n(?P<after>.*?)\n```\n",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Section:
    """One section of the page about validation."""

    id: str
    title: str
    severity: str
    what: str
    remedy: str
    before: str
    after: str


def sections() -> dict[str, Section]:
    """Return the sections by rule."""
    found = [Section(**match.groupdict()) for match in _SECTION.finditer(DOCS.read_text(encoding="utf-8"))]
    return {section.id: section for section in found}


def whole(example: str) -> str:
    """Return the specification that an example is a part of: terms, rules, sets, or all of it."""
    if example.startswith("- feature:"):
        return whole('- name: "example"\n  matchFeatures:\n' + indent(example, "    "))
    if re.match(r"- (name|matchFeatures|matchAny|vars)", example):
        return whole("- rules:\n" + indent(example, "    "))
    if re.match(r"- (rules|tag|weight|description)", example):
        return 'version: "v1alpha1"\ncompatibilities:\n' + indent(example, "  ") + "\n"
    return example


def issues(example: str) -> tuple[Issue, ...]:
    """Validate an example as part of a whole specification."""
    return validate(whole(example).encode())


def rule_ids(example: str) -> list[str]:
    """Return the rules that an example breaks, in the order of its text."""
    return [issue.rule for issue in issues(example)]
