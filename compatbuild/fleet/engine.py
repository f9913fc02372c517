"""Where pure functions run: in this process, on this machine's cores, or on a Dask cluster that somebody runs.

The cluster has its own queue, scheduler and retries; a pool of this machine has none, so what a dead worker held is
tried again here, alone, to see whose fault it was.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from threading import Lock, Thread
from typing import Any, Protocol, TypeVar

from compatbuild.errors import FleetError
from compatbuild.fleet.judging import Question, keep

T = TypeVar("T")
ALONE = 2
"""Tries of what was in a worker when it died, with nobody else to blame."""


class Engine(Protocol):
    """Calls functions somewhere; ``size`` is how many run at a time."""

    size: int

    def share(self, question: Question) -> Any:
        """Bring a question to the workers once; return what stands for it among the arguments of calls."""

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Return what a pure function returns; called from many threads.

        FleetError when its worker died each time; EngineLostError when nothing can be called any more.
        """


class EngineLostError(FleetError):
    """The cluster is gone: what was in work is not done."""

    code = "engine"


class Here:
    """This process: for little work, which starting others would only delay."""

    size = 1

    def share(self, question: Question) -> Question:
        """Return it: it is here."""
        return question

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call it."""
        return function(*arguments)


class Cores:
    """Processes of this machine, started when they are needed; one that dies is replaced."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._question: Question | None = None
        self._pool = self._new(size)
        self._lock = Lock()
        self._trial = Lock()

    def share(self, question: Question) -> str:
        """Let workers know the question as they start, and none has yet."""
        self._question = question
        self._pool = self._new(self.size)
        return question.key

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call it in a worker; when that dies, alone in another."""
        with self._lock:
            pool = self._pool
        try:
            return pool.submit(function, *arguments).result()
        except BrokenProcessPool:
            self._replace(pool)
        except RuntimeError:  # another thread found the pool broken, and shut it down
            if pool is self._pool:
                raise
        return self._alone(function, *arguments)

    def close(self) -> None:
        """End the workers; what they have not begun is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = self._new(self.size)
                broken.shutdown(wait=False)

    def _alone(self, function: Callable[..., T], *arguments: Any) -> T:
        with self._trial:
            for _ in range(ALONE):
                with self._new(1) as pool:
                    try:
                        return pool.submit(function, *arguments).result()
                    except BrokenProcessPool:
                        continue
        raise FleetError(
            "the process that worked on it died",
            why=f"{ALONE + 1} times: killed, or out of memory",
            remedy="run it again with more memory, or fewer --workers",
        )

    def _new(self, size: int) -> ProcessPoolExecutor:
        # Threads that talk to registries are about: a fork would copy their locks as they happen to be.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(size, mp_context=context, initializer=_begin, initargs=(self._question,))


def _begin(question: Question | None) -> None:
    """Prepare a worker: it knows the question, and ends when whoever started it is gone."""
    if question is not None:
        keep(question)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    connection.wait([parent.sentinel])  # the queue between them is held open by the workers themselves
    os._exit(1)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def local(size: int) -> Iterator[Here | Cores]:
    """Give an engine of this machine for the length of the block; of size 1 it is this process."""
    if size <= 1:
        yield Here()
        return
    engine = Cores(size)
    try:
        yield engine
    finally:
        engine.close()
