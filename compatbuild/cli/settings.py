"""Settings of the work tree (``.compatbuild.yaml``), read once a run; a flag or a variable overrides each."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

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
    return f"{kind}:{settings().file(name)}" if found else kind or None


def key() -> Path | None:
    """Return the public key the settings verify with."""
    name = settings().verify.key
    return settings().file(name) if name else None
