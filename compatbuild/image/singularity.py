"""How a Singularity or Apptainer image starts: ``/.singularity.d`` and the definition file, read as an image config.

What is there: Apptainer ``internal/pkg/build/assemblers`` and ``pkg/build/types/parser``; read from images that
Apptainer 1.4.5 made. Images made from docker's carry their Entrypoint and Cmd in the runscript, as quoted words.
"""

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from compatbuild.image.config import MAX_ITEMS, MAX_TEXT, parse_config
from compatbuild.image.limits import KIB, Limits
from compatbuild.image.view import ImageConfig

DIRECTORY = "/.singularity.d"
RUNSCRIPT = f"{DIRECTORY}/runscript"
STARTSCRIPT = f"{DIRECTORY}/startscript"
LABELS = f"{DIRECTORY}/labels.json"
DEFINITION = f"{DIRECTORY}/Singularity"
ENVIRONMENT = f"{DIRECTORY}/env"
METADATA_NAME = "inspect-metadata.json"
"""Name of the JSON object in a SIF that repeats what lies in the directory."""
MAX_SCRIPT = 64 * KIB
MAX_SCRIPTS = 32
"""Files of the environment that are read; Apptainer writes eight."""
MAX_DEFAULTS = 8
"""Defaults within defaults of one value (``${A:-${B:-c}}``)."""

_INITIAL = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
"""What Apptainer sets before the image's own variables (``internal/pkg/util/env``)."""
_OPENS = frozenset("if for while until case {".split())
_CLOSES = frozenset("fi done esac }".split())
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)
_DEFAULTED = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*):?-(.*)\}", re.DOTALL)
_FROM_DOCKER = re.compile(r"""export ([A-Za-z_][A-Za-z0-9_]*)="\$\{\1:-"(.*)"\}"\s*""")
"""How Apptainer writes a variable of an image of docker's, with a backslash before what a shell would expand."""
_EXPANSION = re.compile(r"\\([$`\"\\])|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)|([$`])")
_OCI = re.compile(r"^OCI_(?:ENTRYPOINT|CMD)=.*$", re.MULTILINE)
_SECTION = re.compile(r"^%(\w+)[^\n]*\n(.*?)(?=^%\w|\Z)", re.MULTILINE | re.DOTALL)
_BUILD_SECTIONS = frozenset(("setup", "post", "appinstall"))


@dataclass(frozen=True)
class Described:
    """Texts that say how an image starts; ``environment`` are scripts, in the order in which they are sourced."""

    runscript: str = ""
    startscript: str = ""
    environment: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    definition: str = ""

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what of it is not followed."""
        if self.runscript and _effective(self.startscript):
            return (f"what {STARTSCRIPT} runs is not followed: the image is taken to be started by its runscript",)
        return ()


def described(objects: Mapping[str, Any], definition: str, tree: Described) -> Described:
    """Join what the tree holds with what the SIF's objects repeat of it; the tree counts, for it is what runs.

    ``objects`` is the content of ``inspect-metadata.json``.
    """
    attributes = _member(_member(objects, "data"), "attributes")
    told = _member(attributes, "environment")
    scripts = tuple(text for _, text in sorted(told.items()) if isinstance(text, str)) if isinstance(told, dict) else ()
    return Described(
        tree.runscript or _text(attributes, "runscript"),
        tree.startscript or _text(attributes, "startscript"),
        tree.environment or scripts[:MAX_SCRIPTS],
        tree.labels or labels(_member(attributes, "labels")),
        tree.definition or definition or _text(attributes, "deffile"),
    )


def image_config(architecture: str, said: Described, limits: Limits) -> ImageConfig:
    """Return the image config that says the same; ImageError when there is more of it than any config holds."""
    entrypoint, command = _start(said)
    runtime = {
        "Entrypoint": entrypoint,
        "Cmd": command,
        "Env": [f"{name}={value}" for name, value in _environment(said.environment).items()],
        "Labels": said.labels,
    }
    history = [{"created_by": text[:MAX_TEXT]} for text in build_steps(said.definition)]
    document = {"architecture": architecture, "os": "linux", "config": runtime, "history": history}
    return parse_config(json.dumps(document).encode(), limits)


def labels(document: Any) -> dict[str, str]:
    """Return the labels that a JSON object holds, none of anything else."""
    if not isinstance(document, dict):
        return {}
    texts = {key: text for key, text in document.items() if isinstance(text, str) and len(text) <= MAX_TEXT}
    return dict(list(texts.items())[:MAX_ITEMS])


def json_object(content: bytes) -> dict[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def build_steps(definition: str) -> list[str]:
    """Return the sections of a definition file that are run while the image is built."""
    found = _SECTION.finditer(definition)
    return [f"%{match[1]}\n{match[2].rstrip()}" for match in found if match[1] in _BUILD_SECTIONS][:MAX_ITEMS]


def _start(said: Described) -> tuple[list[str], list[str]]:
    """Return what runs by default as Entrypoint and Cmd: words where they are plain, else the script itself."""
    script, path = (said.runscript, RUNSCRIPT) if said.runscript else (said.startscript, STARTSCRIPT)
    if given := [_words(line) for line in _OCI.findall(script)]:
        words = {name: _words(value) for line in given for name, _, value in [word.partition("=") for word in line[:1]]}
        return words.get("OCI_ENTRYPOINT", []), words.get("OCI_CMD", [])
    lines = _effective(script)
    if not lines:
        return [], []
    words_of_line = _words(lines[0])
    if len(lines) == 1 and words_of_line[:1] == ["exec"] and words_of_line[-1] in ("$@", "$*"):
        command = words_of_line[1:-1]
        if command and not any(letter in word for word in command for letter in "$`;|&<>"):
            return command, []
    return [path], []


def _effective(script: str) -> list[str]:
    """Return the lines of a script that are neither blank nor comments."""
    return [line for line in script.splitlines() if line.strip() and not line.lstrip().startswith("#")]


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        return []


def _environment(scripts: Iterable[str]) -> dict[str, str]:
    """Return the variables that scripts set on every way through them, as far as their values are plain."""
    known: dict[str, str] = {}
    for script in scripts:
        for name, value in _assignments(script, known):
            if value is None or "\n" in value or len(value) > MAX_SCRIPT:
                known.pop(name, None)
            else:
                known[name] = value
    return known


def _assignments(script: str, known: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    """Yield the assignments of lines that are nothing else, outside of ``if``, loops and functions.

    A value is None when it takes a command to know it.
    """
    depth = 0
    for line in script[:MAX_SCRIPT].replace("\\\n", " ").splitlines():
        if (match := _FROM_DOCKER.fullmatch(line)) and not depth:
            yield match[1], known.get(match[1]) or re.sub(r"\\(.)", r"\1", match[2])
            continue
        words = _words(line)
        inside = depth
        depth += sum(word in _OPENS for word in words) - sum(word.rstrip(";") in _CLOSES for word in words)
        if words[:1] == ["export"]:
            words = words[1:]
        found = [_ASSIGNMENT.fullmatch(word) for word in words]
        if not inside and not depth and all(found):
            for assignment in found:
                if assignment:
                    yield assignment[1], _expanded(assignment[2], known)


def _expanded(value: str, known: Mapping[str, str]) -> str | None:
    """Return a value with the variables known so far; None when it takes a command to know it, or is endless."""
    for _ in range(MAX_DEFAULTS):
        match = _DEFAULTED.fullmatch(value)
        if match is None:
            break
        if match[1] in known:
            return known[match[1]]
        value = match[2]
    plain: list[str] = []
    at = size = 0
    for match in _EXPANSION.finditer(value):
        if match[4]:
            return None
        name = match[2] or match[3] or ""
        plain += [value[at : match.start()], match[1] or known.get(name, _INITIAL.get(name, ""))]
        at = match.end()
        size += len(plain[-1])
        if size > MAX_SCRIPT:  # each variable may be as long as a script, and be named as often as one has room
            return None
    return "".join((*plain, value[at:]))


def _member(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None


def _text(value: Any, key: str) -> str:
    text = _member(value, key)
    return text if isinstance(text, str) and len(text) <= MAX_SCRIPT else ""
