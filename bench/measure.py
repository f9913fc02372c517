"""What a command costs: wall and processor seconds and peak memory, from wait4(2)."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

WITNESS = """
import json, os, resource, sys, time
space, told, *command = sys.argv[1:]
if int(space):
    resource.setrlimit(resource.RLIMIT_AS, (int(space), int(space)))
began = time.monotonic()
_, status, cost = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
ended = os.waitstatus_to_exitcode(status), time.monotonic() - began, cost.ru_utime + cost.ru_stime, cost.ru_maxrss
with open(told, "w") as file:
    json.dump(ended, file)
"""
"""A small process that runs another: Linux counts to a program's memory what its parent had when it was forked."""
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of one unit of ru_maxrss, getrusage(2)."""


class BenchError(Exception):
    """A measured command failed, or what is to be measured is not there."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall time, seconds of processor time (user and system), and peak resident memory in MB (10^6 bytes).

    Processor time is that of the command and of all processes it waited for, memory that of the largest of them. About
    10 MB are counted whatever the command is.
    """

    wall: float
    cpu: float
    memory: float

    def as_json(self) -> dict[str, float]:
        """Return the figures, rounded to what is measured."""
        return {name: round(value, 3) for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Command:
    """A command line, and what its environment has beyond PATH and a home of its own.

    With ``fresh`` each run finds that home empty, and so every cache; without, runs share one.
    """

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    fresh: bool = False


@dataclass(frozen=True)
class Place:
    """Where a command runs, and where what it prints goes; ``space`` caps its address space in bytes, 0 does not."""

    home: Path
    directory: Path | None = None
    stdout: BinaryIO | int = subprocess.DEVNULL
    stderr: BinaryIO | int | None = None
    space: int = 0
    deadline: float | None = None


def ran(command: Command, place: Place) -> tuple[int, Cost]:
    """Run a command to its end; return its exit code and what it cost."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(place.home), **command.environment}
    with tempfile.NamedTemporaryFile("r") as told:
        subprocess.run(
            [sys.executable, "-ISc", WITNESS, str(place.space), told.name, *command.argv],
            cwd=place.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=place.stdout,
            stderr=place.stderr,
            check=True,
            timeout=place.deadline,
        )
        code, wall, cpu, memory = json.load(told)
    return code, Cost(wall, cpu, memory * UNIT / 1e6)


def once(command: Command, home: Path) -> Cost:
    """Run a command with its output thrown away; BenchError when it fails."""
    code, cost = ran(command, Place(home))
    if code:
        raise BenchError(f"{' '.join(command.argv)} ended with exit code {code}")
    return cost


def in_turn(commands: Mapping[str, Command], runs: int) -> dict[str, list[Cost]]:
    """Run all commands in turn ``runs`` times, so that each meets the machine in the same moods."""
    costs: dict[str, list[Cost]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory(prefix="bench-") as shared:
        for _ in range(runs):
            for name, command in commands.items():
                with tempfile.TemporaryDirectory(prefix="bench-") as fresh:
                    costs[name].append(once(command, Path(fresh if command.fresh else shared)))
    return costs


def median(costs: Sequence[Cost]) -> Cost:
    """Return the medians of the figures, each for itself."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.memory for cost in costs),
    )


def medians(costs: Mapping[str, Sequence[Cost]]) -> dict[str, Cost]:
    """Return the medians of each command."""
    return {name: median(list_) for name, list_ in costs.items()}


def as_json(costs: Mapping[str, Cost]) -> dict[str, Any]:
    """Return costs by name as JSON has them."""
    return {name: cost.as_json() for name, cost in costs.items()}
