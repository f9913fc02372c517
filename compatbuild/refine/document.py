"""The requirements document: what a rendered template is, and what the specification is compiled from."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from compatbuild.errors import SpecError
from compatbuild.model.base import Model
from compatbuild.model.requirement import AlternativesRequirement, AnyRequirement, Requirement, subject_of
from compatbuild.nfd.ranges import Range
from compatbuild.refine.complaints import Location
from compatbuild.refine.yaml_model import load

DOCUMENT_VERSION = "compatbuild/v1"
DEFAULT_TAG = "required"
RANGES = ("kernel", "driver", "compute", "hugepages")
"""Subjects whose values are ranges."""

MAX_REQUIREMENTS = 1000
"""Requirements in one list; an image has a dozen."""

Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?$", max_length=63)]
"""A tag: what may stand between the commas of ``--tags``, and in a Kubernetes label value."""

Description = Annotated[str, Field(max_length=2000)]

Requirements = Annotated[
    tuple[AnyRequirement, ...],
    Field(max_length=MAX_REQUIREMENTS),
    # `requirements:` above an empty list that a template printed nothing for
    BeforeValidator(lambda value: () if value is None else value),
]


class Preference(Model):
    """A further set: hosts that also meet these requirements are preferred, by weight (1 to 100)."""

    tag: Tag
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    description: Description = ""
    requirements: Annotated[tuple[AnyRequirement, ...], Field(min_length=1, max_length=MAX_REQUIREMENTS)]


class RequirementsDocument(Model):
    """What an image needs of its host, in its author's words.

    All ``requirements`` must hold; they become one set with one rule under ``tag``. ``preferences`` become more
    sets.
    """

    version: Literal["compatbuild/v1"]
    tag: Tag = DEFAULT_TAG
    description: Description = ""
    requirements: Requirements = ()
    preferences: Annotated[tuple[Preference, ...], Field(max_length=MAX_REQUIREMENTS)] = ()


def parse(text: str, name: str = "-", *, rendered: bool = False) -> RequirementsDocument:
    """Read a requirements document; TemplateError names the file, and the line and key of each problem.

    ``rendered`` says that ``name`` is the template that printed the text, so that its author sees only the template.
    """
    return load(
        text.encode("utf-8", "replace"),
        f"what {name} prints" if rendered else name,
        RequirementsDocument,
        "a requirements document",
        check=_range_problems,
        show=rendered,
    )


def _range_problems(document: RequirementsDocument) -> Iterator[tuple[Location, str]]:
    """Yield the ranges that are none, or that no version satisfies."""
    yield from _within(document.requirements, ("requirements",))
    for index, preference in enumerate(document.preferences):
        yield from _within(preference.requirements, ("preferences", index, "requirements"))


def _within(requirements: Iterable[Requirement], path: Location) -> Iterator[tuple[Location, str]]:
    for index, requirement in enumerate(requirements):
        here = (*path, index, subject_of(requirement) or "")  # as pydantic would name it
        for key in RANGES:
            value: Any = getattr(requirement, key, None)
            ranges = {(key, size): value[size] for size in value} if isinstance(value, dict) else {(key,): value}
            for step, text in ranges.items():
                if text not in {None, "any"} and (problem := _range_problem(text)):
                    yield (*here, *step), problem
        if isinstance(requirement, AlternativesRequirement):
            for number, branch in enumerate(requirement.any):
                yield from _within(branch, (*here, "any", number))


def _range_problem(text: str) -> str | None:
    try:
        Range.parse(text)
    except SpecError as error:
        return f"{error.what[:1].lower()}{error.what[1:]}: {error.why}"
    return None
