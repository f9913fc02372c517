"""The os-release file of an image (os-release(5)): shell-like assignments, read as data and never run."""

import re

MAX_KEYS = 200
"""Assignments looked at; real files have fewer than 30."""
MAX_VALUE = 1_000
"""Characters of a value that are kept."""

_ASSIGNMENT = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)")
_ESCAPED = re.compile(r"\\([\\\"'$`])")


def parse_os_release(content: bytes) -> dict[str, str]:
    """Return the assignments of an os-release file; lines that are none are left out, expansions stay as written."""
    found: dict[str, str] = {}
    for line in content.decode("utf-8", "replace").splitlines():
        match = _ASSIGNMENT.fullmatch(line)
        if match and len(found) < MAX_KEYS:
            found[match[1]] = _unquoted(match[2].strip())[:MAX_VALUE]
    return found


def _unquoted(value: str) -> str:
    """Take quotes off as a shell would: backslashes are literal within single quotes."""
    if value[:1] == "'":
        return value[1:].partition("'")[0]
    if value[:1] == '"':
        end = re.match(r'"((?:[^"\\]|\\.)*)', value)
        value = end[1] if end else ""
    return _ESCAPED.sub(r"\1", value)
