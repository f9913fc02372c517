"""Which line of a Dockerfile made which layer, by the history that the builder wrote into the image's config.

A builder writes one step for each RUN, COPY, ADD and WORKDIR, in order, after those of the base image. So the last
steps of an image are the instructions of its Dockerfile, one for one, or it is not the Dockerfile of this image: then
nothing is said of any line. Variables may stand for anything. The forms are BuildKit's (0.34.2, ``RUN |1 A=b /bin/sh -c
TEXT # buildkit``, ``COPY SOURCES TARGET # buildkit``) and docker's classic ones, which buildah writes too (``/bin/sh -c
TEXT``, ``/bin/sh -c #(nop) COPY file:DIGEST in TARGET``); each was seen as those tools write it.
"""

import json
import re
from collections.abc import Iterator, Mapping

from compatbuild.image.dockerfile import Instruction, Stage, last_stage
from compatbuild.image.view import ImageConfig

MAKING = frozenset({"RUN", "COPY", "ADD", "WORKDIR"})
"""Instructions of which every builder writes a step, and which may make a layer."""
OTHER = frozenset({"ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "SHELL", "USER", "VOLUME"})
NOP = "/bin/sh -c #(nop) "
SHELL = "/bin/sh -c"
_COPIED = re.compile(r"(?:file|dir|multi):[0-9a-f]{64} in (.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\w+|\{[^}]*\})")


def lines_of_layers(dockerfile: str, config: ImageConfig) -> Mapping[str, int]:
    """Return the line that made each layer, by diff ID, from 1; of layers that the base brought, the line of its FROM.

    Empty when the Dockerfile is not that of the image, or that cannot be told for sure.
    """
    stage, steps = last_stage(dockerfile), _steps(config)
    if stage is None or steps is None:
        return {}
    own = [one for one in stage.instructions if one.word in MAKING]
    making = [number for number, (word, _, _) in enumerate(steps) if word in MAKING]
    if not any(one.word != "WORKDIR" for one in own) or len(own) > len(making):
        return {}
    if stage.scratch and len(own) != len(making):
        return {}
    pairs = dict(zip(making[len(making) - len(own) :], own, strict=True))
    shells = _shells(stage)
    if not all(_same(steps[number], one, shells[one.line]) for number, one in pairs.items()):
        return {}
    return _lines(stage, steps, pairs)


def _shells(stage: Stage) -> Mapping[int, str]:
    """Return what runs the text of a RUN, by the line of each instruction."""
    shell, found = SHELL, {}
    for one in stage.instructions:
        if one.word == "SHELL":
            shell = " ".join(_listed(one.text)) or shell
        found[one.line] = shell
    return found


def _lines(stage: Stage, steps: list[tuple[str, str, str]], by: Mapping[int, Instruction]) -> Mapping[str, int]:
    """Return the lines by layer; none when a step of the Dockerfile's made one that is not known to make any.

    So buildah is told apart, which without ``--layers`` has one layer for all, and counts it under the last step.
    """
    first = min(by)
    found: dict[str, int] = {}
    for number, (_, _, layer) in enumerate(steps):
        if not layer:
            continue
        if number > first and number not in by:
            return {}
        line = by[number].line if number in by else stage.base.line
        if found.setdefault(layer, line) != line:  # the same layer twice, as empty ones are
            found[layer] = 0
    return {layer: line for layer, line in found.items() if line}


def _steps(config: ImageConfig) -> list[tuple[str, str, str]] | None:
    """Return the word, the text and the layer (empty for none) of each step; None where they do not fit the layers."""
    if sum(config.layered) != len(config.diff_ids) or len(config.layered) != len(config.history):
        return None
    layers = iter(config.diff_ids)
    return [
        (*_step(said), next(layers) if layered else "")
        for said, layered in zip(config.history, config.layered, strict=True)
    ]


def _step(said: str) -> tuple[str, str]:
    """Return the instruction that a step of the history is of, and the rest of it; the word is empty if unknown.

    No expression is used on it: an image may say anything, at length.
    """
    before, nop, rest = said.partition(NOP)
    word, _, text = (rest.lstrip() if nop and not before else said).partition(" ")
    if word in MAKING | OTHER:
        return word, text.rstrip().removesuffix("# buildkit").rstrip()
    return ("RUN", said) if said.startswith(("/", "|")) else ("", said)


def _same(step: tuple[str, str, str], own: Instruction, shell: str) -> bool:
    """Say whether a step is of an instruction, in which ``shell`` is what runs a text."""
    word, said, _ = step
    if word != own.word:
        return False
    if word == "WORKDIR":  # written as it is, or with the directory it is in
        return True
    text = _without_flags(own.text)
    if word == "RUN":
        return _runs(said, text, own, shell)
    words = [_plain(one) for one in _listed(text) or text.split()]
    if copied := _COPIED.search(said):
        return bool(words) and _fits(copied[1].strip(), words[-1])
    return _fits(_plain(_without_flags(said)), " ".join(words))


def _runs(said: str, text: str, own: Instruction, shell: str) -> bool:
    """Say whether what a step ran is the text of a RUN, its words where it is a list, or its here-document."""
    if words := _listed(text):
        listed = _plain(" ".join(words))
        if _plain(said) == listed or (said.startswith("|") and _plain(said).endswith(f" {listed}")):
            return True
    scripts = [text]
    if len(own.documents) == 1:
        ((body, end),) = own.documents
        scripts += [body, f"{text} {body} {end}"]
    typed = {_plain(script) for script in scripts}
    return any(_plain(command) in typed for command in _commands(said, shell))


def _commands(said: str, shell: str) -> Iterator[str]:
    """Yield what a step may have run: without the arguments of the build before it, and without the shell.

    buildah writes the usual shell whatever runs it.
    """
    for runs in dict.fromkeys((shell, SHELL)):
        arguments, mark, command = said.partition(f"{runs} ")
        if mark and (not arguments or arguments.startswith("|")):
            yield command


def _without_flags(text: str) -> str:
    while text.startswith("--"):
        text = text.partition(" ")[2].lstrip()
    return text


def _listed(text: str) -> list[str]:
    """Return the words of a JSON list; nothing where the text is none."""
    if not text.startswith("["):
        return []
    try:
        words = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return words if isinstance(words, list) and all(isinstance(word, str) for word in words) else []


def _plain(text: str) -> str:
    """Return a text without the quotes and blanks in which builders differ."""
    return " ".join(text.replace('"', "").replace("'", "").split())


def _fits(said: str, typed: str) -> bool:
    """Say whether one text is what another becomes when its variables are filled in."""
    first, *parts = _VARIABLE.split(typed)
    if not parts:
        return said == typed
    if not said.startswith(first) or not said.endswith(parts[-1]):
        return False
    at, end = len(first), len(said) - len(parts[-1])
    for part in parts[:-1]:
        found = said.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return at <= end
