"""Files that describe hosts: YAML or JSON of bounded size, read without letting them cost more than they weigh."""

import json
import sys
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from compatbuild.hosts.errors import HostError

MAX_JSON_BYTES = 64 << 20  # a cluster of a thousand nodes with their kernel configurations
MAX_YAML_BYTES = 16 << 20  # YAML costs forty times its size in memory while it is read
MAX_DEPTH = 50  # a list of NodeFeatures has ten levels
STDIN = "-"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_bytes(path: str, limit: int = MAX_JSON_BYTES) -> bytes:
    """Read a file, or stdin for ``-``; HostError when it cannot be read, is empty or larger than ``limit`` bytes."""
    try:
        if path == STDIN:
            data = _bounded(sys.stdin.buffer, limit)
        else:
            with Path(path).open("rb") as file:
                data = _bounded(file, limit)
    except OSError as error:
        raise HostError(
            f"{path} cannot be read", why=error.strerror or str(error), remedy="check the path, or name another file"
        ) from error
    if len(data) > limit:
        raise HostError(
            f"{_named(path)} is too large",
            why=f"it has more than {limit:,} bytes; reading stopped at byte {limit:,}",
            remedy="hand over fewer hosts at a time",
        )
    if not data.strip():
        raise HostError(f"{_named(path)} is empty", remedy="hand over a file that describes hosts")
    return data


def parse(data: bytes, path: str) -> list[Any]:
    """Parse JSON, or all documents of a YAML stream; HostError names the file, line and column of what is wrong."""
    text = _decoded(data, path)
    if text.lstrip()[:1] in ("{", "["):
        return [_json(text, path)]
    if len(data) > MAX_YAML_BYTES:
        raise HostError(
            f"{_named(path)} is too large for YAML",
            why=f"it has {len(data):,} bytes, and YAML may have {MAX_YAML_BYTES:,}",
            remedy="export it as JSON (-o json)",
        )
    return _yaml(text, path)


def _bounded(file: BinaryIO, limit: int) -> bytes:
    return file.read(limit + 1)


def _named(path: str) -> str:
    return "stdin" if path == STDIN else path


def _decoded(data: bytes, path: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise HostError(f"{_named(path)} is not text", why=f"byte {error.start:,} is not UTF-8") from error


def _json(text: str, path: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise HostError(f"{_named(path)} is not valid JSON", why=f"{place}: {error.msg}") from error
    except (RecursionError, ValueError) as error:  # nested too deep, or a number of too many digits
        raise HostError(
            f"{_named(path)} is not valid JSON", why="it is nested too deep or has a huge number"
        ) from error


def _yaml(text: str, path: str) -> list[Any]:
    try:
        _check(text, path)
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise HostError(f"{_named(path)} is not valid YAML", why=f"{place}{error.problem or error}") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise HostError(f"{_named(path)} is not valid YAML", why=str(error)[:300]) from error


def _check(text: str, path: str) -> None:
    """Refuse aliases, with which a small text makes a huge document, and deep nesting, before anything is built."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH:
            what = "an alias" if isinstance(event, yaml.AliasEvent) else f"more than {MAX_DEPTH} levels"
            place = (
                f"line {event.start_mark.line + 1}, column {event.start_mark.column + 1}" if event.start_mark else ""
            )
            raise HostError(f"{_named(path)} is refused", why=f"{place}: {what}", remedy="write values out instead")
