"""Infer from real packages, and print what was right: exit 1 when something is missing or wrongly said."""

import argparse
import sys
import time

from tests.ground_truth import judges, table
from tests.ground_truth.cases import Case, cases
from tests.ground_truth.images import inferred
from tests.ground_truth.sources import UnavailableError
from tests.ground_truth.verdict import judge


def main(arguments: list[str]) -> int:
    """Run the cases that are asked for; 1 when one of them failed, could not be run, or a judge disagrees."""
    parser = argparse.ArgumentParser(prog="python -m tests.ground_truth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only small packages, as in the tests")
    parser.add_argument("--no-judges", action="store_true", help="do not ask readelf, go and cuobjdump")
    parser.add_argument("names", nargs="*", help="cases to run; all without any")
    wish = parser.parse_args(arguments)
    chosen = [
        case for case in cases() if (case.quick or not wish.quick) and (not wish.names or case.name in wish.names)
    ]
    done = []
    for case in chosen:
        sys.stderr.write(f"{case.name} …\n")
        done.append(run(case, ask=not wish.no_judges))
    sys.stdout.write(f"{table.results(done)}\n\n{table.scores(done)}\n")
    return int(any(_failed(result) for result in done) or not done)


def run(case: Case, *, ask: bool) -> table.Result:
    """Run one case, and the judges if asked to."""
    begun = time.monotonic()
    try:
        with inferred(case) as image:
            seconds = time.monotonic() - begun
            verdict = judge(case, image.report)
            return table.Result(case, verdict, seconds=seconds, tallies=list(judges.tallies(image)) if ask else [])
    except UnavailableError as error:
        return table.Result(case, problem=str(error))


def _failed(result: table.Result) -> bool:
    return result.verdict is None or not result.verdict.passed or any(t.disagreements for t in result.tallies)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
