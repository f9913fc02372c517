"""``python -m tests.hostile [NAME…]``: every case in a process of its own, with what it cost, the dearest last."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench import measure
from bench.measure import Command, Cost, Place
from tests.hostile.answer import wrong
from tests.hostile.case import Case
from tests.hostile.corpus import CASES

ROOT = Path(__file__).parents[2]
ADDRESS_SPACE = 2 << 30
"""Bytes of address space of one process: threads and libraries reserve far more than they use."""
DEADLINE = 120.0
MOST_SECONDS = 10.0  # of the processor: on a busy machine the clock says nothing
MOST_MEMORY = 150.0  # MB


@dataclass(frozen=True)
class Ran:
    """How a run ended: why it is wrong (empty when it is not), and what it cost."""

    why: str
    cost: Cost


def run(case: Case, directory: Path) -> Ran:
    """Make a case and infer from it in another process, under a limit of address space."""
    case.make(directory / "image")
    home = directory / "home"
    home.mkdir()
    argv = [sys.executable, "-m", "compatbuild", "infer", "oci-dir:image", "-o", "json", *case.options]
    command = Command(argv, {"PYTHONPATH": str(ROOT), "COMPATBUILD_NO_CACHE": "1"})
    out, err = (directory / name for name in ("out", "err"))
    with out.open("wb") as stdout, err.open("wb") as stderr:
        code, cost = measure.ran(command, Place(home, directory, stdout, stderr, ADDRESS_SPACE, DEADLINE))
    why = wrong(case, code, out.read_text("utf-8", "replace"), err.read_text("utf-8", "replace"))
    expected = {directory / name for name in ("image", "home", "out", "err")}
    unexpected = [*(set(directory.iterdir()) - expected), *(set(home.iterdir()) - {home / ".cache"})]
    if not why and unexpected:
        why = f"files were written: {unexpected}"
    return Ran(why, cost)


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
        ran.items(), key=lambda item: max(item[1].cost.cpu / MOST_SECONDS, item[1].cost.memory / MOST_MEMORY)
    ):
        over = one.cost.cpu > MOST_SECONDS or one.cost.memory > MOST_MEMORY
        bad += bool(one.why) or over
        answer = "WRONG" if one.why else f"exit {CASES[name].code}" + (", OVER" if over else "")
        print(f"{name:32} {one.cost.wall:8.2f} {one.cost.cpu:8.2f} {one.cost.memory:8.1f}  {answer}")
    print(
        f"\n{len(ran) - bad} of {len(ran)} answered as expected, each in {MOST_SECONDS:.0f} s and {MOST_MEMORY:.0f} MB"
    )
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
