"""Whether an answer is the expected one."""

from __future__ import annotations

import json

from tests.hostile.case import Case
from tests.unit.report.building import harmless


def wrong(case: Case, code: int, out: str, err: str) -> str:
    """Return what is wrong with how ``infer -o json`` ended; an empty text when nothing is."""
    if "Traceback" in err or "Traceback" in out:
        return f"a traceback: {err[-3000:]}"
    if code != case.code:
        return f"exit code {code}, not {case.code}: {err[:1000]}"
    if not harmless(out + err):
        return "a control character reached the terminal"
    if code:
        return _error(case, out, err)
    if bool(err) != bool(case.said) or any(text not in err for text in case.said):
        return f"this was said: {err[:1000]!r}"
    return _report(case, out)


def _error(case: Case, out: str, err: str) -> str:
    if out:
        return f"something was printed: {out[:200]}"
    error = json.loads(err)
    if error["exit_code"] != case.code or not (error["what"] and error["why"] and error["remedy"]):
        return f"an error says what, why and what to do: {error}"
    missing = [text for text in case.told if text not in f"{error['what']}\n{error['why']}\n{error['remedy']}"]
    return f"{missing} is not told: {err[:1000]}" if missing else ""


def _report(case: Case, out: str) -> str:
    report = json.loads(out)
    facts = {name: fact["value"] for name, fact in report["facts"].items()}
    for name, value in case.facts.items():
        if facts.get(name) != value:
            return f"{name} is {facts.get(name)!r}, not {value!r}; {list(facts)}; limits {report['limits'][:5]}"
    for name in case.absent:
        if name in facts:
            return f"{name} is {facts[name]!r}, and should not be there"
    limits, skipped = "\n".join(report["limits"]), json.dumps(report["skipped"])
    missing = [text for text in case.limits if text not in limits] + [t for t in case.skipped if t not in skipped]
    if missing:
        return f"{missing} is not said: {limits[:1000]} {skipped[:1000]}"
    if not case.skipped and report["skipped"]:
        return f"something was skipped: {skipped[:1000]}"
    return ""
