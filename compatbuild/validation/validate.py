"""All problems of a specification in one run, in the order of its text."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from compatbuild.nfd.tree import MalformedError
from compatbuild.validation.issue import Issue, Place, make_issue
from compatbuild.validation.outline import Outline
from compatbuild.validation.schema import SPEC_SCHEMA, load, schema_issues
from compatbuild.validation.semantics import rules
from compatbuild.validation.source import Source, read
from compatbuild.validation.spelling import Spelling

NOT_YAML = "not-yaml"

MAX_ISSUES = 500
"""Issues looked for at most, by each rule and in all: nobody reads more, and a hostile document could have 100,000."""


def validate(text: bytes, name: str = "-") -> tuple[Issue, ...]:
    """Return everything that is wrong with a specification, sorted by position; nothing when it is good.

    Never raises for what is in the text: YAML that does not parse, or goes over a limit, is an issue like any other.
    ``name`` is what the issues call the document.
    """
    try:
        source = read(text)
    except MalformedError as error:
        at = Place(error.place.line, error.place.column, "")
        return (make_issue(NOT_YAML, at, error.why, remedy=error.remedy, name=name),)
    found = {(issue.line, issue.column, issue.rule, issue.path): issue for issue in _issues(source, name)}
    return tuple(found[key] for key in sorted(found))[:MAX_ISSUES]


def _issues(source: Source, name: str) -> Iterator[Issue]:
    if source.root is not None:
        spelling = Spelling(load(SPEC_SCHEMA), name, [])
        source = replace(source, root=spelling.corrected(source.root))
        yield from spelling.issues[:MAX_ISSUES]
    outline = Outline(source)
    semantic = [rule.issue(found, name) for rule in rules() for found in islice(rule.check(outline), MAX_ISSUES)]
    yield from semantic
    if source.root is None:
        return
    # Where a semantic rule has spoken about a value, it has said it better.
    known = {issue.path for issue in semantic}
    yield from (issue for issue in islice(schema_issues(source.root, name), MAX_ISSUES) if issue.path not in known)
