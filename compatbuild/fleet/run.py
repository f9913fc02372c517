"""One run: names become digests, digests become rows, rows go into the record as they come."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

from compatbuild.errors import CompatError
from compatbuild.fleet.attached import Attached, NoImageError, lookup
from compatbuild.fleet.engine import Engine, EngineLostError
from compatbuild.fleet.judging import Answer, judge, open_answer, problem_of
from compatbuild.fleet.record import Record
from compatbuild.fleet.rows import Origin, Problem, Row, User
from compatbuild.fleet.wanted import Image, Wanted, merged
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.registries import Registries
from compatbuild.registry.repository import RegistryRepository
from compatbuild.signing.verify import Policy

THREADS = 32
"""Images in hand at once. What one of them needs of a registry or a worker keeps to the limits of those."""
MAX_THREADS = 512
NOTHING = "no specification is attached"
REFUSED = "the specification attached is not its author's"

T = TypeVar("T")
R = TypeVar("R")
Infer = Callable[[str, str], "tuple[bytes, bytes] | Problem"]
"""``infer(reference, platform)``: the specification and the report of an image that is read; a pure function."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done with each image, and with whose help.

    ``question`` is what the engine made of it. ``platform`` picks the image of an index, ``exactly`` when it was asked
    for. ``infer`` is called, where the engine is, for images that carry no specification.
    """

    question: Any
    hosts: tuple[str, ...]
    registries: Registries
    engine: Engine
    platform: str = ""
    exactly: bool = False
    policy: Policy | None = None
    infer: Infer | None = None


@dataclass(slots=True)
class Progress:
    """How far a run is: ``images`` there are, ``known`` from before, ``done`` now, ``left_out`` as no images."""

    images: int = 0
    known: int = 0
    done: int = 0
    errors: int = 0
    left_out: list[str] = field(default_factory=list)


def resolve(wanted: dict[str, list[Wanted]], registries: Registries) -> list[Image]:
    """Return the images behind references; a name that leads nowhere is one too, and says why."""

    def one(wants: list[Wanted]) -> tuple[list[Wanted], str, dict[str, str]]:
        return (wants, *_digest(wants[0], registries))

    return merged(side_by_side(THREADS, one, wanted.values()))


def carry_out(images: list[Image], work: Work, record: Record, tell: Callable[[Progress], None]) -> Progress:
    """Write a row of each image that has none, or only an error, and put the record in order at the end.

    Whatever ends the run before, rows that were written stay. EngineLostError when the cluster went away.
    """
    progress = Progress(images=len(images))
    todo = [image for image in images if not _is_known(image, record)]
    progress.known = len(images) - len(todo)
    tell(progress)
    left_out = set()
    at_once = min(max(THREADS, 2 * work.engine.size), MAX_THREADS)
    for image, row in side_by_side(at_once, lambda image: (image, row_of(image, work)), todo):
        if row is None:
            left_out.add(image.key)
            progress.left_out.append(next(iter(image.names)))
        else:
            record.write(row)
            progress.errors += row.origin == "error"
        progress.done += 1
        tell(progress)
    record.finish(_named(record.row(image.key), image) for image in images if image.key not in left_out)
    return progress


def row_of(image: Image, work: Work) -> Row | None:
    """Return the row of an image, an ``error`` row where there is no answer; None for what is listed and no image."""
    if image.problem:
        return _error(image, Problem.model_validate(image.problem), work)
    try:
        found = lookup(image.names, image.digest, work.registries, work.platform, work.policy, exactly=work.exactly)
        return _row(image, found, work)
    except NoImageError as error:
        return None if image.listed else _error(image, problem_of(error), work)
    except EngineLostError:
        raise
    except CompatError as error:
        return _error(image, problem_of(error), work)


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


def _digest(wanted: Wanted, registries: Registries) -> tuple[str, dict[str, str]]:
    if wanted.problem:
        return "", {"code": "fleet", "what": f"{wanted.reference} cannot be looked up", "why": wanted.problem}
    try:
        reference = parse_reference(wanted.reference)
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


def _row(image: Image, found: Attached, work: Work) -> Row:
    origin: Origin = "attached"
    spec, report = found.content, found.report
    if spec is None:
        if work.infer is None:
            return _filled(image, found, open_answer(work.hosts, REFUSED if found.signature else NOTHING), "none")
        inferred = work.engine.call(work.infer, found.name, work.platform)
        if isinstance(inferred, Problem):
            return _error(image, inferred, work, found)
        (spec, report), origin = inferred, "inferred"
    answer: Answer | Problem = work.engine.call(judge, work.question, spec, report)
    if isinstance(answer, Problem):
        return _error(image, answer, work, found)
    return _filled(image, found, answer, origin)


def _filled(image: Image, found: Attached, answer: Answer, origin: Origin) -> Row:
    return Row.model_validate(
        {
            "digest": image.digest,
            "names": tuple(image.names),
            "used_by": _users(image),
            "origin": origin,
            "spec": found.spec,
            "level": found.level if origin == "attached" else "",
            "signature": found.signature,
            "signature_reason": found.signature_reason,
            "verdict": answer.verdict,
            "requirement": answer.requirement,
            "counts": answer.counts,
            "groups": answer.groups,
            "notes": answer.notes,
        }
    )


def _error(image: Image, problem: Problem, work: Work, found: Attached | None = None) -> Row:
    row = _filled(image, found or Attached(""), open_answer(work.hosts, problem.what), "none")
    return row.model_copy(update={"origin": "error", "error": problem})


def _named(row: Row, image: Image) -> Row:
    """Return a row with the names and users that the sources have now."""
    return row.model_copy(update={"names": tuple(image.names), "used_by": _users(image)})


def _users(image: Image) -> tuple[User, ...]:
    ordered = sorted(image.uses, key=lambda use: (use.namespace, use.workload, use.labels))
    return tuple(User(namespace=use.namespace, workload=use.workload, labels=dict(use.labels)) for use in ordered)
