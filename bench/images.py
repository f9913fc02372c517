"""Inference on an image, beside what merely decompressing its layers costs and what other scanners take."""

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpus import Stored
from bench.layers import ZSTD
from bench.measure import Command, Cost, as_json, in_turn, medians, once

ROOT = Path(__file__).parents[1]
INFER, WARM, ZLIB = "infer", "infer again", "zlib in Python"
SCANNERS = ("syft", "trivy")
MB = 1_000_000
LARGE = 1_000 * MB
MOST_TIMES, MOST_TIMES_SMALL = 1.25, 2.5
"""The aims: at most so many times the wall time of the yardstick, for images over 1 GB and for the rest."""
MOST_MEMORY = 96.0
"""MB of one process, whatever the image is."""


@dataclass(frozen=True)
class Measured:
    """What was measured on one image: all costs by command, their medians, and which command is the yardstick."""

    stored: Stored
    runs: Mapping[str, Sequence[Cost]]
    medians: Mapping[str, Cost]
    yardstick: str

    @property
    def aim(self) -> float:
        """Return how many times the yardstick an inference may take."""
        return MOST_TIMES if self.stored.plain >= LARGE else MOST_TIMES_SMALL

    def times(self, name: str = INFER) -> float:
        """Return a command's wall time as a multiple of the yardstick's."""
        return self.medians[name].wall / self.medians[self.yardstick].wall

    def as_json(self) -> dict[str, Any]:
        """Return everything, with the two figures that have an aim."""
        return {
            "image": self.stored.image.name,
            "about": self.stored.image.about,
            **self.stored.as_json(),
            "yardstick": self.yardstick,
            "times_yardstick": {"value": round(self.times(), 3), "aim": self.aim},
            "memory_mb": {"value": round(self.medians[INFER].memory, 1), "aim": MOST_MEMORY},
            "medians": as_json(self.medians),
            "runs": {name: [cost.as_json() for cost in costs] for name, costs in self.runs.items()},
        }


def tool(*arguments: str) -> list[str]:
    """Return a command line of compatbuild's."""
    return [str(Path(sys.executable).with_name("compatbuild")), *arguments]


def inference(stored: Stored, *, fresh: bool = True) -> Command:
    """Return what infers from an image; without ``fresh`` with what an earlier run left in the cache."""
    return Command(tool("infer", stored.source, "-o", "json"), fresh=fresh)


def yardsticks(stored: Stored) -> dict[str, Command]:
    """Return what decompresses the layers and no more; the first is the yardstick.

    That is igzip, the fastest decompressor there is, or for zstd its own program; where that is not installed, the
    same library in Python.
    """
    layers = [str(layer) for layer in stored.layers]
    zstd = stored.compression == ZSTD
    programs = {"zstd -dc": ["zstd", "-qdc"]} if zstd else {"igzip -dc": ["igzip", "-dc"], "gzip -dc": ["gzip", "-dc"]}
    found = {name: Command([*argv, *layers]) for name, argv in programs.items() if shutil.which(argv[0])}
    modules = ["zstd"] if zstd else ["isal", "zlib"]
    in_python = {
        f"{module} in Python": Command(
            [sys.executable, "-m", "bench.inflate", module, *layers], {"PYTHONPATH": str(ROOT)}
        )
        for module in modules
    }
    first = next(iter(programs))
    return found | in_python if first in found else in_python | found


def scanners(stored: Stored) -> dict[str, Command]:
    """Return what other programs on PATH take to list an image's packages."""
    known = {
        "syft": ["syft", "scan", f"oci-dir:{stored.layout}", "--output", "json", "--quiet"],
        "trivy": ["trivy", "image", "--quiet", "--input", str(stored.layout), "--format", "cyclonedx"],
    }
    quiet = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}
    return {name: Command(argv, quiet) for name, argv in known.items() if shutil.which(name)}


def measured(stored: Stored, runs: int) -> Measured:
    """Measure everything on one image, at least twice; BenchError when something fails."""
    runs = max(runs, 2)
    ruler = yardsticks(stored)
    warmed(stored)
    commands = {INFER: inference(stored), WARM: inference(stored, fresh=False), **ruler, **scanners(stored)}
    costs = in_turn(commands, runs)
    costs[WARM] = costs[WARM][1:]  # the first one fills the cache
    return Measured(stored, costs, medians(costs), next(iter(ruler)))


def warmed(stored: Stored) -> None:
    """Read an image once, so that its layers are in the page cache."""
    once(Command(["cat", *map(str, stored.layers)], {"PATH": os.environ["PATH"]}), ROOT)
