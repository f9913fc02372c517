"""Verdicts as SARIF: a result for each host on which an image does not run, or may not."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from compatbuild.checking.deciding import MAX_VALUES, set_name
from compatbuild.checking.verdicts import Checked, ExpressionVerdict, HostVerdict, NeedVerdict, RuleVerdict, Verdict
from compatbuild.errors import CompatError
from compatbuild.report.sarif import Level, Location, Result, Rule, sarif
from compatbuild.report.text import plain
from compatbuild.report.verdicts import wanted
from compatbuild.validation.issue import Place
from compatbuild.validation.outline import Expression, Outline, RuleOutline
from compatbuild.validation.source import read

LEVELS: dict[Verdict, Level] = {
    Verdict.INCOMPATIBLE: "error",
    Verdict.UNKNOWN: "warning",
    Verdict.DEPENDS: "note",
}
HELP = (
    "An error: the image does not run on that host. A warning: nobody knows, as the host does not tell. A note: it "
    "depends on what a node has loaded by then, or on its hardware and drivers. See docs/check.md."
)
MAX_FEATURE = 100  # characters of a feature's name in a rule's id


def document(checked: Sequence[Checked], content: Callable[[Path], bytes]) -> dict[str, Any]:
    """Return the SARIF log of these verdicts; ``content`` reads a specification again for the lines of expressions."""
    return sarif(tuple(results(checked, content)))


def results(checked: Sequence[Checked], content: Callable[[Path], bytes]) -> Iterator[Result]:
    """Yield a result for each verdict that is not ``compatible``, at the expression that decides it."""
    for one in checked:
        outline = _outline(one, content)
        for host in one.hosts:
            if host.verdict is not Verdict.COMPATIBLE:
                yield _result(one, host, outline)


def _outline(one: Checked, content: Callable[[Path], bytes]) -> Outline | None:
    file = Path(one.subject.name)
    if one.subject.kind != "spec" or not file.is_file():  # a pipe cannot be read twice
        return None
    try:
        return Outline(read(content(file)))
    except CompatError:  # it was read once, and is gone or another by now
        return None


def _result(one: Checked, host: HostVerdict, outline: Outline | None) -> Result:
    deciding = host.deciding
    rule, text = told(deciding)
    place = _place(outline, host, deciding) if outline else None
    chosen = host.chosen
    names = [one.subject.name, *([set_name(chosen)] if chosen else []), rule.id]
    return Result(
        rule=rule,
        level=LEVELS[host.verdict],
        message=f"{one.subject.name} on {host.name}: {host.verdict}. {text}",
        location=Location(
            one.subject.name if one.subject.kind in {"spec", "report"} else "",
            place.line if place else 0,
            place.column if place else 0,
            tuple(names),
        ),
        identity=(one.subject.name, host.name, rule.id),
        properties={"host": host.name, "verdict": host.verdict.value, "fidelity": host.fidelity},
    )


def told(deciding: ExpressionVerdict | NeedVerdict | RuleVerdict | None) -> tuple[Rule, str]:
    """Return the rule of a result, and what is wanted, what was found, why that does not do, and what to do."""
    if isinstance(deciding, ExpressionVerdict):
        reason = f"{deciding.reason} ({deciding.detail})" if deciding.detail else deciding.reason
        found = ", ".join(deciding.found[:MAX_VALUES])
        return _rule(deciding.feature.lower()), _sentences(wanted(deciding), found, reason, deciding.remedy)
    if isinstance(deciding, NeedVerdict):
        text = _sentences(deciding.wanted, deciding.found, deciding.reason, deciding.remedy)
        return _rule(deciding.id.partition(".")[0]), text
    name, reason = (deciding.name, deciding.reason) if deciding else ("", "")
    return Rule("rule", "A rule cannot be evaluated", HELP), _sentences(f"rule {name}", "", reason, "")


def _rule(about: str) -> Rule:
    name = plain(about, MAX_FEATURE)
    return Rule(name, f"A host lacks what the image needs of {name}, or may lack it", HELP)


def _sentences(asked: str, found: str, reason: str, remedy: str) -> str:
    parts = [f"Wanted: {asked}.", f"Found: {found}." if found else "", f"Why: {reason}." if reason else ""]
    return " ".join(filter(None, [*parts, f"Try: {remedy}." if remedy else ""]))


def _place(
    outline: Outline, host: HostVerdict, deciding: ExpressionVerdict | NeedVerdict | RuleVerdict | None
) -> Place | None:
    """Return where the author wrote what decides: the expression, else its rule."""
    if host.chosen is None or isinstance(deciding, NeedVerdict):
        return None
    chosen = host.sets.index(host.chosen)
    number = next((at for at, rule in enumerate(host.chosen.rules) if rule.verdict is host.verdict), None)
    if number is None or chosen >= len(outline.sets) or number >= len(outline.sets[chosen].rules):
        return None
    rule = outline.sets[chosen].rules[number]
    found = _expression(rule, deciding) if isinstance(deciding, ExpressionVerdict) else None
    return found.place if found else rule.place


def _expression(rule: RuleOutline, row: ExpressionVerdict) -> Expression | None:
    """Return the expression of a rule that a row is about; of several with one name, the one that asks for the same."""
    named = [
        expression
        for term in rule.all_terms
        for expression in term.all_expressions
        if expression.feature == row.feature.lower()
        and (expression.element.text if expression.element else "") == row.name
    ]
    same = (one for one in named if (one.operator, one.texts) == (row.op, row.value))
    return next(same, named[0] if named else None)
