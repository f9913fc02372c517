"""The layers of images that are to be read: each one once, whoever has it, the largest first.

What a layer holds is kept in a cache that all workers reach; images are put together from there afterwards.
"""

from dataclasses import dataclass, replace
from functools import lru_cache, partial
from threading import Lock

from compatbuild.cache import open_cache
from compatbuild.detectors import discover
from compatbuild.errors import CompatError
from compatbuild.fleet.judging import problem_of
from compatbuild.fleet.rows import Problem
from compatbuild.image.interests import Interests
from compatbuild.image.layer_cache import LayerCache
from compatbuild.image.layer_source import BlobLayer, Scan
from compatbuild.image.limits import Limits
from compatbuild.image.wanted import Start, Wanted
from compatbuild.inference import engine
from compatbuild.inference.report_cache import ReportCache
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.pace import MOST
from compatbuild.registry.reference import Reference, parse_reference
from compatbuild.registry.registries import Registries
from compatbuild.sources.image_source import ImageSource, Wish
from compatbuild.sources.manifest import image_of


@dataclass(frozen=True, slots=True)
class Reading:
    """How images are read, wherever that is: ``cache`` is a path or URL that every worker reaches."""

    options: RegistryOptions
    limits: Limits
    cache: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer to read: where it is, and how the images start that have it, for that decides what is kept of it."""

    reference: str
    name: str
    digest: str
    size: int
    diff_id: str
    media_type: str
    start: Start

    @property
    def host(self) -> str:
        """The registry that it comes from; empty for a directory."""
        parsed = parse_reference(self.reference)
        return parsed.registry if isinstance(parsed, Reference) else ""


class Plan:
    """Which layers there are to read, and which images need them; told of images from several threads."""

    def __init__(self) -> None:
        self._layers: dict[str, Layer] = {}
        self._of: dict[str, tuple[str, ...]] = {}
        self._problems: dict[str, Problem] = {}
        self._lock = Lock()

    def add(self, key: str, reference: str, image: ImageSource) -> None:
        """Take in the layers of an image that is called by a key."""
        start = Start.of(image.config)
        found = [one for one in image.layers if isinstance(one, BlobLayer) and one.diff_id]
        with self._lock:
            self._of[key] = tuple(one.diff_id for one in found)
            for one in found:
                known = self._layers.get(one.diff_id)
                both = start if known is None or known.start.covers(start) else Start.union((known.start, start))
                self._layers[one.diff_id] = (
                    replace(known, start=known.start if known.start.covers(start) else both)
                    if known
                    else Layer(reference, one.name, one.digest, one.size, one.diff_id, one.media_type, both)
                )

    def layers(self) -> list[Layer]:
        """Return the layers, the largest first: what takes longest is not begun last."""
        return sorted(self._layers.values(), key=lambda one: (-one.size, one.diff_id))

    def fail(self, layer: Layer, problem: Problem) -> None:
        """Remember that a layer cannot be read: every image that has it would only find out again."""
        self._problems[layer.diff_id] = problem

    def problem(self, key: str) -> Problem | None:
        """Return why an image cannot be read, as far as that is known."""
        return next((self._problems[one] for one in self._of.get(key, ()) if one in self._problems), None)


def open_source(reference: str, registries: Registries, platform: str, limits: Limits) -> ImageSource:
    """Return the image of a reference with a digest, its manifest and config read and no layer."""
    parsed = parse_reference(reference)
    store = registries.store(parsed)
    scheme = "registry" if isinstance(parsed, Reference) else "oci-dir"
    return image_of(store, store.manifest(parsed.digest), scheme, reference, Wish(platform=platform, limits=limits))


def has_report(image: ImageSource, reading: Reading) -> bool:
    """Say whether an image was read before, so that its layers are not needed."""
    return ReportCache(open_cache(reading.cache), reading.limits).read(image) is not None


def read_layer(layer: Layer, reading: Reading) -> int | Problem:
    """Read a layer into the cache, unless it is there; return the bytes that were read, or what is wrong with it."""
    wanted = Wanted(_interests(), layer.start, reading.limits)
    cache = LayerCache(open_cache(reading.cache))
    if cache.read(layer.diff_id, wanted) is not None:
        return 0
    try:
        store = _registries(reading.options).store(parse_reference(layer.reference))
        stored = Descriptor(layer.media_type, layer.digest, layer.size)
        source = BlobLayer(
            layer.name, layer.digest, layer.size, layer.diff_id, layer.media_type, partial(store.open_blob, stored)
        )
        facts = source.facts(Scan(wanted, reading.limits, _nobody))
    except CompatError as error:
        return problem_of(error)
    if not facts.skipped:
        cache.write(layer.diff_id, facts, wanted)
    return layer.size


def _nobody(count: int, *, done: bool = False) -> None:
    """Nobody watches: progress is told by layers."""


@lru_cache(maxsize=1)
def _interests() -> Interests:
    return engine.interests(discover())


@lru_cache(maxsize=4)
def _registries(options: RegistryOptions) -> Registries:
    """Return the connections of this process, which serve one layer after the other."""
    return Registries(options, MOST)
