"""The templates that ship with the tool."""

from importlib.resources import as_file, files
from pathlib import Path

SHIPPED_PREFIX = "compatbuild"
"""Where templates find the shipped ones: ``{% extends "compatbuild/default.yaml.j2" %}``."""

SUFFIX = ".yaml.j2"


def shipped_directory() -> Path:
    """Return the directory of the shipped templates."""
    # The package is never run from a zip archive, so the resource is a directory on disk and stays there.
    with as_file(files("compatbuild").joinpath("data", "templates")) as directory:
        return directory


def shipped_names() -> tuple[str, ...]:
    """Return the names of the shipped templates, such as ``default`` and ``gpu``."""
    return tuple(sorted(path.name.removesuffix(SUFFIX) for path in shipped_directory().glob(f"*{SUFFIX}")))
