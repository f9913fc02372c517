"""The reference of the command line, made from the commands: ``python -m tests.golden.reference`` writes it."""

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import typer

from compatbuild import errors
from compatbuild.cli import check, validate
from compatbuild.cli.app import HELP, JOURNEYS, NAME, app
from compatbuild.cli.help import paragraphs, rows, usage
from compatbuild.errors import CompatError

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
INTRODUCTION = f"""# The command line

{HELP}
This page is made from the program (`python -m tests.golden.reference`).

```
{JOURNEYS}```

Results go to stdout, everything else to stderr. An error is three lines, what, why and what to do; with `-o json` it is
one JSON object on stderr. An option wins over its `COMPATBUILD_` variable, that over `.compatbuild.yaml`.
"""
VARIABLES = {
    "COLUMNS": "how wide tables are that do not go to a terminal; 100 without it",
    "NO_COLOR": "no colours, whatever else is set",
    "FORCE_COLOR, CLICOLOR_FORCE": "colours also where stdout is no terminal",
    "CLICOLOR": "`0`: no colours on a terminal",
    "TERM": "`dumb`: neither colours nor progress",
    "CI": "no progress",
    "COMPATBUILD_CACHE": "where what was read before is kept: a directory, or a URL that fsspec reaches",
    "COMPATBUILD_PROFILES": "the directory of your own profiles of operating systems",
    "COSIGN_PASSWORD": "the password of a private key, which may be empty",
    "SOURCE_DATE_EPOCH": "the date of what is attached, in seconds since 1970",
}
"""What else is read from the environment."""
INTERRUPTED = "interrupted (Ctrl-C)"


def contexts(context: Any) -> Iterator[Any]:
    """Yield a command's context and those of all commands below it."""
    yield context
    for name, command in getattr(context.command, "commands", {}).items():
        yield from contexts(typer.Context(command, info_name=name, parent=context))


def everything() -> list[Any]:
    """Return the contexts of all commands, the program's own first."""
    command = typer.main.get_command(app)
    return list(contexts(typer.Context(command, info_name=NAME, **command.context_settings)))


def exit_codes() -> dict[int, str]:
    """Return what each exit code means: those of errors by their classes, those of verdicts by their commands."""
    table = {0: "done; compatible; valid"}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CompatError)]
    for kind in kinds:
        table.setdefault(
            kind.exit_code, (kind.__doc__ or "").split("\n\n")[0].strip().partition(":")[0].rstrip(".").lower()
        )
    table[CompatError.exit_code] = "it could not be done: the error says why"
    table[check.EXIT_INCOMPATIBLE] = "a host is incompatible; what `diff --fail-on` names has changed"
    table[check.EXIT_OPEN] = "with --strict: no host is incompatible, and a verdict is open"
    table[validate.EXIT_INVALID] = "a specification, a requirement, a range or a template is invalid"
    table[130] = INTERRUPTED
    return dict(sorted(table.items()))


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION, "## Exit codes\n", *_table(("code", "meaning"), exit_codes().items())]
    told = everything()
    parts += ["", "## Environment\n", *_table(("variable", "what it does"), _variables(told))]
    for context in told:
        parts += ["", *_command(context)]
    return "\n".join(parts) + "\n"


def _variables(told: list[Any]) -> Iterator[tuple[str, str]]:
    options: dict[str, set[str]] = {}
    for context in told:
        for parameter in context.command.params:
            if parameter.envvar:
                options.setdefault(str(parameter.envvar), set()).add(parameter.opts[-1])
    yield from ((f"`{name}`", f"`{', '.join(sorted(options[name]))}`") for name in sorted(options))
    yield from ((f"`{name}`".replace(", ", "`, `"), text) for name, text in VARIABLES.items())


def _command(context: Any) -> Iterator[str]:
    yield f"## {context.command_path}\n"
    yield f"```\n{usage(context)}\n```"
    for paragraph in paragraphs(context):
        text = " ".join(paragraph.split())
        example = text.removeprefix("Example: ")
        yield f"\n```console\n{example}\n```" if example != text else f"\n{text}"
    for heading, found in groupby(rows(context), key=lambda row: row.heading):
        yield f"\n**{heading}**\n"
        yield from _table(("", ""), ((f"`{row.name}`", _marked(row.text)) for row in found))


def _marked(text: str) -> str:
    """Mark what typer adds to a text: variable and default."""
    return re.sub(r"  \[([^\]]*)\]$", r" *(\1)*", text)


def _table(head: tuple[str, str], lines: Any) -> Iterator[str]:
    yield f"| {head[0]} | {head[1]} |"
    yield "|---|---|"
    for left, right in lines:
        yield f"| {_cell(left)} | {_cell(right)} |"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
