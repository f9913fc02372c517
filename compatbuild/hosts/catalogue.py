"""The profiles: those that ship with the tool, a user's own, and files.

The shipped profiles are the YAML files in ``profiles/``. ``profiles.json`` holds the same documents in a form that is
read in a fraction of the time; ``python -m compatbuild.hosts.catalogue`` writes it from the YAML files.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from compatbuild.hosts.errors import HostError
from compatbuild.hosts.host import FIDELITIES, Host
from compatbuild.hosts.profile import host
from compatbuild.hosts.profile_file import SUFFIXES, read_profile

ALL = "all"
ENVIRONMENT = "COMPATBUILD_PROFILES"  # the directory of a user's own profiles
ARCHITECTURES = ("x86_64", "aarch64", "ppc64le", "s390x", "riscv64")
DEFAULT_ARCHITECTURE = "x86_64"
MAX_USER_PROFILES = 2000
INDEX = "profiles.json"
MAX_RANGE = 20  # minor versions in one range
_VERSIONS = re.compile(r"(?P<stem>[a-z-]+([0-9]{1,3})\.)(?P<first>[0-9]{1,3})\.\.\2\.(?P<last>[0-9]{1,3})")

Documents = Mapping[str, Mapping[str, Any]]


def profiles(
    pattern: str | Iterable[str],
    *,
    architecture: str = DEFAULT_ARCHITECTURE,
    min_fidelity: str = FIDELITIES[-1],
    directory: Path | None = None,
) -> tuple[Host, ...]:
    """Give the hosts of profiles, in the order of their names; several patterns add up.

    A pattern is ``all``, a name (``rhel-9.4``), an alias (``rhel-9``, ``openshift-4.18``), a glob (``cos-*``) or the
    file of a profile. ``directory``, else the one that ``COMPATBUILD_PROFILES`` names, holds a user's own profiles,
    which win over shipped ones of the same name. ``all`` and globs leave out profiles that lack the architecture.

    Raises HostError for an unknown name, with names that resemble it, for a broken profile, and for a profile named
    outright whose fidelity is below ``min_fidelity`` (one of ``FIDELITIES``).
    """
    if architecture not in ARCHITECTURES:
        raise HostError(
            f"{architecture[:100]!r} is no architecture of profiles", remedy=f"use one of {', '.join(ARCHITECTURES)}"
        )
    known = documents(directory)
    chosen: dict[str, Host] = {}
    for one in (pattern,) if isinstance(pattern, str) else pattern:
        found = _found(one, known)
        many = len(found) > 1 or one == ALL or _is_glob(one)
        for document in found.values():
            if not (many and architecture not in document["architectures"]) and _faithful(document, min_fidelity, many):
                chosen[document["metadata"]["name"]] = host(document, architecture)
    return tuple(chosen[name] for name in sorted(chosen, key=natural))


def documents(directory: Path | None = None) -> Documents:
    """Give the documents of all profiles by name, the user's own over the shipped ones."""
    named = _own_directory(directory)
    own = [read_profile(path) for path in _paths(named)] if named else []
    return {**_shipped(), **{document["metadata"]["name"]: document for document in own}}


def matching(pattern: str, directory: Path | None = None) -> tuple[Mapping[str, Any], ...]:
    """Give the documents of the profiles that a pattern names, in the order of their names."""
    found = _found(pattern, documents(directory))
    return tuple(found[name] for name in sorted(found, key=natural))


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a list of profiles shows of one: texts and lists of texts."""
    metadata, blocks = document["metadata"], document["architectures"]
    kernels = {block["kernel"].get("release") or block["kernel"]["version"] for block in blocks.values()}
    return {
        "name": metadata["name"],
        "fidelity": metadata["fidelity"],
        "architectures": list(blocks),
        "kernel": sorted(kernels) or [document.get("kernelDefault") or ""],
        "aliases": list(aliases(document)),
        "title": metadata["title"],
    }


def single(name: str, directory: Path | None = None) -> Mapping[str, Any]:
    """Give the document of one profile, by name, alias or file; HostError when a pattern names several."""
    found = _found(name, documents(directory))
    if len(found) != 1:
        raise HostError(f"{name[:100]!r} names {len(found)} profiles", remedy="name one of them")
    return next(iter(found.values()))


def text(name: str, directory: Path | None = None) -> str:
    """Give the YAML of one profile, by name, alias or file, as it was written."""
    key = single(name, directory)["metadata"]["name"]
    return _origin(name, key, directory).read_text(encoding="utf-8")


def _origin(name: str, key: str, directory: Path | None) -> Path:
    """Give the file of a profile that has been found under ``key``."""
    if _is_path(name):
        return Path(name)
    named = _own_directory(directory)
    mine = {read_profile(path)["metadata"]["name"]: path for path in _paths(named)} if named else {}
    return mine.get(key) or Path(str(files(__package__))) / "profiles" / f"{key}.yaml"


def aliases(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Give the other names of a profile: its aliases, and managed platforms whose name is one word.

    A range of minor versions (``eks-1.33..1.35``) stands for each of them.
    """
    metadata = document["metadata"]
    platforms = (one for one in metadata.get("managedPlatforms", ()) if " " not in one)
    return (*metadata.get("aliases", ()), *(name for one in platforms for name in _expanded(one)))


def _expanded(platform: str) -> Iterator[str]:
    found = _VERSIONS.fullmatch(platform)
    if found is None:
        yield platform
        return
    for minor in range(int(found["first"]), min(int(found["last"]), int(found["first"]) + MAX_RANGE) + 1):
        yield f"{found['stem']}{minor}"


def natural(name: str) -> list[tuple[int, str]]:
    """Give the key that sorts ``rhel-9.4`` before ``rhel-10.0``."""
    parts = "".join(c if c.isdigit() else f" {c} " for c in name).split()
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _found(pattern: str, known: Documents) -> Documents:
    if pattern == ALL:
        return known
    if _is_path(pattern):
        document = read_profile(Path(pattern))
        return {document["metadata"]["name"]: document}
    if pattern in known:
        return {pattern: known[pattern]}
    named = {name: one for name, one in known.items() if pattern in aliases(one)}
    globbed = {name: one for name, one in known.items() if _is_glob(pattern) and fnmatchcase(name, pattern)}
    if not named and not globbed:
        raise _unknown(pattern, known)
    return named or globbed


def _is_path(pattern: str) -> bool:
    return "/" in pattern or pattern.endswith(SUFFIXES)


def _is_glob(pattern: str) -> bool:
    return any(mark in pattern for mark in "*?[")


def _faithful(document: Mapping[str, Any], least: str, many: bool) -> bool:  # noqa: FBT001 - said by name in one place
    """Tell whether a profile is as near to a real host as it must be; one named outright that is not is an error."""
    if least not in FIDELITIES:
        raise HostError(f"{least[:100]!r} is no fidelity", remedy=f"use one of {', '.join(FIDELITIES)}")
    metadata = document["metadata"]
    near = FIDELITIES.index(metadata["fidelity"]) <= FIDELITIES.index(least)
    if not near and not many:
        raise HostError(
            f"the profile {metadata['name']} is only {metadata['fidelity']}",
            why=f"at least {least} was asked for",
            remedy="make a profile of a live node with `compatbuild profile create`, or accept a lower fidelity",
        )
    return near


def _unknown(name: str, known: Documents) -> HostError:
    names = {*known, *(alias for document in known.values() for alias in aliases(document))}
    near = get_close_matches(name[:100].lower(), sorted(names), 3)
    near = near or sorted((one for one in known if one.startswith(f"{name[:100].lower()}-")), key=natural)[-3:]
    return HostError(
        f"there is no profile {name[:100]!r}",
        why=f"{len(known)} profiles are known",
        remedy=f"did you mean {', '.join(near)}?" if near else "see `compatbuild profile list`",
    )


@cache
def _shipped() -> Documents:
    """Give the shipped profiles' documents, from the index."""
    found: Documents = json.loads((files(__package__) / INDEX).read_text(encoding="utf-8"))
    return found


def _own_directory(directory: Path | None) -> Path | None:
    return directory or (Path(os.environ[ENVIRONMENT]) if os.environ.get(ENVIRONMENT) else None)


def _paths(directory: Path) -> list[Path]:
    """Give the files of a directory of profiles."""
    try:
        paths = sorted(path for path in directory.iterdir() if path.name.endswith(SUFFIXES))
    except OSError as error:
        raise HostError(
            f"{directory} is not a directory of profiles",
            why=error.strerror or str(error),
            remedy=f"correct the variable {ENVIRONMENT}",
        ) from error
    if len(paths) > MAX_USER_PROFILES:
        raise HostError(f"{directory} holds {len(paths)} profiles", why=f"at most {MAX_USER_PROFILES} are read")
    return paths


def compiled() -> str:
    """Give the text of the index, made from the shipped YAML files: one line a profile."""
    lines = (f"{json.dumps(name)}: {json.dumps(one, separators=(',', ':'))}" for name, one in _written())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _written() -> Iterator[tuple[str, Any]]:
    directory = Path(str(files(__package__) / "profiles"))
    for path in sorted(directory.glob("*.yaml"), key=lambda path: natural(path.stem)):
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        yield path.stem, yaml.load(path.read_text(encoding="utf-8"), loader)  # noqa: S506 - both are safe loaders


if __name__ == "__main__":
    (Path(__file__).parent / INDEX).write_text(compiled(), encoding="utf-8")
