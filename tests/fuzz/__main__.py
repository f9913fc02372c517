"""``python -m tests.fuzz [-s SECONDS] [TARGET…]``: mutate seeds and tell what fails, what hangs, what takes memory.

What fails is written to ``tests/fuzz/found/TARGET``, where every run of the tests replays it.
"""

from __future__ import annotations

import argparse
import hashlib
import resource
import sys
import time
import traceback
from random import Random

from compatbuild.errors import CompatError
from tests.fuzz.mutation import mutated
from tests.fuzz.seeds import FOUND, seeds
from tests.fuzz.targets import TARGETS

SLOW = 1.0
"""Processor seconds that no input may take."""


def fuzz(target: str, seconds: float, start: int) -> tuple[int, int, float]:
    """Run a target on mutations for so long; return how many, how many failed, and the dearest's processor seconds."""
    run, good = TARGETS[target], seeds(target)
    ends, count, failed, dearest = time.monotonic() + seconds, 0, 0, 0.0
    pool = list(good)
    while time.monotonic() < ends:
        luck = Random(f"{target}{start + count}")
        data = mutated(luck.choice(pool), good, luck)
        began = time.thread_time()
        try:
            run(data)
        except CompatError:
            pass
        except Exception:
            failed += 1
            _keep(target, data, traceback.format_exc())
        taken = time.thread_time() - began
        if taken > SLOW:
            failed += 1
            _keep(target, data, f"{taken:.1f} seconds")
        dearest = max(dearest, taken)
        count += 1
        if count % 50 == 0 and len(pool) < 2_000:  # a walk away from the seeds, as coverage is not measured
            pool.append(data)
    return count, failed, dearest


def _keep(target: str, data: bytes, why: str) -> None:
    directory = FOUND / target
    directory.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(data).hexdigest()[:16]
    (directory / name).write_bytes(data)
    print(f"{target} {name} ({len(data)} bytes): {why}", flush=True)


def main() -> int:
    """Fuzz each target named, all if none is; return 1 when anything was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", default=[*TARGETS])
    parser.add_argument("-s", "--seconds", type=float, default=60.0, help="of each target")
    parser.add_argument("--start", type=int, default=0, help="number of the first mutation, to go on from")
    asked = parser.parse_args()
    bad = 0
    for target in asked.targets:
        count, failed, dearest = fuzz(target, asked.seconds, asked.start)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        print(f"{target}: {count:,} runs, {failed} failed, dearest {dearest:.2f} s, {memory:.0f} MB", flush=True)
        bad += failed
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
