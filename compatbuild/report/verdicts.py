"""The verdicts of one check: for programs as ``compatbuild.verdict/v1``, for people one host at a time."""

from collections.abc import Iterator, Sequence
from typing import Any

from compatbuild.checking import deciding
from compatbuild.checking.deciding import MAX_PATTERN, MAX_VALUES, set_name
from compatbuild.checking.verdicts import (
    Checked,
    ExpressionVerdict,
    HostVerdict,
    NeedVerdict,
    RuleVerdict,
    SetVerdict,
    Subject,
    Verdict,
)
from compatbuild.report.text import plain

MARKS = {Verdict.COMPATIBLE: "+", Verdict.INCOMPATIBLE: "-", Verdict.DEPENDS: "~", Verdict.UNKNOWN: "?"}
"""What stands before a line of an explanation, so that no colour is needed to read it."""


def as_value(checked: Checked) -> dict[str, Any]:
    """Return the verdicts as the JSON value ``compatbuild.verdict/v1``."""
    return {
        "schema": "compatbuild.verdict/v1",
        "subject": _subject(checked.subject),
        "hosts": [_host(one) for one in checked.hosts],
    }


def as_values(checked: Sequence[Checked]) -> dict[str, Any]:
    """Return one subject's verdicts as they are, those of several as ``compatbuild.matrix/v1``."""
    if len(checked) == 1:
        return as_value(checked[0])
    return {"schema": "compatbuild.matrix/v1", "verdicts": [as_value(one) for one in checked]}


def explanation(checked: Checked) -> str:
    """Return every expression of every host: what is wanted, what was found, why, and what to do."""
    lines: list[str] = []
    for one in checked.hosts:
        lines += [*_told(one), ""]
    lines += [f"note: {plain(text)}" for text in checked.subject.information]
    return "\n".join(lines).rstrip("\n") + "\n"


def wanted(row: ExpressionVerdict) -> str:
    """Return what an expression asks for, short enough to be read."""
    name = row.name or "any name"
    values = [one if len(one) <= MAX_PATTERN else f"{one[: MAX_PATTERN - 1]}…" for one in row.value[:MAX_VALUES]]
    more = f" and {len(row.value) - MAX_VALUES} more" if len(row.value) > MAX_VALUES else ""
    asked = " ".join(filter(None, (row.op, ", ".join(values) + more, f"({row.type})" if row.type else "")))
    return plain(f"{row.feature} {name} {asked}".rstrip())


def because(one: HostVerdict) -> str:
    """Return the deciding expression of a host in one line; of a compatible host, which set fits."""
    return ": ".join(filter(None, decided(one)))


def decided(one: HostVerdict) -> tuple[str, str]:
    """Return what decides about a host, and how it does (empty for a compatible one)."""
    what, how = deciding.decided(one)
    return plain(what), plain(how)


def _told(one: HostVerdict) -> Iterator[str]:
    yield plain(f"{one.name} ({one.kind}, {one.fidelity}): {one.verdict}")
    for item in one.sets:
        counts = " [counts]" if item is one.chosen and len(one.sets) > 1 else ""
        yield plain(f"  {set_name(item)}: {item.verdict}{counts}")
        for rule in item.rules:
            yield plain(f"    rule {rule.name}: {rule.verdict}{f' ({rule.reason})' if rule.reason else ''}")
            yield from _rows(rule.expressions, "      ")
            for at, branch in enumerate(rule.branches, 1):
                yield f"      {'either' if at == 1 else 'or'}"
                yield from _rows(branch, "        ")
    for need in one.needs:
        yield plain(f"  {MARKS[need.verdict]} {need.wanted}: {need.reason}")
        yield from _advice(need, "    ")


def _rows(rows: Sequence[ExpressionVerdict], indent: str) -> Iterator[str]:
    for row in rows:
        found = f"; found {', '.join(row.found[:MAX_VALUES])}" if row.found else ""
        reason = f": {row.reason}" if row.reason else ""
        reason += f" ({row.detail})" if row.detail else ""
        yield f"{indent}{MARKS[row.verdict]} {wanted(row)}{plain(found + reason)}"
        yield from _advice(row, f"{indent}  ")


def _advice(row: ExpressionVerdict | NeedVerdict, indent: str) -> Iterator[str]:
    if row.verdict is Verdict.COMPATIBLE:
        return
    if row.source:
        yield f"{indent}source: {plain(row.source)}"
    if row.remedy:
        yield f"{indent}try: {plain(row.remedy)}"


def _subject(one: Subject) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "digest": one.digest,
        "spec": one.spec,
        "level": one.level,
        "verified": one.verified,
        "report": one.report,
        "information": list(one.information),
    }


def _host(one: HostVerdict) -> dict[str, Any]:
    chosen = one.chosen
    return {
        "name": one.name,
        "kind": one.kind,
        "fidelity": one.fidelity,
        "verdict": one.verdict.value,
        "reason": because(one),
        "set": next((at for at, item in enumerate(one.sets) if item is chosen), None),
        "sets": [_set(item) for item in one.sets],
        "requirements": [_need(need) for need in one.needs],
    }


def _set(one: SetVerdict) -> dict[str, Any]:
    return {
        "tag": one.tag,
        "weight": one.weight,
        "description": one.description,
        "verdict": one.verdict.value,
        "rules": [_rule(rule) for rule in one.rules],
    }


def _rule(rule: RuleVerdict) -> dict[str, Any]:
    rows = [_expression(row, None) for row in rule.expressions]
    rows += [_expression(row, at) for at, branch in enumerate(rule.branches) for row in branch]
    return {"name": rule.name, "verdict": rule.verdict.value, "reason": rule.reason, "expressions": rows}


def _expression(row: ExpressionVerdict, branch: int | None) -> dict[str, Any]:
    return {
        "feature": row.feature,
        "name": row.name,
        "op": row.op,
        "value": list(row.value),
        "type": row.type,
        "branch": branch,
        "present": row.present,
        "found": list(row.found),
        "verdict": row.verdict.value,
        "reason": row.reason,
        "detail": row.detail,
        "remedy": row.remedy,
        "source": row.source,
    }


def _need(need: NeedVerdict) -> dict[str, Any]:
    return {
        "id": need.id,
        "wanted": need.wanted,
        "found": need.found,
        "verdict": need.verdict.value,
        "reason": need.reason,
        "remedy": need.remedy,
        "source": need.source,
    }
