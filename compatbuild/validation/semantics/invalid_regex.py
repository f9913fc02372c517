"""A pattern that Go's regular expressions do not take: NFD ends the whole check with an error."""

import math
import re
from collections.abc import Iterator

from compatbuild.nfd.comparison import is_pattern
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline, Text
from compatbuild.validation.words import shown

_FOREIGN = {
    "(?=": "look-ahead",
    "(?!": "negative look-ahead",
    "(?<=": "look-behind",
    "(?<!": "negative look-behind",
    "(?>": "an atomic group",
    "(?#": "a comment",
    r"\Z": r"\Z (write \z)",
    r"\1": "a back-reference",
    "*+": "a possessive quantifier",
    "++": "a possessive quantifier",
}
"""What other dialects have and RE2 has not."""

MAX_COST = 50_000
"""Characters of all patterns, repetitions multiplied out. ``\\pL{1000}`` costs 8,000, and RE2 half a second."""

_REPEAT = re.compile(r"\{([0-9]{1,4})")


def _check(outline: Outline) -> Iterator[Problem]:
    left = MAX_COST
    for value in _patterns(outline):
        left -= _cost(value.text)
        if left < 0:
            yield Problem(value.place, "the patterns up to here are too costly to check", "use fewer repetitions")
            return
        if not is_pattern(value.text):
            yield Problem(value.place, f"{shown(value.text)} is no regular expression in Go's syntax{_why(value.text)}")


def _patterns(outline: Outline) -> Iterator[Text]:
    for expression in outline.expressions:
        if expression.operator == "InRegexp":
            yield from expression.values or ()


def _cost(pattern: str) -> int:
    repeats = [int(count) or 1 for count in _REPEAT.findall(pattern)]
    # No more factors than it takes to be over the limit for sure.
    return len(pattern) * math.prod(sorted(repeats, reverse=True)[:20])


def _why(pattern: str) -> str:
    found = [name for sign, name in _FOREIGN.items() if sign in pattern]
    return f": it has no {found[0]}" if found else ""


RULE = Rule(
    id="invalid-regex",
    title="A regular expression that Go does not take",
    severity=Severity.ERROR,
    remedy="write it in RE2 syntax: https://github.com/google/re2/wiki/Syntax",
    check=_check,
)
