"""The canonical YAML of a Kubernetes object: equal objects give equal bytes, and every text is in double quotes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from compatbuild.nfd.write import comment, pair, quoted


def document(value: Mapping[str, Any], remarks: Sequence[str]) -> bytes:
    """Give the YAML of an object of mappings, lists, texts, whole numbers and truth values, with remarks above it.

    Keys keep their order. SpecError when a text holds a lone surrogate, which no YAML can.
    """
    above = [line for remark in remarks for line in _remark(remark)]
    return "".join(f"{line}\n" for line in [*above, *_mapping(value)]).encode()


def _remark(text: str) -> list[str]:
    """Give a remark's lines: those after the first are set in, so that one sees where the next begins."""
    first, *rest = comment(text) or ["#"]
    return [first, *(line.replace("# ", "#   ", 1) for line in rest)]


def _mapping(value: Mapping[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        yield from _entry(key, item)


def _entry(key: str, item: Any) -> Iterator[str]:
    short = _short(item)
    if short is not None:
        yield from pair(key, short)
        return
    yield from pair(key, "")
    yield from (f"  {line}" for line in (_mapping(item) if isinstance(item, Mapping) else _list(item)))


def _list(items: Sequence[Any]) -> Iterator[str]:
    for item in items:
        first, *rest = _mapping(item)
        yield f"- {first}"
        yield from (f"  {line}" for line in rest)


def _short(item: Any) -> str | None:
    """Give what stands behind a key on its line; None for what goes below it."""
    if isinstance(item, str):
        return quoted(item)
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, int):
        return str(item)
    if not item:
        return "{}" if isinstance(item, Mapping) else "[]"
    if isinstance(item, Sequence) and all(isinstance(one, str) for one in item):
        return f"[{', '.join(map(quoted, item))}]"
    return None
