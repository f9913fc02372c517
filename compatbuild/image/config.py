"""The image config: OCI's ``application/vnd.oci.image.config.v1+json`` and docker's, which have the same fields.

Source: OCI image specification, ``config.md``. Every field is optional but ``rootfs``; a field of the wrong type is an
error, for a runtime would refuse it too.
"""

import json
from typing import Any

from compatbuild.errors import ImageError
from compatbuild.image.digests import DIGEST
from compatbuild.image.limits import KIB, Limits
from compatbuild.image.view import ImageConfig

MAX_ITEMS = 10_000
"""Entries of a list or mapping; docker's largest real lists (history) have a few hundred."""
MAX_TEXT = 128 * KIB
"""Characters of one text: what Linux takes as one argument or variable (MAX_ARG_STRLEN, execve(2))."""


def parse_config(raw: bytes, limits: Limits) -> ImageConfig:
    """Parse an image config; ImageError says which field is not what it should be."""
    document = _document(raw, limits)
    runtime = _object(document, "config")
    rootfs = _object(document, "rootfs")
    diff_ids = _texts(rootfs, "diff_ids")
    steps = _steps(document)
    for diff_id in diff_ids:
        if DIGEST.fullmatch(diff_id) is None:
            raise _wrong(f"diff ID {diff_id[:80]!r} is not a sha256 or sha512 digest")
    return ImageConfig(
        architecture=_text(document, "architecture"),
        os=_text(document, "os") or "linux",
        variant=_text(document, "variant"),
        os_version=_text(document, "os.version"),
        env=_texts(runtime, "Env"),
        entrypoint=_texts(runtime, "Entrypoint"),
        cmd=_texts(runtime, "Cmd"),
        working_dir=_text(runtime, "WorkingDir") or "/",
        user=_text(runtime, "User"),
        labels=_mapping(runtime, "Labels"),
        history=tuple(_text(step, "created_by") for step in steps),
        layered=tuple(step.get("empty_layer") is not True for step in steps),
        diff_ids=diff_ids,
    )


def _document(raw: bytes, limits: Limits) -> dict[str, Any]:
    if len(raw) > limits.document:
        raise _wrong(f"it has {len(raw):,} bytes, more than the {limits.document:,} that are read")
    try:
        document = json.loads(raw, object_pairs_hook=_unique_keys)
    except (ValueError, RecursionError) as error:
        raise _wrong(f"it is not JSON: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise _wrong("it is not a JSON object")
    return document


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that occurs twice: of such a config, this tool and a runtime might read different halves."""
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key occurs twice")
    return document


def _object(document: dict[str, Any], key: str) -> dict[str, Any]:
    value = document.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAX_ITEMS:
        raise _wrong(f"{key} is not an object")
    return value


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise _wrong(f"{key} is not a text")
    return _printable(value)


def _texts(document: dict[str, Any], key: str) -> tuple[str, ...]:
    value = document.get(key)
    if value is None:
        return ()
    if isinstance(value, str):  # docker's own type takes one word for a list (moby ``strslice``)
        value = [value]
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise _wrong(f"{key} is not a list")
    if not all(isinstance(item, str) and len(item) <= MAX_TEXT for item in value):
        raise _wrong(f"{key} is not a list of texts")
    return tuple(_printable(item) for item in value)


def _mapping(document: dict[str, Any], key: str) -> dict[str, str]:
    value = _object(document, key)
    if not all(isinstance(item, str) and len(item) <= MAX_TEXT for item in value.values()):
        raise _wrong(f"{key} is not an object of texts")
    return {_printable(name): _printable(item) for name, item in value.items()}


def _steps(document: dict[str, Any]) -> list[dict[str, Any]]:
    value = document.get("history")
    if value is None:
        return []
    if not isinstance(value, list) or len(value) > MAX_ITEMS or not all(isinstance(item, dict) for item in value):
        raise _wrong("history is not a list of objects")
    return value


def _printable(text: str) -> str:
    """Replace lone surrogates, which JSON can spell and no output can print."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _wrong(why: str) -> ImageError:
    return ImageError("The image config is malformed", why=why, remedy="build the image again with a current tool")
