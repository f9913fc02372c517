"""What docker's own shell completion is told: commands and options, in the lines that programs built with cobra print.

A line is ``VALUE<TAB>HELP``; the last is ``:`` and a sum of flags (spf13/cobra, ``completions.go``).
"""

from collections.abc import Sequence

from typer.core import TyperArgument, TyperGroup, TyperOption
from typer.main import get_command

from compatbuild.cli.app import app

FILES_TOO = 0
"""ShellCompDirectiveDefault: where nothing is offered the shell offers files."""
NO_FILES = 4
"""ShellCompDirectiveNoFileComp."""


def completion(words: Sequence[str]) -> str:
    """Return the completions of the last of some words, which may be empty or the beginning of one."""
    *before, typed = words or [""]
    command = get_command(app)
    for word in before:
        if isinstance(command, TyperGroup) and word in command.commands:
            command = command.commands[word]
    offered: dict[str, str] = {}
    if typed.startswith("-"):
        for parameter in command.params:
            if isinstance(parameter, TyperOption):
                offered |= {name: parameter.help or "" for name in parameter.opts if name.startswith("--")}
    elif isinstance(command, TyperGroup):
        offered = {name: inner.get_short_help_str(80) for name, inner in command.commands.items()}
    takes_files = any(isinstance(parameter, TyperArgument) for parameter in command.params)
    lines = [f"{name}\t{' '.join(told.split())}" for name, told in offered.items() if name.startswith(typed)]
    return "\n".join([*lines, f":{NO_FILES if lines or not takes_files else FILES_TOO}"]) + "\n"
