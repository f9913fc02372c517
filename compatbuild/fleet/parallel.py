"""Many things at once, in threads: each waits for a registry or a worker most of the time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(at_once: int, function: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """Yield what a function makes of each thing, as it comes, so many at a time; things are taken as there is room.

    An error ends it: nothing more is begun.
    """
    left = iter(things)
    with ThreadPoolExecutor(at_once, "fleet") as threads:
        waiting: set[Future[R]] = {threads.submit(function, one) for one in islice(left, 2 * at_once)}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {threads.submit(function, one) for one in islice(left, len(done))}
                yield from (future.result() for future in done)
        finally:
            for future in waiting:
                future.cancel()
