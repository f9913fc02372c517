"""What is wrong with specifications as SARIF: a result for each problem, where its author wrote it."""

from collections.abc import Iterator, Sequence

from compatbuild.report.sarif import Level, Location, Result, Rule
from compatbuild.validation.issue import Issue, Severity

LEVELS: dict[Severity, Level] = {Severity.ERROR: "error", Severity.WARNING: "warning"}
NOT_FILES = frozenset({"-", "stdin"})


def results(issues: Sequence[Issue]) -> Iterator[Result]:
    """Yield a result for each issue."""
    for issue in issues:
        file = "" if issue.name in NOT_FILES else issue.name
        yield Result(
            rule=Rule(issue.rule, f"A specification breaks the rule {issue.rule}", f"See {issue.docs}."),
            level=LEVELS[issue.severity],
            message=f"{issue.message}. Try: {issue.remedy}.",
            location=Location(file, issue.line, issue.column, (issue.name, issue.path or "/")),
            identity=(issue.name, issue.rule, issue.path),
        )
