"""The inputs of the action, from the environment of its step, checked before anything is done with them.

Whoever calls an action may pass on what a stranger wrote, such as the title of a pull request or the name of a
branch. So every input is hostile: one that looks like an option is refused, and so is a file outside of the workspace.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from compatbuild.errors import UsageError
from compatbuild.inference.changes import FailOn, parse_wishes
from compatbuild.refine.settings import SETTINGS_NAME
from compatbuild.refine.shipped import shipped_names
from compatbuild.registry.platform import parse_platform
from compatbuild.report.text import plain

PREFIX = "INPUT_"
"""Variables are called as GitHub calls those of JavaScript actions, with underscores for hyphens."""
NAMES = (
    "image", "subject-name", "subject-digest", "platforms", "config", "template", "spec", "dockerfile",
    "push-to-registry", "sign", "verify-key", "verify-identity", "verify-issuer", "check-profiles", "compare-with",
    "fail-on", "sarif-file", "show-summary", "annotations", "comment",
)  # fmt: skip
"""Every input but the two that are secrets, and ``python``, which is the installation's."""
SECRETS = ("signing-key", "github-token")
"""Inputs that are taken out of the environment, and never shown."""
MAX_INPUT = 4_096
"""Characters of one input; the longest is a list of profiles or a path (PATH_MAX of Linux)."""
BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
"""What ``getBooleanInput`` of GitHub's toolkit takes: the booleans of YAML 1.2's core schema."""
INCOMPATIBLE, OPEN = "incompatible", "open"
"""Words of ``fail-on`` about hosts; the others are those of ``compatbuild diff``."""
SIGN = re.compile(r"auto|none|keyless|key|(?:key|kms):.+")
DIGEST = re.compile(r"sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the author asked for. Paths are absolute; ``directory`` is where the action works.

    ``image`` is empty when none was named: the settings may name one.
    """

    workspace: Path
    directory: Path
    image: str
    platforms: tuple[str, ...]
    template: str
    spec: Path | None
    dockerfile: Path | None
    push: bool
    sign: str
    verify: tuple[str, ...]
    profiles: tuple[str, ...]
    fail_on_hosts: frozenset[str]
    fail_on_changes: frozenset[FailOn]
    compare_with: str
    sarif: Path | None
    summary: bool
    annotations: bool
    comment: bool


def read_inputs(environ: Mapping[str, str]) -> Inputs:
    """Return the inputs that a step's environment holds; UsageError names the input that is none."""
    given = {name: _checked(name, environ.get(variable(name), "").strip()) for name in NAMES}
    workspace = Path(environ.get("GITHUB_WORKSPACE") or Path.cwd()).resolve()
    directory = _directory(given["config"], workspace)

    text = given.__getitem__

    def file(name: str, *, exists: bool = True) -> Path | None:
        return _inside(name, text(name), directory, workspace, exists=exists) if text(name) else None

    hosts, changes = _fail_on(_words(text("fail-on")))
    push, verify = (
        _boolean(given, "push-to-registry"),
        _verify(file("verify-key"), text("verify-identity"), text("verify-issuer")),
    )
    if push and verify:
        raise UsageError(
            "a specification is either published or verified",
            why="push-to-registry is true, and verify-… says whose signature to look for",
            remedy="call the action twice",
        )
    return Inputs(
        workspace=workspace,
        directory=directory,
        image=_image(text("image"), text("subject-name"), text("subject-digest")),
        platforms=tuple(str(parse_platform(one)) for one in _words(text("platforms"))),
        template=text("template") if text("template") in shipped_names() else str(file("template") or ""),
        spec=file("spec"),
        dockerfile=file("dockerfile") or _usual_dockerfile(directory),
        push=push,
        sign=_sign(text("sign") or "auto"),
        verify=verify,
        profiles=tuple(_words(text("check-profiles"))),
        fail_on_hosts=hosts,
        fail_on_changes=changes,
        compare_with=text("compare-with"),
        sarif=file("sarif-file", exists=False),
        summary=_boolean(given, "show-summary", default=True),
        annotations=_boolean(given, "annotations", default=True),
        comment=_boolean(given, "comment"),
    )


def variable(name: str) -> str:
    """Return the variable that holds an input."""
    return PREFIX + name.upper().replace("-", "_")


def _checked(name: str, text: str) -> str:
    """Return an input that is short, printable, and no option of a command."""
    problem = ""
    if len(text) > MAX_INPUT:
        problem = f"it has over {MAX_INPUT} characters"
    elif not text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable():
        problem = "it holds characters that cannot be shown"
    elif text.startswith("-"):
        problem = "it begins with a hyphen, as options do"
    if problem:
        raise UsageError(
            f"the input {name} cannot be used", why=f"{problem}: {plain(text, 80)!r}", remedy="correct `with:`"
        )
    return text


def _words(text: str) -> list[str]:
    """Return the items of a list: one a line, or with commas or blanks between."""
    return [word for word in re.split(r"[\s,]+", text) if word]


def _boolean(given: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    text = given[name]
    if text and text not in BOOLEANS:
        raise UsageError(
            f"the input {name} is neither true nor false", why=f"it is {plain(text, 80)!r}", remedy="correct `with:`"
        )
    return BOOLEANS[text] if text else default


def _image(image: str, name: str, digest: str) -> str:
    if (image and name) or bool(name) != bool(digest):
        raise UsageError(
            "it is not clear which image is meant",
            why="either `image` is given, or both `subject-name` and `subject-digest` are",
            remedy="after docker/build-push-action: subject-digest: ${{ steps.build.outputs.digest }}",
        )
    if not name:
        return _one_word("image", image)
    if not DIGEST.fullmatch(digest):
        raise UsageError(
            "subject-digest is no digest",
            why=f"it is {plain(digest, 80)!r}",
            remedy="give sha256: and 64 hexadecimal digits, as the output `digest` of docker/build-push-action has",
        )
    return f"{_one_word('subject-name', name)}@{digest}"


def _one_word(name: str, text: str) -> str:
    if "\n" in text or "\r" in text:
        raise UsageError(
            f"the input {name} has several lines", why="one call is about one image", remedy="use a matrix for several"
        )
    return text


def _directory(config: str, workspace: Path) -> Path:
    if not config:
        return workspace
    found = _inside("config", config, workspace, workspace)
    if found.is_file() and found.name != SETTINGS_NAME:
        raise UsageError(
            f"the settings in {config} are not read",
            why=f"settings are in a file called {SETTINGS_NAME}",
            remedy="rename it, or name its directory",
        )
    return found if found.is_dir() else found.parent


def _inside(name: str, text: str, directory: Path, workspace: Path, *, exists: bool = True) -> Path:
    """Return the file that an input names, links followed: it must lie in the workspace."""
    path = (directory / _one_word(name, text)).resolve()
    if not path.is_relative_to(workspace):
        raise UsageError(
            f"the input {name} leads out of the workspace",
            why=f"{plain(text, 200)} is none of its files",
            remedy="name a file of the checkout",
        )
    if exists and not path.exists():
        raise UsageError(
            f"the input {name} names no file",
            why=f"there is no {plain(text, 200)}",
            remedy="check the path; without actions/checkout there are no files",
        )
    return path


def _usual_dockerfile(directory: Path) -> Path | None:
    path = directory / "Dockerfile"
    return path if path.is_file() and not path.is_symlink() else None


def _fail_on(words: Iterable[str]) -> tuple[frozenset[str], frozenset[FailOn]]:
    found = [word for word in words if word != "none"]
    hosts = {word for word in found if word in {INCOMPATIBLE, OPEN}}
    return frozenset(hosts), parse_wishes(word for word in found if word not in hosts)


def _sign(text: str) -> str:
    if not SIGN.fullmatch(text):
        raise UsageError(
            "it is not clear how to sign",
            why=f"`sign` is {plain(text, 80)!r}",
            remedy="use auto, none, keyless, key (with signing-key), key:FILE or kms:URI",
        )
    return text


def _verify(key: Path | None, identity: str, issuer: str) -> tuple[str, ...]:
    """Return the options of ``compatbuild verify``; none when nothing is to be verified."""
    if bool(identity) != bool(issuer):
        raise UsageError(
            "an identity is known by its issuer",
            why="verify-identity and verify-issuer belong together",
            remedy="for GitHub's own workflows: verify-issuer: https://token.actions.githubusercontent.com",
        )
    named = (f"--identity={identity}", f"--issuer={issuer}") if identity else ()
    return (*([f"--key={key}"] if key else ()), *named)
