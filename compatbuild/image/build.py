"""From a config and layers to the view of an image: layers are scanned in parallel, merged in order."""

import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from threading import Event, RLock
from typing import Self

from compatbuild.errors import ImageError
from compatbuild.image import packages
from compatbuild.image.interests import Interests
from compatbuild.image.layer_cache import LayerCache
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import UNKNOWN_SIZE, LayerSource, Scan
from compatbuild.image.limits import DEFAULT, MIB, Limits, OverLimitError
from compatbuild.image.os_release import parse_os_release
from compatbuild.image.overlay import Overlay
from compatbuild.image.view import ImageConfig, ImageView
from compatbuild.image.wanted import OS_RELEASE, Start, Wanted

MAX_WORKERS = 4
"""Layers scanned at once. Decompression and hashing run beside each other, the rest takes turns (the GIL)."""
MAX_HELD = 8 * MIB
"""Content of files in layers that were scanned and wait to be merged, from which no more are scanned ahead."""


@dataclass(frozen=True, slots=True)
class Work:
    """What reading images takes: their layers, each counted once, and their bytes; None where nobody says how many."""

    layers: int
    size: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """A step of that work: how many more bytes of a layer, by a number of its, were read, and whether it is done."""

    work: Work
    layer: int
    count: int
    done: bool = False


Progress = Callable[[Step], None]
"""Told each step; called from several threads. All steps of one reading have the same ``work``."""


@dataclass(frozen=True)
class Parts:
    """What a view is made of: an image's config, and its layers, lowest first."""

    config: ImageConfig
    layers: Sequence[LayerSource]


def build_view(
    config: ImageConfig,
    layers: Sequence[LayerSource],
    interests: Interests,
    limits: Limits = DEFAULT,
    progress: Progress | None = None,
    *,
    cache: LayerCache | None = None,
) -> ImageView:
    """Read the layers, lowest first in ``layers``, each once, and return the merged view.

    Raises ImageError when a layer is not what the config or its descriptor says, or over a limit; the layers still
    being read are given up.
    """
    with closing(build_views([Parts(config, layers)], interests, limits, progress, cache=cache)) as views:
        return next(views)


def build_views(
    images: Sequence[Parts],
    interests: Interests,
    limits: Limits = DEFAULT,
    progress: Progress | None = None,
    *,
    cache: LayerCache | None = None,
) -> Generator[ImageView]:
    """Yield the view of each image in turn; a layer that several have, and that they start from alike, is read once.

    The images that follow are read while a view is worked on; close the generator when no more views are wanted.
    A layer that ``cache`` has is not read at all. Errors are those of ``build_view``.
    """
    for image in images:
        _require_whole(image, limits)
    with _Scanning(images, interests, limits, progress, cache) as scanning:
        for image in images:
            overlay = Overlay(limits)
            skipped: list[tuple[str, str]] = []
            for index, facts in enumerate(scanning.facts(image)):
                overlay.add(facts, index)
                skipped += facts.skipped
                for text in facts.limits:
                    overlay.notes.add(text)
            yield _view(image, overlay, scanning.wanted(image), tuple(skipped))


def _require_whole(image: Parts, limits: Limits) -> None:
    """Raise ImageError unless an image has the layers that its config names."""
    count, expected = len(image.layers), image.config.diff_ids
    if count > limits.layers:
        why = f"at most {limits.layers:,} are read, and runtimes take fewer"
        raise OverLimitError("layers", f"The image has {count:,} layers", why=why)
    if expected and expected != tuple(layer.diff_id for layer in image.layers):
        raise ImageError(
            "The image config and the layers do not belong together",
            why=f"the config has {len(expected)} diff IDs, the manifest {count} layers",
            remedy="build the image again with a current tool",
        )


class _GivenUpError(Exception):
    """Another layer failed: this one need not be read to its end."""


_Key = tuple[Start, str, str, int]
"""What makes two layers the same: what is kept of them, digest, diff ID; without one, only being the same object."""


def _kept(facts: LayerFacts) -> int:
    return sum(map(len, facts.files.values()))


class _Scanning:
    """Scans layers in threads, of each image the largest first; a failure ends the others at their next piece.

    The layers of an image are begun when the one before it has been merged, so that memory is what one image keeps and
    what the following ones share with it.
    """

    def __init__(
        self,
        images: Sequence[Parts],
        interests: Interests,
        limits: Limits,
        progress: Progress | None,
        cache: LayerCache | None,
    ) -> None:
        self._interests = interests
        self._limits = limits
        self._progress = progress
        self._cache = cache
        self._over = Event()
        self._wanted: dict[Start, Wanted] = {}
        self._left = Counter(key for image in images for key in self._keys(image))
        sizes = {key: one.size for image in images for key, one in zip(self._keys(image), image.layers, strict=True)}
        self._work = Work(len(sizes), None if UNKNOWN_SIZE in sizes.values() else sum(sizes.values()))
        self._workers = max(1, min(MAX_WORKERS, os.cpu_count() or 1, len(self._left)))
        self._pool = ThreadPoolExecutor(self._workers, thread_name_prefix="layer")
        self._lock = RLock()  # over all that follows: layers end in their threads, and the next ones begin there
        self._todo: dict[_Key, tuple[LayerSource, Wanted]] = {}
        self._waiting: dict[_Key, Future[LayerFacts]] = {}
        self._begun = self._running = self._held = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._over.set()
        self._pool.shutdown(cancel_futures=True)

    def wanted(self, image: Parts) -> Wanted:
        """Return what is wanted of an image's layers; it depends on how the image starts."""
        start = Start.of(image.config)
        if start not in self._wanted:
            self._wanted[start] = Wanted(self._interests, start, self._limits)
        return self._wanted[start]

    def facts(self, image: Parts) -> Iterator[LayerFacts]:
        """Scan an image's layers, and yield what they hold, lowest first."""
        wanted, keys = self.wanted(image), self._keys(image)
        with self._lock:
            for key, layer in sorted(zip(keys, image.layers, strict=True), key=lambda pair: -pair[1].size):
                if key not in self._waiting:
                    self._todo.setdefault(key, (layer, wanted))
            self._begin_more()
        for key in keys:
            yield self._take(key)

    def _begin_more(self) -> None:
        """Begin layers while somebody is idle, and what waits for its turn is not too much."""
        while self._todo and self._running < self._workers and self._held < MAX_HELD and not self._over.is_set():
            self._begin(next(iter(self._todo)))

    def _begin(self, key: _Key) -> None:
        layer, wanted = self._todo.pop(key)
        future = self._pool.submit(self._scan, self._begun, layer, wanted)
        self._waiting[key] = future
        self._begun += 1
        self._running += 1
        future.add_done_callback(self._ended)

    def _ended(self, future: Future[LayerFacts]) -> None:
        with self._lock:
            self._running -= 1
            if not future.cancelled() and future.exception() is None:
                self._held += _kept(future.result())
            self._begin_more()

    def _keys(self, image: Parts) -> list[_Key]:
        start = Start.of(image.config)
        return [(start, layer.digest, layer.diff_id, 0 if layer.diff_id else id(layer)) for layer in image.layers]

    def _take(self, key: _Key) -> LayerFacts:
        """Return a layer's facts; they are kept no longer than somebody else needs them."""
        self._left[key] -= 1
        with self._lock:
            if key in self._todo:  # it was put off, and now it is its turn
                self._begin(key)
            future = self._waiting[key] if self._left[key] else self._waiting.pop(key)
        try:
            facts = future.result()
        except _GivenUpError:
            for other in self._waiting.values():
                error = other.exception()
                if error is not None and not isinstance(error, _GivenUpError):
                    raise error from None
            raise
        if not self._left[key]:
            with self._lock:
                self._held -= _kept(facts)
                self._begin_more()
        return facts

    def _scan(self, index: int, layer: LayerSource, wanted: Wanted) -> LayerFacts:
        def tick(count: int, *, done: bool = False) -> None:
            if self._over.is_set():
                raise _GivenUpError
            if self._progress is not None:
                self._progress(Step(self._work, index, count, done))

        try:
            tick(0)
            facts = self._cache.read(layer.diff_id, wanted) if self._cache and layer.diff_id else None
            if facts is not None:
                tick(max(layer.size, 0))
            else:
                facts = layer.facts(Scan(wanted, self._limits, tick))
                if self._cache and layer.diff_id and not facts.skipped:
                    self._cache.write(layer.diff_id, facts, wanted)
            tick(0, done=True)
        except BaseException:  # also of this thread being stopped: whatever it is, the image cannot be read
            self._over.set()
            raise
        return wanted.narrowed(facts)


def _view(image: Parts, overlay: Overlay, wanted: Wanted, skipped: tuple[tuple[str, str], ...]) -> ImageView:
    """Read what the merged files hold about the image as a whole."""
    limits = wanted.limits
    installed = packages.Installed()
    if wanted.interests.packages:
        installed = packages.installed(overlay.nodes, overlay.files, limits)
    view = ImageView(
        config=image.config,
        layers=tuple(layer.diff_id for layer in image.layers),
        nodes=overlay.nodes,
        elves=overlay.elves,
        files=_asked_for(overlay.files, wanted),
        packages=installed.packages,
        limits=overlay.notes.texts() + installed.limits,
        skipped=skipped + installed.skipped,
    )
    for path in OS_RELEASE:
        real = view.resolve(path)
        if real in overlay.files:
            return replace(view, os_release=parse_os_release(overlay.files[real]))
    return view


def _asked_for(files: dict[str, bytes], wanted: Wanted) -> dict[str, bytes]:
    """Leave out package databases that nobody asked to see, and Python sources beyond the limit, deepest first."""
    kept = {p: c for p, c in files.items() if not packages.is_database(p) or wanted.interests.file_limit(p)}
    sources = [
        path for path, content in kept.items() if wanted.is_source(path, len(content)) and not wanted.limit(path)
    ]
    for path in sorted(sources, key=lambda path: (path.count("/"), path))[wanted.limits.python_sources :]:
        del kept[path]
    return kept
