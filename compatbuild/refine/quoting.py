"""Values as YAML that no reader can take for anything else."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from compatbuild.errors import TemplateError
from compatbuild.model.base import Model
from compatbuild.model.requirement import SUBJECTS, Requirement
from compatbuild.nfd.scalars import resolve
from compatbuild.nfd.write import quoted

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_INDENT = "  "


def quote(text: str) -> str:
    """Return a text as a double-quoted scalar on one line; half a surrogate pair, which no YAML holds, is replaced."""
    return quoted(_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text))


def word(text: str) -> str:
    """Return a text bare where it is a plain word that every YAML reader takes for itself, else quoted."""
    return text if _WORD.fullmatch(text) and resolve(text) == text else quote(text)


def flow(value: Any) -> str:
    """Return a value of JSON's kinds, or a model, as YAML on one line."""
    if isinstance(value, Model):
        return flow(fields(value))
    if isinstance(value, str):
        return word(value)
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{word(str(key))}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Iterable):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    raise TemplateError(f"a template cannot print {type(value).__name__}", remedy="print one of its fields")


def block(requirements: Iterable[Requirement]) -> str:
    """Return requirements as the items of a YAML list, one key a line, without indentation."""
    items = (
        "- " + f"\n{_INDENT}".join(f"{word(key)}: {flow(value)}" for key, value in fields(requirement).items())
        for requirement in requirements
    )
    return "\n".join(items)


def fields(model: Model) -> dict[str, Any]:
    """Return what a model says beyond its defaults; of a requirement, its id first and its comment last."""
    values = model.model_dump(mode="json", exclude_defaults=True)
    if not isinstance(model, Requirement):
        return values
    order = {"id": -2, **dict.fromkeys(SUBJECTS, -1), "comment": 1}
    return {key: values[key] for key in sorted(values, key=lambda key: order.get(key, 0))}
