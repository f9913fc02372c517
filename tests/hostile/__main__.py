"""``python -m tests.hostile [NAME…]``: every case in a process of its own, with what it cost, the dearest last."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.hostile.answer import wrong
from tests.hostile.case import Case
from tests.hostile.corpus import CASES

ROOT = Path(__file__).parents[2]
ADDRESS_SPACE = 2 << 30
"""Bytes of address space of one process: threads and libraries reserve far more than they use."""
MOST_SECONDS = 10.0
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
    out, err = directory / "out", directory / "err"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        started = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
            stdout=stdout,
            stderr=stderr,
            preexec_fn=_limited,  # noqa: PLW1509 - no other thread is running
        )
        _, status, used = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    why = wrong(case, process.returncode, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))
    expected = {directory / name for name in ("image", "home", "out", "err")}
    unexpected = [*(set(directory.iterdir()) - expected), *home.iterdir()]
    if not why and unexpected:
        why = f"files were written: {unexpected}"
    return Ran(why, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def _limited() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def main(names: list[str]) -> int:
    """Run the cases named, all if none is; print a table and return 1 when an answer is wrong or a limit exceeded."""
    ran: dict[str, Ran] = {}
    for name in names or list(CASES):
        with tempfile.TemporaryDirectory() as directory:
            ran[name] = run(CASES[name], Path(directory))
        if ran[name].why:
            print(f"{name}: {ran[name].why}", flush=True)
    print(f"\n{'case':32} {'seconds':>8} {'cpu':>8} {'MB':>8}  answer")
    bad = 0
    for name, one in sorted(
        ran.items(), key=lambda item: max(item[1].seconds / MOST_SECONDS, item[1].memory / MOST_BYTES)
    ):
        over = one.seconds > MOST_SECONDS or one.memory > MOST_BYTES
        bad += bool(one.why) or over
        answer = "WRONG" if one.why else f"exit {CASES[name].code}" + (", OVER" if over else "")
        print(f"{name:32} {one.seconds:8.2f} {one.processor:8.2f} {one.memory / 1e6:8.1f}  {answer}")
    print(
        f"\n{len(ran) - bad} of {len(ran)} answered as expected, each in {MOST_SECONDS:.0f} s and {MOST_BYTES / 1e6:.0f} MB"
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
