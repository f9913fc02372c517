"""The images of a compose file (compose-spec ``05-services.md``, ``12-interpolation.md``).

Anchors and merge keys are what such files live on, so they are followed, but a small text must not become a huge
document: what its aliases stand for is counted before anything is built.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from compatbuild.errors import FleetError
from compatbuild.fleet.sources.files import called, read_text
from compatbuild.fleet.sources.variables import UnresolvedError, substituted
from compatbuild.fleet.wanted import Use, Wanted

MAX_BYTES = 4 << 20
MAX_NODES = 200_000
"""Nodes of the document with every alias written out."""
MAX_DEPTH = 50
MAX_SERVICES = 10_000
ENVIRONMENT = ".env"
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> Iterator[Wanted]:
    """Yield the image of each service; one that is only built has none.

    Variables come from the environment, then from ``.env`` beside the file, as compose takes them.
    """
    document = _document(str(path))
    services = document.get("services")
    if not isinstance(services, dict):
        raise FleetError(f"{called(str(path))} is no compose file", why="it has no services", remedy="name another")
    if len(services) > MAX_SERVICES:
        raise FleetError(f"{path} has {len(services):,} services", why=f"at most {MAX_SERVICES:,} are looked at")
    values = {**_settings(path.parent / ENVIRONMENT), **os.environ}
    project = document.get("name")
    stated = project if isinstance(project, str) and "$" not in project else path.resolve().parent.name
    for name, service in services.items():
        image = service.get("image") if isinstance(service, dict) else None
        if isinstance(image, str) and image:
            yield _wanted(image, Use(stated[:253], f"service/{str(name)[:253]}"), values)


def _wanted(image: str, use: Use, values: Mapping[str, str]) -> Wanted:
    try:
        return Wanted(substituted(image, values), use)
    except UnresolvedError as error:
        return Wanted(image, use, problem=str(error))


def _document(name: str) -> dict[str, Any]:
    text = read_text(name, MAX_BYTES)
    try:
        _check(text, name)
        document = yaml.load(text, _Loader)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError, RecursionError, TypeError) as error:  # TypeError: a key that cannot be one
        raise FleetError(f"{called(name)} is not valid YAML", why=" ".join(str(error).split())[:300]) from error
    if not isinstance(document, dict):
        raise FleetError(f"{called(name)} is no compose file", why="it is no mapping", remedy="name another")
    return document


def _check(text: str, name: str) -> None:
    """Refuse a document that is too deep, or too large once its aliases are written out."""
    weights: dict[str, int] = {}  # of what an anchor names
    open_nodes: list[tuple[str | None, int]] = []  # anchor and weight so far
    for event in yaml.parse(text, _Loader):
        weight = 0
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            weight = weights.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            weight = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((anchor, 1))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, weight = open_nodes.pop()
        if anchor and not isinstance(event, yaml.AliasEvent | yaml.CollectionStartEvent):
            weights[anchor] = weight
        if weight and open_nodes:
            outer, sum_so_far = open_nodes.pop()
            open_nodes.append((outer, sum_so_far + weight))
        if len(open_nodes) > MAX_DEPTH or weight > MAX_NODES or (open_nodes and open_nodes[-1][1] > MAX_NODES):
            raise FleetError(
                f"{called(name)} is refused",
                why=f"with its aliases written out it has more than {MAX_NODES:,} nodes, or {MAX_DEPTH} levels",
                remedy="write it without them",
            )


def _settings(path: Path) -> dict[str, str]:
    """Return the ``KEY=VALUE`` lines of a file that need not be there."""
    if not path.is_file():
        return {}
    found = {}
    for line in read_text(str(path), MAX_BYTES).split("\n"):
        key, equals, value = line.strip().removeprefix("export ").partition("=")
        if equals and not key.startswith("#"):
            found[key.strip()] = _unquoted(value.strip())
    return found


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "'\"":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()
