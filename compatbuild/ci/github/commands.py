"""What a step tells the runner: annotations on stdout; outputs and the summary in files.

Formats: docs.github.com, "Workflow commands for GitHub Actions"; escapes as ``command.ts`` of actions/toolkit has them.
"""

import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO, TypeAlias, get_args

from compatbuild.errors import CompatError
from compatbuild.report.text import plain

Level: TypeAlias = Literal["error", "warning", "notice"]
MAX_ANNOTATIONS = 10
"""Of each level that GitHub shows of one step; it drops the rest."""
MAX_SUMMARY = 1 << 20
"""Bytes of a step's summary; GitHub refuses a longer one whole."""
MAX_MESSAGE = 4_000
"""Characters of an annotation; GitHub cuts at 4,096."""
CUT = "\n\n**There is more:** the summary was cut here; the files that the action wrote have all of it.\n"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message at a line of a file; ``file`` is relative to the checkout, empty for none, ``line`` 0 for none."""

    level: Level
    title: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0


def annotate(annotations: Sequence[Annotation], stream: TextIO) -> None:
    """Print annotations; of each level as many as GitHub shows, the last of which says how many there are more."""
    for level in get_args(Level):
        found = [one for one in annotations if one.level == level]
        shown = found if len(found) <= MAX_ANNOTATIONS else found[: MAX_ANNOTATIONS - 1]
        stream.writelines(f"{_command(one)}\n" for one in shown)
        if len(found) > len(shown):
            more = f"and {len(found) - len(shown)} more: the summary and the SARIF file have all of them"
            stream.write(f"::{level} title=compatbuild::{_data(more)}\n")
    stream.flush()


def _command(one: Annotation) -> str:
    told = {"title": plain(one.title, 200)}
    if one.file:
        told["file"] = plain(one.file)
    if one.file and one.line:
        told |= {"line": str(one.line), **({"col": str(one.column)} if one.column else {})}
    properties = ",".join(f"{name}={_property(text)}" for name, text in told.items())
    message = "\n".join(plain(line) for line in one.message.split("\n"))
    return f"::{one.level} {properties}::{_data(message[:MAX_MESSAGE])}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


@contextmanager
def commands_stopped(stream: TextIO) -> Iterator[None]:
    """Let the runner obey nothing that is printed meanwhile: names in an image may look like a command."""
    token = secrets.token_hex(16)
    stream.write(f"::stop-commands::{token}\n")
    stream.flush()
    try:
        yield
    finally:
        sys.stderr.flush()
        stream.write(f"::{token}::\n")
        stream.flush()


def set_outputs(path: str, outputs: Mapping[str, str]) -> None:
    """Append outputs to the file GITHUB_OUTPUT; a value may have lines, none of which can end it or begin another."""
    if not path:
        return
    written = []
    for name, value in outputs.items():
        mark = f"end-{secrets.token_hex(16)}"
        written.append(f"{name}<<{mark}\n{value}\n{mark}\n")
    _append(path, "".join(written))


def add_summary(path: str, markdown: str) -> None:
    """Append to the file GITHUB_STEP_SUMMARY, at most as much as GitHub takes; cut at the end of a line."""
    if not path:
        return
    data = markdown.encode()
    if len(data) > MAX_SUMMARY:
        room = data[: MAX_SUMMARY - len(CUT.encode())]
        markdown = room[: room.rfind(b"\n") + 1].decode() + CUT
    _append(path, markdown)


def _append(path: str, text: str) -> None:
    try:
        with Path(path).open("a", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise CompatError(
            f"cannot write {path}", why=error.strerror or str(error), remedy="the runner makes that file: see its log"
        ) from error
