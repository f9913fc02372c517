"""Profiles in files: a user's own, and those that ``profile create`` writes. They are checked against the schema."""

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from compatbuild.hosts.documents import parse, read_bytes
from compatbuild.hosts.errors import HostError

SUFFIXES = (".yaml", ".yml", ".json")
MAX_PROFILE_BYTES = 4 << 20  # a profile with every option of a kernel and its modules has half of one
KIND = "HostProfile"
SCHEMA = "compatbuild-profile-v1.schema.json"


def read_profile(path: Path) -> dict[str, Any]:
    """Read one profile; HostError names the file and the place in it of what is wrong."""
    found = parse(read_bytes(str(path), MAX_PROFILE_BYTES), str(path))
    document = found[0] if len(found) == 1 else None
    if not isinstance(document, dict) or document.get("kind") != KIND:
        kind = document.get("kind", "no kind at all") if isinstance(document, dict) else "something else"
        raise HostError(
            f"{path} is not a profile",
            why=f"a profile is one document of kind {KIND}; this is {str(kind)[:100]}",
            remedy="for NodeFeature objects and exports of nfd use --features",
        )
    for error in _validator().iter_errors(document):
        place = ".".join(map(str, error.absolute_path)) or "the document"
        raise HostError(f"{path} is not a valid profile", why=f"{place[:300]}: {error.message[:300]}")
    return document


@cache
def schema() -> dict[str, Any]:
    """Give the JSON schema of profiles."""
    found: dict[str, Any] = json.loads((files("compatbuild.data") / "schemas" / SCHEMA).read_text(encoding="utf-8"))
    return found


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - only for profiles that do not ship with the tool

    return Draft202012Validator(schema())
