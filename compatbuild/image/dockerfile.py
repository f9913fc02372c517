"""Dockerfiles, as far as it takes to say which line made a layer: instructions, their lines, and the stage they are of.

Read from BuildKit's ``frontend/dockerfile/parser`` and docs.docker.com/reference/dockerfile: one instruction a line,
continued by an escape character at its end; lines that begin with ``#`` are left out even within an instruction;
a here-document follows the instruction that names it. Nothing is expanded and nothing is judged: a text that is no
Dockerfile gives instructions of no use, never an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINES = 50_000
"""Lines that are read; the longest Dockerfiles that are generated have a few thousand."""
_ESCAPE = re.compile(r"#\s*escape\s*=\s*([\\`])\s*", re.IGNORECASE)
_DIRECTIVE = re.compile(r"#\s*\w+\s*=")
_WORD = re.compile(r"\s*([A-Za-z]+)(?:\s+(.*))?", re.DOTALL)
_HEREDOC = re.compile(r"(?<!<)<<(-?)(['\"]?)([A-Za-z_]\w*)\2")
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?\s*", re.IGNORECASE)
WITH_HEREDOC = frozenset({"RUN", "COPY", "ADD"})


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word in capitals, the rest of it joined into one line, and its first line, from 1.

    ``documents`` are its here-documents, each with the word that ends it.
    """

    word: str
    text: str
    line: int
    documents: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Stage:
    """What makes the last stage of a Dockerfile, or the one of a name.

    ``base`` is the FROM that leaves the file, ``scratch`` says that it is of nothing; ``instructions`` are all that
    come after it, those of stages in between first.
    """

    base: Instruction
    scratch: bool
    instructions: tuple[Instruction, ...]


def last_stage(text: str) -> Stage | None:
    """Return the stage that becomes the image, None where there is no FROM."""
    stages: list[tuple[Instruction, int | None, list[Instruction]]] = []
    named: dict[str, int] = {}
    for one in instructions(text):
        if one.word == "FROM":
            origin, name = _names(one)
            stages.append((one, named.get(origin), []))
            if name:
                named[name] = len(stages) - 1
        elif stages:
            stages[-1][2].append(one)
    at = len(stages) - 1 if stages else None
    chain = []
    while at is not None:
        chain.append(stages[at])
        at = stages[at][1]
    if not chain:
        return None
    base = chain[-1][0]
    made = (one for _, _, own in reversed(chain) for one in own)
    return Stage(base, _names(base)[0] == "scratch", tuple(made))


def _names(base: Instruction) -> tuple[str, str]:
    """Return what a FROM is of, and what it calls its stage, in small letters as both are compared."""
    found = _FROM.fullmatch(base.text)
    return (found[1].lower(), (found[2] or "").lower()) if found else ("", "")


def instructions(text: str) -> Iterator[Instruction]:
    """Yield the instructions of a Dockerfile in order."""
    lines = text.splitlines()[:MAX_LINES]
    escape = _escape(lines)
    at = 0
    while at < len(lines):
        if not lines[at].strip() or lines[at].lstrip().startswith("#"):
            at += 1
            continue
        first, (joined, at) = at, _joined(lines, at, escape)
        found = _WORD.fullmatch(joined)
        if found is None:
            continue
        word, rest = found[1].upper(), (found[2] or "").strip()
        documents: list[tuple[str, str]] = []
        for dash, _, end in _HEREDOC.findall(rest) if word in WITH_HEREDOC else ():
            body, at = _body(lines, at, end, tabs=bool(dash))
            documents.append((body, end))
        yield Instruction(word, rest, first + 1, tuple(documents))


def _escape(lines: list[str]) -> str:
    """Return the character that continues a line: a directive at the top may choose another than the backslash."""
    for line in lines:
        if found := _ESCAPE.fullmatch(line.strip()):
            return found[1]
        if not _DIRECTIVE.match(line.strip()):
            break
    return "\\"


def _joined(lines: list[str], at: int, escape: str) -> tuple[str, int]:
    """Return a line with those that continue it, comments and empty ones left out, and where the next begins."""
    parts: list[str] = []
    continued = True
    while continued and at < len(lines):
        line = lines[at].rstrip()
        at += 1
        if line.lstrip().startswith("#") or (parts and not line):
            continue
        continued = line.endswith(escape)
        parts.append(line.removesuffix(escape))
    return "".join(parts), at


def _body(lines: list[str], at: int, end: str, *, tabs: bool) -> tuple[str, int]:
    """Return a here-document and where the next line begins; without its end it is all the rest."""
    body: list[str] = []
    while at < len(lines):
        line = lines[at].lstrip("\t") if tabs else lines[at]
        at += 1
        if line == end:
            break
        body.append(line)
    return "\n".join(body), at
