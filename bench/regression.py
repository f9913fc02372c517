"""Fail when inference has become dearer: ``python -m bench.regression``, or ``make bench-regression``.

What is compared is processor time as a multiple of what isal in Python (zstd for zstd) takes for the same layers in
the same run, which depends little on the machine, with what ``ratios.json`` has; ``--update`` records it anew.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.__main__ import machine
from bench.contents import CORPUS
from bench.corpus import Stored, stored
from bench.images import inference, warmed, yardsticks
from bench.layers import ZSTD
from bench.measure import BenchError, in_turn

RECORDED = Path(__file__).with_name("ratios.json")
ALLOWED = 1.1
"""How many times the recorded multiple is no regression yet."""
TRIES = 3
"""Rounds of runs before an image counts as dearer: whatever else the machine does only ever adds."""


def ratio(image: Stored, runs: int) -> float:
    """Return an inference's processor time as a multiple of decompression's, each the least of some runs."""
    module = "zstd" if image.compression == ZSTD else "isal"
    ruler = yardsticks(image)[f"{module} in Python"]
    costs = in_turn({"infer": inference(image), "ruler": ruler}, runs)
    return min(cost.cpu for cost in costs["infer"]) / min(cost.cpu for cost in costs["ruler"])


def lowest(image: Stored, runs: int, enough: float) -> float:
    """Return the least ratio of some tries, of which there are no more once it is low enough."""
    warmed(image)
    found = ratio(image, runs)
    for _ in range(TRIES - 1):
        if found <= enough:
            break
        found = min(found, ratio(image, runs))
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 when an image became dearer or is not recorded."""
    parser = argparse.ArgumentParser(prog="python -m bench.regression", description="Fail when inference is dearer.")
    parser.add_argument("--update", action="store_true", help=f"write {RECORDED.name} anew")
    parser.add_argument("--runs", type=int, default=3, help="runs of each command (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    recorded = json.loads(RECORDED.read_text("utf-8"))
    known: dict[str, float] = {} if chosen.update else recorded["ratios"]
    found: dict[str, float] = {}
    for image in (one for one in CORPUS if not one.large):
        try:
            # What is recorded is worth all the tries.
            found[image.name] = round(lowest(stored(image), chosen.runs, known.get(image.name, 0) * ALLOWED), 2)
        except (BenchError, OSError) as error:
            print(f"{image.name:12} not measured: {error}", file=sys.stderr)
    if chosen.update:
        RECORDED.write_text(f"{json.dumps(document(found), indent=2)}\n", "utf-8")
        known = found
    for name, value in found.items():
        print(f"{name:12} {value:6.2f} times, recorded {known.get(name, 0):6.2f}")
    dearer = regressed(found, known)
    if dearer:
        told = f"Dearer by more than {ALLOWED - 1:.0%} than on {recorded['machine']['cpu']}: {', '.join(dearer)}"
        print(f"{told}\nIf that is meant to be so: python -m bench.regression --update", file=sys.stderr)
    return int(bool(dearer) or not found)


def regressed(found: dict[str, float], recorded: dict[str, float]) -> list[str]:
    """Return the images that are dearer than recorded, or not recorded."""
    return [name for name, value in found.items() if value > recorded.get(name, 0) * ALLOWED]


def document(ratios: dict[str, float]) -> dict[str, Any]:
    """Return what is checked in."""
    return {"what": "CPU seconds of infer by those of isal (zstd) in Python", "machine": machine(), "ratios": ratios}


if __name__ == "__main__":
    sys.exit(main())
