"""Settings of the work tree (``.compatbuild.yaml``), read once a run; a flag or a variable overrides each."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.errors import UsageError

if TYPE_CHECKING:
    from compatbuild.refine.settings import Settings


@cache
def settings() -> "Settings":
    """Return the settings in force here; empty ones where there is no file."""
    from compatbuild.refine.settings import Settings, find_settings, load_settings

    path = find_settings(Path.cwd())
    return load_settings(path) if path else Settings(directory=Path.cwd())


def template() -> str | None:
    """Return the template the settings name: a file relative to theirs, or the name of a shipped one."""
    from compatbuild.refine.shipped import shipped_names

    name = settings().template
    return name if not name or name in shipped_names() else str(settings().file(name))


def sign() -> str | None:
    """Return what the settings sign with, a key file made absolute."""
    kind, found, name = settings().sign.partition(":")
    return f"{kind}:{settings().file(name)}" if found and kind == "key" else settings().sign or None


def file(name: str) -> Path | None:
    """Return a file that the settings name, relative to their own; None for an empty name."""
    return settings().file(name) if name else None


def image(typed: str | None) -> str:
    """Return the image that was typed, else the one the settings are about."""
    name = typed or settings().image
    if not name:
        raise UsageError(
            "no image was named",
            why="there is none on the command line, and no `image` in .compatbuild.yaml",
            remedy="name one, such as docker:my/app, oci-dir:PATH:TAG or registry.example/app:1.2",
        )
    return name
