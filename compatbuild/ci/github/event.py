"""What GitHub says about the run: which event, and whether it comes from a fork."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MAX_EVENT = 32 << 20
"""Bytes of an event; GitHub sends at most 25 MB (docs.github.com, webhook payloads)."""


@dataclass(frozen=True, slots=True)
class Event:
    """``pull_request`` is its number, 0 where the event is about none; ``base`` the branch it is to be merged into."""

    name: str = ""
    repository: str = ""
    pull_request: int = 0
    base: str = ""
    from_fork: bool = False


def read_event(environ: Mapping[str, str]) -> Event:
    """Read the event of a run. What it does not say is empty: other forges run actions too, and say less.

    A pull request whose head cannot be told to be of the same repository counts as one from a fork.
    """
    name, repository = environ.get("GITHUB_EVENT_NAME", ""), environ.get("GITHUB_REPOSITORY", "")
    payload = _payload(environ.get("GITHUB_EVENT_PATH", ""))
    asked = payload.get("pull_request")
    if not isinstance(asked, dict):
        return Event(name, repository)
    number, base = asked.get("number"), _at(asked, "base", "ref")
    head, target = _at(asked, "head", "repo", "full_name"), _at(asked, "base", "repo", "full_name")
    return Event(
        name=name,
        repository=repository,
        pull_request=number if isinstance(number, int) and number > 0 else 0,
        base=base if isinstance(base, str) else "",
        from_fork=not isinstance(head, str) or head != (target if isinstance(target, str) else repository),
    )


def _payload(path: str) -> dict[str, Any]:
    try:
        with Path(path).open("rb") as file:
            value = json.loads(file.read(MAX_EVENT))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
