"""Dask as the engine: a cluster that its users run anyway, on Kubernetes, on Slurm or on a workstation.

Queue, placement, and trying again what a dead worker held are the scheduler's; nothing of that is here. Arguments and
results travel as pickles, so a cluster is trusted as this machine is (its own TLS: Dask's settings, ``tls://``).
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from compatbuild.errors import CompatError, FleetError, UsageError
from compatbuild.fleet.engine import EngineLostError
from compatbuild.fleet.judging import Question
from compatbuild.version import __version__

if TYPE_CHECKING:
    from distributed import Client

T = TypeVar("T")
CONNECT_SECONDS = 10
"""To reach the scheduler."""
LOGGERS = ("distributed", "distributed.client", "tornado.application")
"""Loggers to which Dask gives levels and a handler on stderr of their own (``distributed.config``)."""
CLOSE_SECONDS = 2
"""To say goodbye to it, which it may not hear any more."""


class Cluster:
    """The workers of a scheduler."""

    def __init__(self, client: "Client", address: str) -> None:
        self._client = client
        self._address = address
        threads = client.nthreads()  # type: ignore[no-untyped-call]
        self.size = max(sum(threads.values()), 1)

    def share(self, question: Question) -> Any:
        """Let a task give the question: unlike scattered data, it is there again when the worker that had it dies."""
        return self._client.submit(_itself, question, key=f"compatbuild-question-{question.key}")

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call it on some worker."""
        from distributed import KilledWorker  # noqa: PLC0415 - an extra

        try:
            future = self._client.submit(_at_home, __version__, function, *arguments, pure=False)
            result: T = future.result()
        except KilledWorker as error:
            raise FleetError(
                "the workers that had it died",
                why=str(error).partition("\n")[0][:300],
                remedy="give workers more memory, or look into their logs; then run it again",
            ) from error
        except CompatError:
            raise
        except Exception as error:  # cancelled, disconnected, another Python: whatever it is, it is not the image's
            raise EngineLostError(
                f"the scheduler {self._address} does not do the work",
                why=f"{type(error).__name__}: {str(error)[:300]}",
                remedy="look into its log and its workers', then run it again: rows that are written stay",
            ) from error
        return result


@contextmanager
def cluster(address: str) -> Iterator[Cluster]:
    """Connect to a scheduler for the length of the block; FleetError when it cannot be reached."""
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise UsageError(
            "--scheduler needs Dask",
            why="the extra `fleet` is not installed",
            remedy="pip install 'compatbuild[fleet]'",
        ) from error
    with _silenced(), _connected(Client, address) as found:
        yield found


@contextmanager
def _connected(client_of: "type[Client]", address: str) -> Iterator[Cluster]:
    try:
        client = client_of(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as error:
        raise FleetError(
            f"the scheduler {address} cannot be reached",
            why=f"{type(error).__name__}: {str(error)[:300]}",
            remedy="check the address (tcp://HOST:8786), and that the versions of Dask are alike",
        ) from error
    try:
        yield Cluster(client, address)
    finally:
        client.close(timeout=CLOSE_SECONDS)  # type: ignore[no-untyped-call]


@contextmanager
def _silenced() -> Iterator[None]:
    """Keep Dask's log from stderr: it tells of a connection that breaks by a traceback, and we do in three lines."""
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _itself(question: Question) -> Question:
    return question


def _at_home(version: str, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function where it is the same one: another version's answers would be other ones."""
    if version != __version__:
        raise EngineLostError(
            f"a worker has compatbuild {__version__}",
            why=f"the command has {version}",
            remedy="install the same version on every worker",
        )
    return function(*arguments)
