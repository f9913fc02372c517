"""A Dask cluster of processes started by hand, as an operator would: a scheduler and workers on 127.0.0.1."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEADLINE = 60.0
PAUSE = 0.05
DASK = (sys.executable, "-m", "distributed.cli.dask_scheduler"), (sys.executable, "-m", "distributed.cli.dask_worker")
ALONE = ("--host", "127.0.0.1", "--no-dashboard")


@dataclass(frozen=True)
class Dask:
    """The scheduler's address, its process, and the workers' nannies."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: tuple[subprocess.Popen[bytes], ...]


@contextmanager
def dask(directory: Path, workers: int = 2) -> Iterator[Dask]:
    """Run a scheduler and workers of one thread each; all of them are gone when the block is left."""
    started = [_start([*DASK[0], "--port", "0", *ALONE], directory / "scheduler.log", directory)]
    try:
        address = _said(started[0], directory / "scheduler.log", r"Scheduler at:\s+(tcp://\S+)")
        for number in range(workers):
            log = directory / f"worker-{number}.log"
            started.append(_start([*DASK[1], address, "--nthreads", "1", *ALONE], log, directory))
        for number in range(workers):
            _said(started[1 + number], directory / f"worker-{number}.log", r"(Registered to)")
        yield Dask(address, started[0], tuple(started[1:]))
    finally:
        for process in reversed(started):
            for pid in descendants(process.pid):
                _kill(pid)
            process.kill()
            process.wait()


def descendants(pid: int) -> list[int]:
    """Return the processes below one, the nearest first."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        children = Path(f"/proc/{waiting.pop(0)}/task")
        for task in children.glob("*/children"):
            try:
                below = [int(word) for word in task.read_text().split()]
            except (OSError, ProcessLookupError):
                continue
            found += below
            waiting += below
    return found


def command_of(pid: int) -> str:
    """Return how a process was called; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _kill(pid: int) -> None:
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        return


def _start(command: list[str], log: Path, directory: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, cwd=directory)


def _said(process: subprocess.Popen[bytes], log: Path, pattern: str) -> str:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        if match := re.search(pattern, log.read_text(errors="replace")):
            return match[1]
        time.sleep(PAUSE)
    raise RuntimeError(f"{process.args!r} did not start\n{log.read_text(errors='replace')[-2000:]}")
