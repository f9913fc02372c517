"""What is wrong with a specification, for people: file, line and column first, so that an editor finds it."""

from collections.abc import Sequence

from compatbuild.report.text import plain
from compatbuild.validation.issue import Issue


def listing(issues: Sequence[Issue], specs: Sequence[str]) -> str:
    """Return one paragraph an issue and a last line that counts them."""
    lines = []
    for issue in issues:
        place = f"{plain(issue.name)}:{issue.line}:{issue.column}"
        lines.append(f"{place}: {issue.severity.value}: {plain(issue.message)} [{issue.rule}]")
        lines.append(f"    try: {plain(issue.remedy)}")
    errors = sum(1 for issue in issues if issue.severity.value == "error")
    warnings = len(issues) - errors
    checked = f"{len(specs)} specification{'s' if len(specs) != 1 else ''}"
    if not issues:
        lines.append(f"{checked}, nothing to find fault with")
    else:
        lines.append(f"{checked}: {_count(errors, 'error')}, {_count(warnings, 'warning')}")
    return "\n".join(lines) + "\n"


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
