"""What every function needs: the store that a reference names, and files of the user."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.errors import NotFoundError, UsageError
from compatbuild.registry.options import RegistryOptions
from compatbuild.version import __version__

if TYPE_CHECKING:
    from compatbuild.image.build import Step
    from compatbuild.registry.reference import LayoutReference, Reference
    from compatbuild.registry.store import Store
    from compatbuild.registry.subject import Subject

Say = Callable[[str], None]
"""Is told, in one line, what is being done."""
Progress = Callable[["Step"], None]
"""Is told how far reading an image is (``compatbuild.image.build.Step``); called from several threads."""
DEFAULT_OPTIONS = RegistryOptions()


@dataclass(frozen=True)
class Target:
    """A reference that was typed, and the store that holds it."""

    reference: "Reference | LayoutReference"
    store: "Store"

    def subjects(self, platform: str | None) -> list["Subject"]:
        """Return the manifests meant: with a platform the one for it, else the image, or index and platforms."""
        from compatbuild.registry.subject import ALL, subjects

        return subjects(self.store, self.reference, platform or ALL)


def open_target(reference: str, options: RegistryOptions) -> Target:
    """Parse a reference and open its store; nothing is asked of a registry yet.

    UsageError for the name of something that is here: ``infer`` reads it, but nothing can be attached to it by that.
    """
    from compatbuild.registry.reference import Reference, parse_reference
    from compatbuild.registry.store import open_store
    from compatbuild.sources.names import exists

    parsed = parse_reference(reference)
    if isinstance(parsed, Reference) and exists(reference):
        layout = exists(f"{reference}/oci-layout")
        raise UsageError(
            f"{reference} is a {'layout' if layout else 'file or directory'} here, and not the name of an image",
            why="specifications are attached to images in registries and, by their tags, in OCI layouts",
            remedy=f"use oci-dir:{reference}:TAG" if layout else f"use registry:{reference} if that is meant",
        )
    return Target(parsed, open_store(parsed, options))


def source_of(reference: "Reference | LayoutReference") -> str:
    """Return a reference as a source that ``infer`` reads."""
    from compatbuild.registry.reference import Reference

    return f"registry:{reference}" if isinstance(reference, Reference) else str(reference)


def creation_date() -> str:
    """Return now, or SOURCE_DATE_EPOCH, as RFC 3339 in UTC to the second (reproducible-builds.org)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch and not (epoch.isascii() and epoch.isdigit() and len(epoch) <= 11):
        raise UsageError(
            "SOURCE_DATE_EPOCH is not a number of seconds", why=f"it is {epoch[:40]!r}", remedy="correct or unset it"
        )
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def provenance() -> dict[str, str]:
    """Return the annotations of an artifact: tool, knowledge, and what git says of the current work tree."""
    from compatbuild.knowledge import load
    from compatbuild.refine.gitfacts import git_facts

    git = git_facts(Path.cwd())
    told = {
        "org.compatbuild.version": __version__,
        "org.compatbuild.knowledge": load().as_of,
        "org.opencontainers.image.source": git.remote,
        "org.opencontainers.image.revision": git.commit,
        "org.opencontainers.image.version": git.describe,
    }
    return {key: value for key, value in told.items() if value}


def read_file(path: Path, limit: int = 64 << 20) -> bytes:
    """Return the content of a file the user named, of at most ``limit`` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why=str(error.strerror), remedy="check the path") from error
    except OSError as error:
        raise UsageError(f"cannot read {path}", why=str(error.strerror), remedy="name a readable file") from error
    if len(data) > limit:
        raise UsageError(f"{path} is too large", why=f"at most {limit} bytes are read", remedy="name another file")
    return data
