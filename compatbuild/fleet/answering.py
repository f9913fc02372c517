"""The row of one image: what is attached to it, judged where the engine is; or what was inferred of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from compatbuild.errors import CompatError
from compatbuild.fleet.attached import Attached, NoImageError, lookup
from compatbuild.fleet.engine import Engine, EngineLostError
from compatbuild.fleet.judging import Answer, judge, open_answer, problem_of
from compatbuild.fleet.layers import Reading
from compatbuild.fleet.rows import Origin, Problem, Row, User
from compatbuild.fleet.wanted import Image
from compatbuild.registry.registries import Registries
from compatbuild.signing.verify import Policy

NOTHING = "no specification is attached"
REFUSED = "the specification attached is not its author's"

Infer = Callable[[str, str, Reading], "tuple[bytes, bytes] | Problem"]
"""``infer(reference, platform, reading)``: specification and report of an image that is read; a pure function."""


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be done with each image, and with whose help.

    ``question`` is what the engine made of it. ``platform`` picks the image of an index, ``exactly`` when it was asked
    for. With ``reading``, images that carry no specification are read: ``infer`` is called for it, where the engine is.
    """

    question: Any
    hosts: tuple[str, ...]
    registries: Registries
    engine: Engine
    infer: Infer
    platform: str = ""
    exactly: bool = False
    policy: Policy | None = None
    reading: Reading | None = None


def attached_row(image: Image, work: Work) -> Row | Attached | None:
    """Return the row of an image by what is attached to it, an ``error`` row where there is no answer.

    What was found instead is returned of an image that is to be read, None for what is listed and no image.
    """
    if image.problem:
        return error_row(image, Problem.model_validate(image.problem), work)
    try:
        found = lookup(image.names, image.digest, work.registries, work.platform, work.policy, exactly=work.exactly)
    except NoImageError as error:
        return None if image.listed else error_row(image, problem_of(error), work)
    except CompatError as error:
        return error_row(image, problem_of(error), work)
    if found.content is not None:
        return _judged(image, found, (found.content, found.report), "attached", work)
    if work.reading is not None:
        return found
    return _filled(image, found, open_answer(work.hosts, REFUSED if found.signature else NOTHING), "none")


def inferred_row(image: Image, found: Attached, work: Work) -> Row:
    """Return the row of an image by what is inferred of it."""
    assert work.reading is not None
    try:
        inferred = work.engine.call(work.infer, found.name, work.platform, work.reading)
    except EngineLostError:
        raise
    except CompatError as error:
        inferred = problem_of(error)
    if isinstance(inferred, Problem):
        return error_row(image, inferred, work, found)
    return _judged(image, found, inferred, "inferred", work)


def error_row(image: Image, problem: Problem, work: Work, found: Attached | None = None) -> Row:
    """Return the row of an image that cannot be told about."""
    row = _filled(image, found or Attached(""), open_answer(work.hosts, problem.what), "none")
    return row.model_copy(update={"origin": "error", "error": problem})


def named(row: Row, image: Image) -> Row:
    """Return a row with the names and users that the sources have now."""
    return row.model_copy(update={"names": tuple(image.names), "used_by": _users(image)})


def _judged(image: Image, found: Attached, said: tuple[bytes, bytes | None], origin: Origin, work: Work) -> Row:
    try:
        answer: Answer | Problem = work.engine.call(judge, work.question, *said)
    except EngineLostError:
        raise
    except CompatError as error:  # its workers died of it
        answer = problem_of(error)
    if isinstance(answer, Problem):
        return error_row(image, answer, work, found)
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


def _users(image: Image) -> tuple[User, ...]:
    ordered = sorted(image.uses, key=lambda use: (use.namespace, use.workload, use.labels))
    return tuple(User(namespace=use.namespace, workload=use.workload, labels=dict(use.labels)) for use in ordered)
