"""From a config and layers to the view of an image: layers are scanned in parallel, merged in order."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Self

from compatbuild.errors import ImageError
from compatbuild.image import packages
from compatbuild.image.interests import Interests
from compatbuild.image.layer import LayerSource, Scan
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.limits import DEFAULT, Limits, OverLimitError
from compatbuild.image.os_release import parse_os_release
from compatbuild.image.overlay import Overlay
from compatbuild.image.view import ImageConfig, ImageView
from compatbuild.image.wanted import OS_RELEASE, Start, Wanted

MAX_WORKERS = 4
"""Layers scanned at once. Decompression and hashing run beside each other, the rest takes turns (the GIL)."""

Progress = Callable[[int, int], None]
"""Told a layer's index and how many more of its bytes were read; called from several threads."""


def build_view(
    config: ImageConfig,
    layers: Sequence[LayerSource],
    interests: Interests,
    limits: Limits = DEFAULT,
    progress: Progress | None = None,
) -> ImageView:
    """Read the layers, lowest first in ``layers``, each once, and return the merged view.

    Raises ImageError when a layer is not what the config or its descriptor says, or over a limit; the layers still
    being read are given up.
    """
    diff_ids = tuple(layer.diff_id for layer in layers)
    if len(layers) > limits.layers:
        why = f"at most {limits.layers:,} are read, and runtimes take fewer"
        raise OverLimitError("layers", f"The image has {len(layers):,} layers", why=why)
    if config.diff_ids and config.diff_ids != diff_ids:
        raise ImageError(
            "The image config and the layers do not belong together",
            why=f"the config has {len(config.diff_ids)} diff IDs, the manifest {len(layers)} layers",
            remedy="build the image again with a current tool",
        )
    wanted = Wanted(interests, Start.of(config), limits)
    overlay = Overlay(limits)
    with _Scanning(layers, wanted, limits, progress) as scanning:
        for index in range(len(layers)):
            facts = scanning.take(index)
            overlay.add(facts, index)
            for text in facts.limits:
                overlay.notes.add(text)
    return _view(config, diff_ids, overlay, wanted)


class _GivenUpError(Exception):
    """Another layer failed: this one need not be read to its end."""


class _Scanning:
    """Scans layers in threads, the largest first and each once; a failure ends the others at their next piece."""

    def __init__(
        self, layers: Sequence[LayerSource], wanted: Wanted, limits: Limits, progress: Progress | None
    ) -> None:
        self._wanted = wanted
        self._limits = limits
        self._progress = progress
        self._over = Event()
        workers = max(1, min(MAX_WORKERS, os.cpu_count() or 1, len(layers)))
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="layer")
        self._waiting: dict[int, Future[LayerFacts]] = {}
        same: dict[tuple[str, str], Future[LayerFacts]] = {}
        for index in sorted(range(len(layers)), key=lambda index: (-layers[index].size, index)):
            layer = layers[index]
            future = same.get((layer.digest, layer.diff_id)) or self._pool.submit(self._scan, index, layer)
            if layer.diff_id:  # without one, nothing says that two layers are the same
                same[layer.digest, layer.diff_id] = future
            self._waiting[index] = future

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown(cancel_futures=True)

    def take(self, index: int) -> LayerFacts:
        """Return a layer's facts, once; they are not kept here, so that memory is what the merge keeps."""
        try:
            return self._waiting.pop(index).result()
        except _GivenUpError:
            for other in self._waiting.values():
                error = other.exception()
                if error is not None and not isinstance(error, _GivenUpError):
                    raise error from None
            raise

    def _scan(self, index: int, layer: LayerSource) -> LayerFacts:
        def tick(count: int) -> None:
            if self._over.is_set():
                raise _GivenUpError
            if self._progress is not None:
                self._progress(index, count)

        try:
            tick(0)
            return layer.facts(Scan(self._wanted, self._limits, tick))
        except BaseException:  # also of this thread being stopped: whatever it is, the image cannot be read
            self._over.set()
            raise


def _view(config: ImageConfig, diff_ids: tuple[str, ...], overlay: Overlay, wanted: Wanted) -> ImageView:
    """Read what the merged files hold about the image as a whole."""
    limits = wanted.limits
    installed = packages.Installed()
    if wanted.interests.packages:
        installed = packages.installed(overlay.nodes, overlay.files, limits)
    view = ImageView(
        config=config,
        layers=diff_ids,
        nodes=overlay.nodes,
        elves=overlay.elves,
        files=_asked_for(overlay.files, wanted),
        packages=installed.packages,
        limits=overlay.notes.texts() + installed.limits,
        skipped=installed.skipped,
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
