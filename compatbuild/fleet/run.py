"""One run: names become digests, digests become rows, rows go into the record as they come."""

from collections.abc import Callable
from dataclasses import dataclass, field

from compatbuild.errors import CompatError
from compatbuild.fleet.answering import Work, attached_row, error_row, inferred_row, named
from compatbuild.fleet.attached import Attached
from compatbuild.fleet.engine import EngineLostError
from compatbuild.fleet.judging import BUSY, problem_of
from compatbuild.fleet.layers import Layer, Plan, Reading, has_report, open_source, read_layer
from compatbuild.fleet.parallel import side_by_side
from compatbuild.fleet.record import Record
from compatbuild.fleet.rows import Problem, Row
from compatbuild.fleet.wanted import Image, Wanted, merged
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.registries import Registries
from compatbuild.registry.repository import RegistryRepository
from compatbuild.registry.retry import LONGEST_ASKED

THREADS = 32
"""Images in hand at once. What one of them needs of a registry or a worker keeps to the limits of those."""
MAX_THREADS = 512


@dataclass(slots=True)
class Progress:
    """How far a run is: ``images`` there are, ``known`` from before, ``done`` now, ``left_out`` as no images.

    ``layers`` are those that are to be read, ``read`` those that have been, and ``size`` their bytes.
    """

    images: int = 0
    known: int = 0
    done: int = 0
    errors: int = 0
    layers: int = 0
    read: int = 0
    size: int = 0
    left_out: list[str] = field(default_factory=list)


def resolve(wanted: dict[str, list[Wanted]], registries: Registries) -> list[Image]:
    """Return the images behind references; a name that leads nowhere is one too, and says why."""

    def one(item: tuple[str, list[Wanted]]) -> tuple[str, list[Wanted], str, dict[str, str]]:
        return (*item, *_digest(*item, registries))

    return merged(side_by_side(THREADS, one, wanted.items()))


def carry_out(images: list[Image], work: Work, record: Record, tell: Callable[[Progress], None]) -> Progress:
    """Write a row of each image that has none, or only an error, and put the record in order at the end.

    First come the images that carry a specification, then the layers of the others, then those. Whatever ends the run
    before, rows that were written stay. EngineLostError when the cluster went away.
    """
    run = _Run(work, record, tell)
    todo = [image for image in images if not _is_known(image, record)]
    run.progress.images, run.progress.known = len(images), len(images) - len(todo)
    tell(run.progress)
    missing = run.attached(todo)
    if missing and work.reading is not None:
        run.inferred(missing, run.layers(missing, work.reading))
    gone = run.left_out
    record.finish(named(record.row(image.key), image) for image in images if image.key not in gone)
    return run.progress


class _Run:
    """The steps of a run; only the thread that takes them writes."""

    def __init__(self, work: Work, record: Record, tell: Callable[[Progress], None]) -> None:
        self.progress = Progress()
        self.left_out: set[str] = set()
        self._work = work
        self._record = record
        self._tell = tell
        self._at_once = min(max(THREADS, 2 * work.engine.size), MAX_THREADS)

    def attached(self, images: list[Image]) -> list[tuple[Image, Attached]]:
        """Write the rows of images that carry a specification; return the images that are to be read."""
        missing = []
        for image, row in side_by_side(self._at_once, lambda one: (one, attached_row(one, self._work)), images):
            if isinstance(row, Attached):
                missing.append((image, row))
                continue
            if row is None:
                self.left_out.add(image.key)
                self.progress.left_out.append(next(iter(image.names)))
            self._write(row)
        return missing

    def layers(self, images: list[tuple[Image, Attached]], reading: Reading) -> Plan:
        """See to it that each layer of these images is in the cache, read once; return what could not be read."""
        plan = Plan()
        for _ in side_by_side(self._at_once, lambda one: self._plan(*one, reading, plan), images):
            pass
        layers = plan.layers()
        self.progress.layers = len(layers)
        self._tell(self.progress)
        # Two a worker: one to read, and one that is there when it is done.
        at_once = min(2 * self._work.engine.size, MAX_THREADS)
        for layer, size in side_by_side(at_once, lambda one: (one, self._read(one, reading)), layers):
            if isinstance(size, Problem):
                plan.fail(layer, size)
            else:
                self.progress.size += size
            self.progress.read += 1
            self._tell(self.progress)
        return plan

    def inferred(self, images: list[tuple[Image, Attached]], plan: Plan) -> None:
        """Write the rows of images whose layers have been read."""

        def one(pair: tuple[Image, Attached]) -> Row:
            image, found = pair
            problem = plan.problem(image.key)
            return error_row(image, problem, self._work, found) if problem else inferred_row(image, found, self._work)

        for row in side_by_side(self._at_once, one, images):
            self._write(row)

    def _plan(self, image: Image, found: Attached, reading: Reading, plan: Plan) -> None:
        try:
            source = open_source(found.name, self._work.registries, self._work.platform, reading.limits)
        except CompatError:
            return  # inferring it will say why
        if not has_report(source, reading):
            plan.add(image.key, found.name, source)

    def _read(self, layer: Layer, reading: Reading) -> int | Problem:
        """Read a layer where the engine is, no more at once from one host than agreed, wherever the workers are."""
        pace = self._work.registries.downloads(layer.host)
        with pace.turn():
            try:
                found = self._work.engine.call(read_layer, layer, reading)
            except EngineLostError:
                raise
            except CompatError as error:
                found = problem_of(error)
        if isinstance(found, Problem) and found.code == BUSY:
            pace.hold(LONGEST_ASKED)
        return found

    def _write(self, row: Row | None) -> None:
        if row is not None:
            self._record.write(row)
            self.progress.errors += row.origin == "error"
        self.progress.done += 1
        self._tell(self.progress)


def _digest(name: str, wants: list[Wanted], registries: Registries) -> tuple[str, dict[str, str]]:
    if wants[0].problem:
        return "", {"code": "fleet", "what": f"{name} cannot be looked up", "why": wants[0].problem}
    try:
        reference = parse_reference(name)
        if reference.digest:
            return reference.digest, {}
        registries.check(reference)
    except CompatError as error:
        return "", problem_of(error).model_dump()
    try:
        store = registries.store(reference)
        if isinstance(store, RegistryRepository):
            digest = store.digest_of_tag(reference.tag)
        else:
            digest = store.resolve(reference.selector).descriptor.digest
    except CompatError as error:
        registries.tell(reference, error)
        return "", problem_of(error).model_dump()
    registries.tell(reference, None)
    return digest, {}


def _is_known(image: Image, record: Record) -> bool:
    if image.key not in record.places:
        return False
    row = record.row(image.key)
    # An image with names in other repositories may have more attached there.
    return row.origin != "error" and (row.origin == "attached" or set(row.names) >= set(image.names))
