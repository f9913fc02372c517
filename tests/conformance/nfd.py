"""Compare our decoder and matcher with NFD's own verdicts: ``python -m tests.conformance.nfd FILE.jsonl[.gz]``.

A corpus has one JSON object a line: ``id``, ``features``, ``spec`` or ``spec_yaml``, perhaps ``tags``, and ``expect``
with the ``stage`` in which NFD ended (empty, ``parse``, ``evaluate`` or ``panic``), its ``error_classes``, the verdict
of each set (``sets``, a set being the AND of its rules; ``any``) and the variables (``vars``) left behind.

With ``--status``, the status document that NFD printed (``status``, where a case has one) is compared too, byte for
byte as Go writes it.

A case agrees when the stage, the verdicts and the variables are the same and every class of error seen in NFD is one
we say it may stop with. A case with a ``varsTemplate`` agrees when it is found unsupported. Prints each difference and
``agree A of N``; exit code 0 only when all agree, 1 otherwise, 2 when the corpus cannot be read.
"""

import argparse
import gzip
import json
import sys
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from compatbuild.checking.nfd_status import status_document
from compatbuild.errors import SpecError
from compatbuild.nfd.comparison import Fault
from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Evaluation, Outcome
from compatbuild.nfd.wire import Spec

PANICS = frozenset({Fault.NULL_EXPRESSION, Fault.NULL_VARIABLES})
GO_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}
"""What Go's ``json.Marshal`` escapes so that a document can stand in HTML."""
MAX_DIFFERENCES = 50  # printed; all are counted


def cases(path: Path) -> Iterator[dict[str, Any]]:
    """Give the cases of a corpus, packed or not."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.strip():
                yield json.loads(line)


def difference(case: dict[str, Any], *, status: bool = False) -> str:
    """Say how our answer to a case, with ``status`` our document too, differs from NFD's; empty when it does not."""
    expect = case["expect"]
    try:
        spec = decode(case["spec_yaml"] if "spec_yaml" in case else json.dumps(case["spec"], ensure_ascii=False))
    except SpecError as error:
        return "" if expect["stage"] == "parse" else f"NFD reads it, we do not: {error.what}: {error.why}"
    if expect["stage"] == "parse":
        return f"we read it, NFD does not: {expect['errors']}"
    tags = case.get("tags") or ()
    features = Features.from_document(case["features"])
    ours = evaluate(spec, features, tags=tags)
    if _templated(spec, tags):
        outcomes = {rule.outcome for item in ours.sets for rule in item.rules}
        return "" if Outcome.UNSUPPORTED in outcomes else "a template went unnoticed"
    text = _verdicts(ours, expect)
    if status and not text and expect["stage"] == "":
        return _status(status_document(spec, features, tags=tags), expect.get("status"))
    return text


def _status(ours: str, recorded: Any) -> str:
    if recorded is None:  # the corpus may be recorded without
        return ""
    theirs = json.dumps(recorded, ensure_ascii=False, separators=(",", ":")).translate(GO_ESCAPES)
    return "" if ours == theirs else f"NFD prints {theirs}, we print {ours}"


def _templated(spec: Spec, tags: Sequence[str]) -> bool:
    return any(
        rule.vars_template for item in spec.compatibilities if not tags or item.tag in tags for rule in item.rules
    )


def _verdicts(ours: Evaluation, expect: dict[str, Any]) -> str:
    faults = next((rule.faults for item in ours.sets for rule in item.rules if rule.faults), ())
    stages = {"panic" if fault in PANICS else "evaluate" for fault in faults} or {""}
    if expect["stage"] not in stages:
        return f"NFD ends in stage {expect['stage']!r} ({expect['errors']}), we in {sorted(stages)} ({list(faults)})"
    if expect["stage"]:
        strange = set(expect["error_classes"]) - set(faults)
        return f"NFD reports {sorted(strange)}, we know of {list(faults)}" if strange else ""
    sets = [item.outcome == Outcome.TRUE for item in ours.sets]
    if sets != expect["sets"] or any(sets) != expect["any"]:
        return f"NFD says {expect['sets']}, we say {sets}"
    variables = expect.get("vars") or {}
    return "" if dict(ours.variables) == variables else f"NFD keeps {variables}, we keep {dict(ours.variables)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives its exit code."""
    parser = argparse.ArgumentParser(prog="tests.conformance.nfd", description="Compare verdicts with NFD's own.")
    parser.add_argument("corpus", type=Path, metavar="FILE.jsonl[.gz]")
    parser.add_argument("--status", action="store_true", help="compare NFD's status documents too")
    options = parser.parse_args(arguments)
    path = options.corpus
    total, differences = 0, 0
    try:
        for case in cases(path):
            total += 1
            if text := difference(case, status=options.status):
                differences += 1
                if differences <= MAX_DIFFERENCES:
                    _say(f"{case['id']}: {text}")
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"{path}: not a corpus: {error!r}\n")
        return 2
    _say(f"agree {total - differences} of {total}")
    return 0 if total and not differences else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
