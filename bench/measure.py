"""One command's cost: wall and processor seconds and peak memory, from wait4(2)."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


class BenchError(Exception):
    """A measured command failed, so its time means nothing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall time, seconds of processor time (user and system), and peak resident memory in MB (10^6 bytes).

    The kernel counts as a process's memory at least what the measuring one had when it started it, about 15 MB.
    """

    wall: float
    cpu: float
    memory: float

    def as_json(self) -> dict[str, Any]:
        """Return the figures, rounded to what is measured."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


def once(command: Sequence[str]) -> Cost:
    """Run a command to its end with its output thrown away; BenchError when it fails."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise BenchError(f"{' '.join(command)} ended with exit code {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, getrusage(2)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of the figures, each for itself."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.memory for cost in costs),
    )
