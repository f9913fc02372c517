"""The filters with which a template picks out and changes requirements.

A *selector* is the id of a requirement (``cuda.driver-min``), a pattern over ids (``cuda.*``), or a subject
(``driver``).
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from pydantic import TypeAdapter, ValidationError

from compatbuild.errors import TemplateError
from compatbuild.model.requirement import SUBJECTS, AnyRequirement, Requirement, subject_of
from compatbuild.refine.quoting import fields
from compatbuild.validation.words import listed

Requirements = tuple[Requirement, ...]

_ANY: TypeAdapter[AnyRequirement] = TypeAdapter(AnyRequirement)


def has(requirements: Sequence[Requirement], *selectors: str) -> bool:
    """Tell whether any requirement is selected."""
    return any(_selected(requirement, selectors) for requirement in requirements)


def only(requirements: Sequence[Requirement], *selectors: str) -> Requirements:
    """Keep the selected requirements."""
    return tuple(requirement for requirement in requirements if _selected(requirement, selectors))


def without(requirements: Sequence[Requirement], *selectors: str) -> Requirements:
    """Drop the selected requirements; selecting none is no error, an image may cease to need something."""
    return tuple(requirement for requirement in requirements if not _selected(requirement, selectors))


def replace(requirements: Sequence[Requirement], *selectors: str, **changes: Any) -> Requirements:
    """Change the named keys of the selected requirements; a new subject replaces the old one with all its keys.

    TemplateError when nothing is selected: a bound that is silently not applied would be worse.
    """
    if not has(requirements, *selectors):
        raise TemplateError(
            f"replace: there is no requirement {listed(selectors)}",
            why=f"there are {listed(requirement.id for requirement in requirements) or 'none'}",
            remedy="use `add` for a new one, or guard it with {% if requirements | has(…) %}",
        )
    return tuple(_changed(one, changes) if _selected(one, selectors) else one for one in requirements)


def add(requirements: Sequence[Requirement], **keys: Any) -> Requirements:
    """Append a requirement given by its keys."""
    return (*requirements, _requirement(keys))


def _selected(requirement: Requirement, selectors: Sequence[str]) -> bool:
    return any(fnmatchcase(requirement.id, one) or subject_of(requirement) == one for one in selectors)


def _changed(requirement: Requirement, changes: dict[str, Any]) -> Requirement:
    values = fields(requirement)
    if subject := next((key for key in changes if key in SUBJECTS and key != subject_of(requirement)), None):
        values = {key: values[key] for key in ("id", "comment") if key in values}
        if subject_of(changes) is None:
            raise TemplateError(f"replace: one subject at a time, not `{subject}` and others", remedy="use `add` too")
    return _requirement({**values, **changes})


def _requirement(keys: dict[str, Any]) -> Requirement:
    try:
        return _ANY.validate_python(keys)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"][1:])
        why = f"{where}: {first['msg']}" if where else first["msg"]
        raise TemplateError(
            f"not a requirement: {keys}"[:200], why=why, remedy="see docs/refine.md for the keys"
        ) from error
