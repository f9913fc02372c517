"""Time inference on an image against decompressing its layers: ``python -m bench``, or ``make bench``.

All commands are run in turn, several times over, so that each meets the machine in the same moods; the table shows
medians. ``out/bench.json`` holds every figure.
"""

import argparse
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.layers import gzip_layers
from bench.measure import BenchError, Cost, median, once

INFER, ZLIB = "compatbuild infer", "zlib in Python"
MOST_TIMES_ZLIB = 2.0
MOST_MEMORY = 150.0
"""The aims: at most twice the time of stdlib zlib, in less than 150 MB."""


def commands(layout: Path, tag: str, docker: str = "") -> dict[str, list[str]]:
    """Return what is measured, by the name it has in the table; ``docker`` is the same image's name in a daemon."""
    layers = [str(layer) for layer in gzip_layers(layout, tag)]
    tool = str(Path(sys.executable).with_name("compatbuild"))
    daemon = {"infer docker:": [tool, "infer", f"docker:{docker}", "-o", "json"]} if docker else {}
    return {
        INFER: [tool, "infer", f"oci-dir:{layout}:{tag}", "-o", "json"],
        **daemon,
        "gzip -dc": ["gzip", "-dc", *layers],
        ZLIB: [sys.executable, "-m", "bench.inflate", "zlib", *layers],
        "isal in Python": [sys.executable, "-m", "bench.inflate", "isal", *layers],
        "starting Python": [sys.executable, "-c", ""],
    }


def measured(what: Mapping[str, Sequence[str]], runs: int) -> dict[str, list[Cost]]:
    """Run each command once to warm the page cache, then all in turn ``runs`` times."""
    for command in what.values():
        once(command)
    costs: dict[str, list[Cost]] = {name: [] for name in what}
    for _ in range(runs):
        for name, command in what.items():
            costs[name].append(once(command))
    return costs


def table(medians: Mapping[str, Cost]) -> str:
    """Return the figures as aligned lines, with each time as a multiple of stdlib zlib's."""
    lines = [f"{'':18}{'wall s':>8}{'CPU s':>8}{'MB':>8}{'of zlib':>10}"]
    for name, cost in medians.items():
        ratio = cost.wall / medians[ZLIB].wall
        lines.append(f"{name:18}{cost.wall:8.2f}{cost.cpu:8.2f}{cost.memory:8.0f}{ratio:9.2f}x")
    return "\n".join(lines)


def document(costs: Mapping[str, Sequence[Cost]], medians: Mapping[str, Cost]) -> dict[str, Any]:
    """Return what is kept: the machine, every run, the medians, and the two figures that have an aim."""
    return {
        "machine": {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()},
        "runs": {name: [cost.as_json() for cost in list_] for name, list_ in costs.items()},
        "medians": {name: cost.as_json() for name, cost in medians.items()},
        "times_zlib": {"value": round(medians[INFER].wall / medians[ZLIB].wall, 3), "aim": MOST_TIMES_ZLIB},
        "memory_mb": {"value": round(medians[INFER].memory, 1), "aim": MOST_MEMORY},
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 1 when a measured command fails."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Time inference against decompression.")
    parser.add_argument("--layout", type=Path, default=Path("out/demo/image"), help="OCI layout (default: %(default)s)")
    parser.add_argument("--tag", default="v1", help="tag in the layout (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each command (default: %(default)s)")
    parser.add_argument(
        "--docker", default="", metavar="NAME", help="name of the same image in a daemon: timed as well"
    )
    parser.add_argument("--output", type=Path, default=Path("out/bench.json"), help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    try:
        costs = measured(commands(chosen.layout, chosen.tag, chosen.docker), chosen.runs)
    except (BenchError, OSError, LookupError) as error:
        print(f"Nothing is measured: {error}", file=sys.stderr)
        return 1
    medians = {name: median(list_) for name, list_ in costs.items()}
    result = document(costs, medians)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(f"{json.dumps(result, indent=2)}\n", encoding="utf-8")
    print(table(medians))
    print(
        f"\ninfer takes {result['times_zlib']['value']:.2f} times as long as zlib (aim: {MOST_TIMES_ZLIB:.0f} at most)"
    )
    print(f"and {result['memory_mb']['value']:.0f} MB (aim: below {MOST_MEMORY:.0f}); every run is in {chosen.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
