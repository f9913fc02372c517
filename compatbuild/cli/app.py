"""The command line: every command is a thin file beside this one."""

import os
import sys

import typer

from compatbuild.cli import (
    attach,
    detector,
    infer,
    init,
    key,
    publish,
    pull,
    refine,
    show,
    sign,
    validate,
    verify,
    version,
)
from compatbuild.cli.output import show_error
from compatbuild.errors import CompatError

HELP = """
Say what a container image needs of its host: infer it from the image, refine it, publish it signed beside the image.

compatbuild infer my/app:1.2        what does this image need, and why?

compatbuild init                    start a template, kept in git

compatbuild publish REF             infer, refine, validate, attach, sign: in one go

compatbuild verify REF --key FILE   is this specification the author's, for exactly this image?
"""

app = typer.Typer(
    name="compatbuild",
    help=HELP,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)
AUTHOR, REGISTRY, MORE = "From image to specification", "With a registry or an OCI layout", "More"
app.command(rich_help_panel=AUTHOR)(infer.infer)
app.command(rich_help_panel=AUTHOR)(init.init)
app.command(rich_help_panel=AUTHOR)(refine.refine)
app.command(rich_help_panel=AUTHOR)(validate.validate)
app.command(rich_help_panel=REGISTRY)(publish.publish)
app.command(rich_help_panel=REGISTRY)(attach.attach)
app.command(rich_help_panel=REGISTRY)(attach.detach)
app.command(rich_help_panel=REGISTRY)(sign.sign)
app.command(rich_help_panel=REGISTRY)(verify.verify)
app.command(rich_help_panel=REGISTRY)(show.show)
app.command(rich_help_panel=REGISTRY)(pull.pull)
app.add_typer(key.app, name="key", rich_help_panel=MORE)
app.add_typer(detector.app, name="detector", rich_help_panel=MORE)
app.command(rich_help_panel=MORE)(version.version)


def main() -> None:
    """Run the command line; an error of ours ends with its own exit code, an interrupt with 130."""
    try:
        app()
    except CompatError as error:
        show_error(error, as_json=_wants_json(sys.argv))
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left to flush has nowhere to go
        sys.exit(1)


def _wants_json(argv: list[str]) -> bool:
    """Say whether a result was asked for as JSON, so that an error is told as JSON too."""
    for flag, value in zip(argv, [*argv[1:], ""], strict=True):
        wish = value if flag in ("-o", "--output") else flag.removeprefix("--output=").removeprefix("-o")
        if wish.partition("=")[0] == "json" and wish != flag:
            return True
    return False
