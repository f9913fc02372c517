"""The command line: every command is a thin file beside this one."""

import os
import sys
from io import StringIO, TextIOWrapper

import typer

from compatbuild.cli import (
    attach,
    buildkit_scan,
    cache,
    check,
    copy,
    detector,
    diff,
    docker,
    export,
    fleet,
    infer,
    init,
    key,
    profile,
    publish,
    pull,
    refine,
    repair,
    select,
    show,
    sign,
    validate,
    verify,
    version,
)
from compatbuild.cli.help import App, example, usage
from compatbuild.cli.output import show_error, write_stdout
from compatbuild.errors import CompatError, UsageError

NAME = "compatbuild"
COMPLETION = f"_{NAME.upper()}_COMPLETE"
"""Set by a shell that asks what can be typed; then nothing is on the command line."""
HELP = "Say what a container image needs of its host: infer it from the image, refine it, publish it signed beside it."
JOURNEYS = """\
What does this image need of its host, and why?
  compatbuild infer my/app:1.2

State it from now on: start a template that is kept in git, then publish in CI, signed
  compatbuild init
  compatbuild publish registry.example/app:1.2 --sign key:cosign.key

Which systems run this image, which do not, and why?
  compatbuild check registry.example/app:1.2 --os all

Is this specification its author's, for exactly this image?
  compatbuild verify registry.example/app:1.2 --key cosign.pub

Does this change make the image need more of its host?
  compatbuild diff registry.example/app:1.1 registry.example/app:1.2
"""
"""What people come for, printed where no command was named."""

app = App(
    name=NAME,
    help=HELP,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
AUTHOR, REGISTRY, MORE = "From image to specification", "With a registry or an OCI layout", "More"
app.command(rich_help_panel=AUTHOR)(infer.infer)
app.command(rich_help_panel=AUTHOR)(init.init)
app.command(rich_help_panel=AUTHOR)(refine.refine)
app.command(rich_help_panel=AUTHOR)(validate.validate)
app.command(rich_help_panel=AUTHOR)(diff.diff)
app.command(rich_help_panel=REGISTRY)(publish.publish)
app.command(rich_help_panel=REGISTRY)(attach.attach)
app.command(rich_help_panel=REGISTRY)(attach.detach)
app.command(rich_help_panel=REGISTRY)(sign.sign)
app.command(rich_help_panel=REGISTRY)(verify.verify)
app.command(rich_help_panel=REGISTRY)(show.show)
app.command(rich_help_panel=REGISTRY)(pull.pull)
app.command(rich_help_panel=REGISTRY)(copy.copy)
app.command(rich_help_panel=REGISTRY)(repair.repair)
app.command(rich_help_panel=REGISTRY)(check.check)
app.command(rich_help_panel=REGISTRY)(select.select)
app.command(rich_help_panel=REGISTRY)(export.export)
app.add_typer(fleet.app, name="fleet", rich_help_panel=REGISTRY)
app.add_typer(key.app, name="key", rich_help_panel=MORE)
app.add_typer(profile.app, name="profile", rich_help_panel=MORE)
app.add_typer(detector.app, name="detector", rich_help_panel=MORE)
app.add_typer(cache.app, name="cache", rich_help_panel=MORE)
app.add_typer(docker.app, name="docker", rich_help_panel=MORE)
app.command("buildkit-scan", rich_help_panel=MORE)(buildkit_scan.buildkit_scan)
app.command(rich_help_panel=MORE)(version.version)


def main(name: str = NAME) -> None:
    """Run the command line, called by a name, and end with its exit code."""
    if sys.stdout is None:  # the caller closed it: there is nobody to tell a result to
        sys.stdout = StringIO()
    elif isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal that knows few characters still gets the rest
    sys.exit(run(name))


def run(name: str = NAME) -> int:
    """Run the command that was typed and return the exit code; an interrupt is 130, as in a shell."""
    failure: CompatError
    try:
        if not sys.argv[1:] and COMPLETION not in os.environ:
            write_stdout(f"{HELP}\n\n{JOURNEYS}\nEvery command: {NAME} --help\n")
            return UsageError.exit_code
        return app(prog_name=name, standalone_mode=False) or 0
    except CompatError as error:
        failure = error
    except typer.TyperException as error:
        failure = _usage(error)
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except OSError as error:  # what no room of ours foresaw, such as a working directory that is gone
        failure = CompatError(
            "the operating system refused", why=str(error), remedy="mend that, then repeat the command"
        )
    show_error(failure, as_json=_wants_json(sys.argv))
    return failure.exit_code


def _usage(error: typer.TyperException) -> UsageError:
    """Say in our words what typer found wrong with a call."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else NAME
    why = f"Usage: {usage(context)}" if context else "it was the last word, or another option follows"
    what = error.format_message().rstrip(".")
    shown = example(context) if context and what.startswith("Missing argument") else ""
    remedy = f"for example `{shown}`; see `{command} --help`" if shown else f"see `{command} --help`"
    return UsageError(what, why=why, remedy=remedy)


def _wants_json(argv: list[str]) -> bool:
    """Say whether a result was asked for as JSON, so that an error is told as JSON too."""
    for flag, value in zip(argv, [*argv[1:], ""], strict=True):
        wish = value if flag in ("-o", "--output") else flag.removeprefix("--output=").removeprefix("-o")
        if wish.partition("=")[0] == "json" and wish != flag:
            return True
    return False
