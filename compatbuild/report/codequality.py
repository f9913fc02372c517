"""Problems of specifications as GitLab's code quality report: a list of places, shown in a merge request.

The fields are those of GitLab's documentation ("Code Quality report format"): the fingerprint tells problems apart from
one run to the next, and a path is relative to the repository, without ``./``.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from compatbuild.report.text import plain
from compatbuild.validation.issue import Issue, Severity

SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor"}
"""Of GitLab's info, minor, major, critical and blocker."""


def document(issues: Sequence[Issue]) -> list[dict[str, Any]]:
    """Return the report; the fingerprint of a problem stays the same when lines move."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for issue in issues:
        path = _relative(issue.name)
        identity = (path, issue.rule, issue.path, issue.message)
        seen[identity] += 1
        parts = "\0".join((*identity, str(seen[identity])))
        value = {
            "description": plain(f"{issue.message}; {issue.remedy}"),
            "check_name": issue.rule,
            "fingerprint": hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest(),
            "severity": SEVERITIES[issue.severity],
            "location": {"path": plain(path), "lines": {"begin": issue.line}},
        }
        found.append(value)
    return found


def _relative(name: str) -> str:
    """Return a file as GitLab names it: relative to the current directory where it lies in it."""
    path = Path(os.path.normpath(name))
    here = Path.cwd()
    return (path.relative_to(here) if path.is_relative_to(here) else path).as_posix()
