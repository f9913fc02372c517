"""Variables in a compose file: ``$X``, ``${X}`` and its forms with a default (compose-spec ``12-interpolation.md``)."""

import re
from collections.abc import Mapping

MAX_TEXT = 4096
"""Characters of a text with variables, and of what it becomes."""
MAX_DEPTH = 10
"""Defaults within defaults."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATORS = (":-", ":?", ":+", "-", "?", "+")


class UnresolvedError(Exception):
    """Says which variable has no value."""


def substituted(text: str, values: Mapping[str, str], depth: int = 0) -> str:
    """Return a text with its variables' values; UnresolvedError for one that has none, or is written wrongly.

    Compose takes an empty text for a variable that is not set; an image's name with a hole in it is no name, so it is
    told here.
    """
    if len(text) > MAX_TEXT or depth > MAX_DEPTH:
        raise UnresolvedError("it is too long, or has defaults within too many defaults")
    parts: list[str] = []
    at = 0
    while (dollar := text.find("$", at)) >= 0:
        parts.append(text[at:dollar])
        following = text[dollar + 1 : dollar + 2]
        if following == "$":
            parts.append("$")
            at = dollar + 2
        elif following == "{":
            end = _closing(text, dollar + 2)
            parts.append(_braced(text[dollar + 2 : end], values, depth))
            at = end + 1
        else:
            match = _NAME.match(text, dollar + 1)
            if match is None:
                raise UnresolvedError(f"after a $ stands no name: {text[dollar : dollar + 20]!r}")
            parts.append(_value(match[0], values))
            at = match.end()
        if sum(map(len, parts)) > MAX_TEXT:
            raise UnresolvedError(f"with its values it is longer than {MAX_TEXT} characters")
    return "".join((*parts, text[at:]))


def _closing(text: str, start: int) -> int:
    depth = 1
    for at in range(start, len(text)):
        if text[at] == "}":
            depth -= 1
            if not depth:
                return at
        elif text.startswith("${", at):
            depth += 1
    raise UnresolvedError("a ${ is not closed")


def _braced(inner: str, values: Mapping[str, str], depth: int) -> str:
    match = _NAME.match(inner)
    if match is None:
        raise UnresolvedError(f"${{{inner[:20]}}} names no variable")
    name, rest = match[0], inner[match.end() :]
    if not rest:
        return _value(name, values)
    operator = next((one for one in _OPERATORS if rest.startswith(one)), "")
    if not operator:
        raise UnresolvedError(f"${{{inner[:20]}}} is none of the forms of a variable")
    word = rest[len(operator) :]
    value = values.get(name)
    there = bool(value) if operator.startswith(":") else value is not None
    if operator.endswith("+"):
        return substituted(word, values, depth + 1) if there else ""
    if there:
        return value or ""
    if operator.endswith("?"):
        raise UnresolvedError(f"the variable {name} is not set: {word[:100]}")
    return substituted(word, values, depth + 1)


def _value(name: str, values: Mapping[str, str]) -> str:
    if name not in values:
        raise UnresolvedError(f"the variable {name} is not set, and has no default")
    return values[name]
