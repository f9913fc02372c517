"""``rule.matched``: variables of earlier rules, which NFD's client and its master do not store alike."""

from collections.abc import Iterator

from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown

FEATURE = "rule.matched"


def _check(outline: Outline) -> Iterator[Problem]:
    known: set[str] = set()
    templates = False
    for rule in outline.rules:
        for term in rule.all_terms:
            if term.feature is None or term.feature.text.lower() != FEATURE:
                continue
            names = [expression.element.text for expression in term.expressions if expression.element]
            unset = [name for name in names if name not in known]
            if unset and not templates:
                yield Problem(term.feature.place, f"no earlier rule sets {shown(unset[0])}", severity=Severity.ERROR)
            else:
                yield Problem(
                    term.feature.place,
                    "variables of an earlier rule depend on how it was evaluated: after a failed matchAny the client "
                    "stores them, nfd-master does not",
                )
        known |= rule.variables
        templates = templates or rule.template is not None


RULE = Rule(
    id="rule-matched",
    title="Variables of another rule",
    severity=Severity.WARNING,
    remedy="repeat the earlier rule's terms here",
    check=_check,
)
