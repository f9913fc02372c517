"""What ``--help`` prints: plain text, laid out here, since typer's own frames cost most of a command's start."""

import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from compatbuild.cli.output import write_stdout
from compatbuild.errors import UsageError
from compatbuild.report.colours import coloured

WIDEST: Final = 100
"""Columns of help on a wide terminal: longer lines of prose are hard to read."""
INDENT: Final = 2
NAMES: Final = 28
"""Columns at most for names beside their texts; a longer name stands on a line of its own."""
BOLD, DIM, CYAN = "1", "2", "36"
FAINT = ("[dim]", "[/dim]")
"""What stands around an example in a docstring."""


@dataclass(frozen=True)
class Row:
    """A command, an argument or an option: its heading, how it is typed and what it does."""

    heading: str
    name: str
    text: str


class Command(TyperCommand):
    """A command with our help."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of this command."""
        write(ctx, formatter)


class Group(TyperGroup):
    """A group of commands with our help, which is shown where no command is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed; ends with the help, and as a wrong call, where nothing was."""
        if not args and not ctx.resilient_parsing:  # the latter is completion
            write_stdout(page(ctx))
            ctx.exit(UsageError.exit_code)
        return super().parse_args(ctx, args)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help of this group."""
        write(ctx, formatter)


class App(typer.Typer):
    """A command line whose groups and commands have our help."""

    def __init__(self, *, group: type[Group] = Group, **settings: Any) -> None:
        super().__init__(cls=group, rich_markup_mode=None, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[..., Any]:
        """Register a command, as typer does."""
        return super().command(name, cls=Command, **settings)


def write(context: Any, formatter: Any) -> None:
    """Hand the help to typer, which strips the colours that it does not know to be welcome."""
    context.color = coloured(sys.stdout)
    formatter.write(page(context))


def rows(context: Any) -> Iterator[Row]:
    """Yield the commands of a group, and the arguments and options of a command, in the order of their headings."""
    found = [*_commands(context), *_parameters(context)]
    order = list(dict.fromkeys(row.heading for row in found))
    yield from sorted(found, key=lambda row: order.index(row.heading))


def paragraphs(context: Any) -> Iterator[str]:
    """Yield what a command says of itself, a paragraph each; an example starts with "Example: "."""
    text = context.command.help or ""
    for mark in FAINT:
        text = text.replace(mark, "")
    yield from (part for part in text.strip().split("\n\n") if part)


def usage(context: Any) -> str:
    """Return how a command is called, on one line; typer repeats the dots of what may be given several times."""
    return " ".join(str(context.get_usage()).split()).removeprefix("Usage: ").replace("...}...", "}...")


def example(context: Any) -> str:
    """Return the example in the help of a command; empty where it has none."""
    found = (part.removeprefix("Example: ") for part in paragraphs(context) if part.startswith("Example: "))
    return " ".join(next(found, "").split())


def page(context: Any) -> str:
    """Return the help of a command or a group for the terminal there is."""
    width = min(WIDEST, shutil.get_terminal_size((80, 24)).columns)
    style = _styled if coloured(sys.stdout) else _bare
    lines = [f"{style('Usage:', BOLD)} {usage(context)}"]
    for paragraph in paragraphs(context):
        lines += ["", *_paragraph(paragraph, width, style)]
    for heading, found in groupby(rows(context), key=lambda row: row.heading):
        lines += ["", style(heading, BOLD), *_list(list(found), width, style)]
    return "\n".join(lines) + "\n"


Style = Callable[[str, str], str]


def _bare(text: str, _: str) -> str:
    return text


def _styled(text: str, code: str) -> str:
    return f"\x1b[{code}m{text}\x1b[0m"


def _paragraph(text: str, width: int, style: Style) -> Iterator[str]:
    if text.startswith("Example: "):  # one line, so that it can be copied
        yield style(" ".join(text.split()), DIM)
        return
    yield from textwrap.wrap(" ".join(text.split()), width, break_long_words=False, break_on_hyphens=False)


def _list(found: list[Row], width: int, style: Style) -> Iterator[str]:
    """Yield names and texts side by side, the texts wrapped."""
    left = max((len(row.name) for row in found if len(row.name) <= NAMES), default=0)
    start = INDENT + left + 2
    for row in found:
        texts = textwrap.wrap(row.text, max(20, width - start), break_on_hyphens=False) or [""]
        name = " " * INDENT + style(row.name, CYAN)
        if len(row.name) > left:
            yield name
        else:
            yield f"{name}{' ' * (left - len(row.name) + 2)}{texts.pop(0)}".rstrip()
        yield from (f"{' ' * start}{text}" for text in texts)


def _commands(context: Any) -> Iterator[Row]:
    for name, command in getattr(context.command, "commands", {}).items():
        if not command.hidden:
            first = (command.help or "").strip().partition("\n\n")[0]
            yield Row(command.rich_help_panel or "Commands", name, " ".join(first.split()))


def _parameters(context: Any) -> Iterator[Row]:
    for parameter in context.command.get_params(context):
        record = parameter.get_help_record(context)
        if record is None:
            continue
        argument = parameter.param_type_name == "argument"
        name = record[0].partition(" <")[0] if argument else record[0]
        yield Row(parameter.rich_help_panel or ("Arguments" if argument else "Options"), name, record[1])
