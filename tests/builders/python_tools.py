"""Tools and schemas from wheels of a package index, pinned by hash: read from the wheel, or unpacked and run."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tests.builders.wheels import fetched
from tests.peers import missing

CHECK_JSONSCHEMA = (
    "check_jsonschema-0.39.0-py3-none-any.whl",
    "14ce5c94871c551268ea948ffe21e9f1464dc48fb20bf9a4c13deeaaf756cf9b",
)
PRE_COMMIT = (
    ("cfgv-3.5.0-py2.py3-none-any.whl", "a8dc6b26ad22ff227d2634a65cb388215ce6cc96bbcc5cfde7641ae87e8dacc0"),
    ("identify-2.6.20-py2.py3-none-any.whl", "6a16b69b93187244e0548cbfd25b3e4a6f9a7a2ad784625c3bec2b8d27b81aaa"),
    ("nodeenv-1.12.0-py3-none-any.whl", "80644d65c10cc2be12e3e4b54b3367ff288c7ad24ae75c2dcc65454fc7449d4d"),
    ("pre_commit-4.7.0-py2.py3-none-any.whl", "2e229038ad3656081b70c27913157e4b636ef306f643f024a8a8e3f0f7b2f877"),
)
"""pre-commit and what it imports to read a manifest and to run hooks of the machine's own."""


def wheel_file(pin: tuple[str, str], path: str) -> bytes:
    """Return one file of a wheel; the test that asks is skipped, or fails, when it cannot be had."""
    with zipfile.ZipFile(_wheel(pin)) as archive:
        return archive.read(path)


def unpacked(directory: Path, *pins: tuple[str, str]) -> Path:
    """Unpack wheels into a directory that Python can import from."""
    for pin in pins:
        with zipfile.ZipFile(_wheel(pin)) as archive:
            archive.extractall(directory)
    return directory


def _wheel(pin: tuple[str, str]) -> Path:
    found = fetched(*pin)
    if isinstance(found, str):
        missing(found)
    return found
