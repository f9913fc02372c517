"""What git says about the work tree a template stands in."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from compatbuild.model.base import Model

if TYPE_CHECKING:
    from git import Repo

GIT_SECONDS = 20
"""How long one call of git may take; ``describe`` walks the history."""

_SAFE = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.fsmonitor", "GIT_CONFIG_VALUE_0": "false"}
"""A repository's own configuration may name a program to run as file-system monitor; it is not run."""


class GitFacts(Model):
    """The state of a work tree; everything is empty outside of one.

    ``commit`` is the full hash of HEAD, ``branch`` empty when HEAD is detached, ``tag`` a tag that points at HEAD,
    ``describe`` what ``git describe --tags --always`` prints, ``remote`` the URL of ``origin`` (else of the first
    remote) without credentials, ``dirty`` whether tracked files differ from HEAD.
    """

    commit: str = ""
    branch: str = ""
    tag: str = ""
    describe: str = ""
    remote: str = ""
    dirty: bool = False


def git_facts(directory: Path) -> GitFacts:
    """Return the facts of the work tree that holds ``directory``; empty when there is none, or no git."""
    os.environ.setdefault("GIT_PYTHON_REFRESH", "quiet")  # GitPython refuses to be imported where git is missing
    from git import Repo  # noqa: PLC0415 - costs start-up time
    from git.exc import GitError  # noqa: PLC0415 - as above

    try:
        with Repo(directory, search_parent_directories=True) as repo:
            repo.git.update_environment(**_SAFE)
            return _facts(repo)
    except (GitError, OSError, ValueError):
        return GitFacts()


def without_credentials(url: str) -> str:
    """Return a remote's URL without user, password, query and fragment; ``git@host:path`` has none to lose."""
    try:
        parts = urlsplit(url)
        if not parts.scheme or not parts.netloc:
            return url
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    except ValueError:
        return ""


def _facts(repo: "Repo") -> GitFacts:
    return GitFacts(
        commit=_asked(lambda: repo.head.commit.hexsha),
        branch="" if repo.head.is_detached else _asked(lambda: repo.active_branch.name),
        tag=_asked(lambda: str(repo.git.describe("--tags", "--exact-match", kill_after_timeout=GIT_SECONDS))),
        describe=_asked(lambda: str(repo.git.describe("--tags", "--always", kill_after_timeout=GIT_SECONDS))),
        remote=_asked(lambda: _remote(repo)),
        dirty=bool(_asked(lambda: "dirty" if repo.is_dirty(submodules=False) else "")),
    )


def _asked(question: Callable[[], str]) -> str:
    """Return git's answer, or nothing: a repository without commits has no HEAD, most commits have no tag."""
    from git.exc import GitError  # noqa: PLC0415 - see git_facts

    try:
        return question()
    except (GitError, OSError, ValueError, TypeError):  # GitPython's answers for what is not there
        return ""


def _remote(repo: "Repo") -> str:
    names = [remote.name for remote in repo.remotes]
    if not names:
        return ""
    remote = repo.remotes["origin" if "origin" in names else names[0]]
    return without_credentials(next(iter(remote.urls), ""))
