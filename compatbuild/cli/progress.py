"""Progress of long work: layers, bytes, rate and what remains, on stderr, only on a terminal."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

    from compatbuild.fleet.run import Progress as Progressed
    from compatbuild.image.build import Step, Work


def welcome(*, shown: bool) -> bool:
    """Say whether anybody watches: a terminal that can redraw a line, and no pipeline."""
    if not shown or os.environ.get("TERM") == "dumb" or os.environ.get("CI"):
        return False
    return sys.stderr is not None and sys.stderr.isatty()


@contextmanager
def progress(*, shown: bool) -> "Iterator[Callable[[Step], None] | None]":
    """Give a function that is told each step, or None where nothing is to be shown; what is shown leaves no trace."""
    with _bar("DownloadColumn", "TransferSpeedColumn", shown=shown) as bar:
        yield _Reading(bar) if bar else None


@contextmanager
def counting(*, shown: bool) -> "Iterator[Callable[[Progressed], None] | None]":
    """Give a function that is told how many images are done, or None where nothing is to be shown."""
    with _bar("MofNCompleteColumn", shown=shown) as bar:
        if bar is None:
            yield None
            return
        task = bar.add_task("images", total=None)

        def advance(progress: "Progressed") -> None:
            errors = f", {progress.errors:,} errors" if progress.errors else ""
            if progress.read < progress.layers:
                bar.update(task, total=progress.layers, completed=progress.read, description=f"layers{errors}")
            else:
                done = progress.known + progress.done
                bar.update(task, total=progress.images, completed=done, description=f"images{errors}")

        yield advance


@contextmanager
def _bar(*figures: str, shown: bool) -> "Iterator[Progress | None]":
    """Show a line of progress, with columns of rich's before the time that remains; None where nobody watches."""
    if not welcome(shown=shown):
        yield None
        return
    from rich import progress as rich

    from compatbuild.report.console import console

    columns = (
        rich.SpinnerColumn(),
        rich.TextColumn("{task.description}"),
        rich.BarColumn(bar_width=14),
        *(getattr(rich, name)() for name in figures),
        rich.TimeRemainingColumn(compact=True),
    )
    with rich.Progress(*columns, console=console(stderr=True), transient=True) as bar:
        yield bar


class _Reading:
    """One line about the image being read; another image starts it anew."""

    def __init__(self, bar: "Progress") -> None:
        self._bar = bar
        self._task = bar.add_task("reading layers", total=None)
        self._work: Work | None = None
        self._done = 0
        self._lock = Lock()  # steps come from several threads

    def __call__(self, step: "Step") -> None:
        with self._lock:
            if step.work is not self._work:
                self._work, self._done = step.work, 0
                self._bar.reset(self._task, total=step.work.size, description=self._told(step))
            if step.done:
                self._done += 1
                self._bar.update(self._task, description=self._told(step))
            self._bar.advance(self._task, step.count)

    def _told(self, step: "Step") -> str:
        return f"reading layers {self._done}/{step.work.layers}"
