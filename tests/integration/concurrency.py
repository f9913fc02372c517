"""``python -m tests.integration.concurrency``: 64 processes attach to one image at once, again and again.

On registries without the referrers API: Debian's, and crane's with 0, 10 and 50 ms for an answer. Every writer that says
that it attached must be listed, and every one that says it did not must not be.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from tests.integration.slow import slow
from tests.integration.writers import Round, at_once
from tests.peers.servers import debian_registry, fallback_registry


@contextmanager
def _fallback(delay: float) -> Iterator[tuple[str, str]]:
    """Give the address of a registry, and one by which each answer takes that much longer."""
    with fallback_registry() as address, slow(address, delay / 2) as passing:
        yield address, passing if delay else address


@contextmanager
def _debian() -> Iterator[tuple[str, str]]:
    with debian_registry() as address:
        yield address, address


SERVERS: dict[str, Callable[[], AbstractContextManager[tuple[str, str]]]] = {
    "Debian's docker-registry": _debian,
    "fallback": lambda: _fallback(0),
    "fallback, 10 ms": lambda: _fallback(0.01),
    "fallback, 50 ms": lambda: _fallback(0.05),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 1 when anything was lost or anybody was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.concurrency")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--writers", type=int, default=64)
    parser.add_argument("--settle", action="store_true", help="without --durable: the list is written until it settles")
    chosen = parser.parse_args(arguments)
    bad = 0
    for name, server in SERVERS.items():
        rounds: list[Round] = []
        for number in range(chosen.rounds):
            with server() as (address, passing):
                rounds.append(at_once(address, passing, chosen.writers, durable=not chosen.settle))
            print(f"{name}, round {number + 1}: {_told(rounds[-1:], chosen.writers)}", file=sys.stderr, flush=True)
        bad += sum(len(one.lost) + len(one.untrue) for one in rounds)
        print(f"{name}: {_told(rounds, chosen.writers)}", flush=True)
    return int(bool(bad))


def _told(rounds: Sequence[Round], writers: int) -> str:
    failed = sum(writers - len(one.succeeded) for one in rounds)
    lost, untrue = (
        sum(len(found) for found in sets) for sets in zip(*((one.lost, one.untrue) for one in rounds), strict=True)
    )
    seconds = [one.seconds for one in rounds]
    return (
        f"{len(rounds) * writers} attaches, {lost} lost, {failed} failed, {untrue} of them listed; "
        f"a round {statistics.median(seconds):.1f} s, at most {max(seconds):.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
