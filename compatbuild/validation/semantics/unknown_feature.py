"""A feature that NFD does not publish: the term is false on every host."""

from collections.abc import Iterator

from compatbuild.nfd.catalogue import catalogue
from compatbuild.validation.issue import Problem, Rule, Severity
from compatbuild.validation.outline import Outline
from compatbuild.validation.words import shown


def _check(outline: Outline) -> Iterator[Problem]:
    for term in outline.terms:
        if term.feature is not None and catalogue().feature(term.feature.text) is None:
            near = next(iter(catalogue().near(term.feature.text)), None)
            message = f"NFD has no feature {shown(term.feature.text)}"
            if near is None:
                yield Problem(term.feature.place, message)
            else:
                yield Problem(term.feature.place, f"{message} (did you mean {shown(near)}?)", f"write {shown(near)}")


RULE = Rule(
    id="unknown-feature",
    title="A feature that NFD does not have",
    severity=Severity.ERROR,
    remedy="use a feature of NFD's; what a feature file of your own says is under local.label and local.feature",
    check=_check,
)
