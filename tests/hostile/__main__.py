"""``python -m tests.hostile [NAME…]``: every case in a process of its own, with what it cost, the dearest last."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.answer import wrong
from tests.hostile.case import Case
from tests.hostile.corpus import CASES

ROOT = Path(__file__).parents[2]
ADDRESS_SPACE = 2 << 30
"""Bytes of address space of one process: threads and libraries reserve far more than they use."""
MEASURE = """
import json, os, resource, sys, time
space, used, *command = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_AS, (int(space), int(space)))
began = time.monotonic()
_, status, cost = os.wait4(os.posix_spawn(command[0], command, os.environ), 0)
told = os.waitstatus_to_exitcode(status), time.monotonic() - began, cost.ru_utime + cost.ru_stime, cost.ru_maxrss
with open(used, "w") as file:
    json.dump(told, file)
"""
"""A small process that runs another: Linux counts to a program's memory what its parent had when it was forked."""
DEADLINE = 120.0
MOST_SECONDS = 10.0  # of the processor: on a busy machine the clock says nothing
MOST_BYTES = 150_000_000


@dataclass(frozen=True)
class Ran:
    """How a run ended: why it is wrong (empty when it is not), seconds, processor seconds, most bytes in memory."""

    why: str
    seconds: float
    processor: float
    memory: int


def run(case: Case, directory: Path) -> Ran:
    """Make a case and infer from it in another process, under a limit of address space."""
    case.make(directory / "image")
    home = directory / "home"
    home.mkdir()
    command = [sys.executable, "-m", "compatbuild", "infer", "oci-dir:image", "-o", "json", *case.options]
    out, err, used = (directory / name for name in ("out", "err", "used"))
    with out.open("wb") as stdout, err.open("wb") as stderr:
        subprocess.run(
            [sys.executable, "-ISc", MEASURE, str(ADDRESS_SPACE), used, *command],
            cwd=directory,
            env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COMPATBUILD_NO_CACHE": "1"},
            stdout=stdout,
            stderr=stderr,
            check=True,
            timeout=DEADLINE,
        )
    code, seconds, processor, memory = json.loads(used.read_text())
    why = wrong(case, code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))
    expected = {directory / name for name in ("image", "home", "out", "err", "used")}
    unexpected = [*(set(directory.iterdir()) - expected), *home.iterdir()]
    if not why and unexpected:
        why = f"files were written: {unexpected}"
    return Ran(why, seconds, processor, memory * 1024)


def main(names: list[str]) -> int:
    """Run the cases named, all if none is; print a table and return 1 when an answer is wrong or a limit exceeded."""
    ran: dict[str, Ran] = {}
    for name in names or list(CASES):
        with tempfile.TemporaryDirectory() as directory:
            ran[name] = run(CASES[name], Path(directory))
        print(f"{name}: {ran[name].why or ran[name]}", flush=True)
    print(f"\n{'case':32} {'seconds':>8} {'cpu':>8} {'MB':>8}  answer")
    bad = 0
    for name, one in sorted(
        ran.items(), key=lambda item: max(item[1].processor / MOST_SECONDS, item[1].memory / MOST_BYTES)
    ):
        over = one.processor > MOST_SECONDS or one.memory > MOST_BYTES
        bad += bool(one.why) or over
        answer = "WRONG" if one.why else f"exit {CASES[name].code}" + (", OVER" if over else "")
        print(f"{name:32} {one.seconds:8.2f} {one.processor:8.2f} {one.memory / 1e6:8.1f}  {answer}")
    print(
        f"\n{len(ran) - bad} of {len(ran)} answered as expected, each in {MOST_SECONDS:.0f} s and {MOST_BYTES / 1e6:.0f} MB"
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
