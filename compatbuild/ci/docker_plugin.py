"""``docker compat``: compatbuild as a plugin of the docker command line.

docker finds a program ``docker-compat`` in ``cli-plugins`` of its configuration directory, asks it for its metadata at
every ``docker --help``, and calls it with docker's own flags before the word ``compat``. Read from docker/cli,
``cli-plugins/metadata`` and ``cli-plugins/manager``, and tried with its release 28.2.2.

Asked for its metadata, nothing but this module and the version is imported.
"""

import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from compatbuild.errors import CompatError
from compatbuild.version import __version__

NAME = "compat"
METADATA_COMMAND = "docker-cli-plugin-metadata"
METADATA = {
    "SchemaVersion": "0.1.0",
    "Vendor": "compatbuild",
    "Version": __version__,
    "ShortDescription": "Say what a container image needs of its host",
}
"""Schema 0.1.0; without a schema version or a vendor docker lists the plugin as invalid."""
COMPLETE = ("__complete", "__completeNoDesc")
VARIABLES = {
    "-c": "DOCKER_CONTEXT",
    "--context": "DOCKER_CONTEXT",
    "--config": "DOCKER_CONFIG",
    "-H": "DOCKER_HOST",
    "--host": "DOCKER_HOST",
}
"""docker's own flags that say something to us, and the variable that says the same."""
WITH_VALUE = frozenset({*VARIABLES, "-l", "--log-level", "--tlscacert", "--tlscert", "--tlskey"})
MARK = "# Written by `compatbuild docker install-plugin`."


def executable(python: str) -> bytes:
    """Return the program that docker starts, for the interpreter that compatbuild is installed for.

    -P keeps the current directory out of the search: a package of our name may lie there.
    """
    return f'#!/bin/sh\n{MARK}\nexec {shlex.quote(python)} -P -m {__name__} "$@"\n'.encode()


def place(environ: Mapping[str, str]) -> Path:
    """Return where docker looks for the plugin of a user."""
    configured = environ.get("DOCKER_CONFIG")
    return (Path(configured) if configured else Path.home() / ".docker") / "cli-plugins" / f"docker-{NAME}"


def install(directory: Path | None, environ: Mapping[str, str]) -> Path:
    """Write the plugin, by default where docker looks for a user's own, and return its path.

    Doing it again writes it anew. CompatError when a file is there that is not ours, or cannot be written.
    """
    path = directory / f"docker-{NAME}" if directory else place(environ)
    try:
        if os.path.lexists(path) and not _ours(path):
            raise CompatError(
                f"{path} is there already",
                why="compatbuild has not written it",
                remedy="move it away, or name another place with --directory",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(executable(sys.executable))
        path.chmod(0o755)
    except OSError as error:
        raise CompatError(
            f"cannot write {path}",
            why=error.strerror or str(error),
            remedy="name a directory that you may write to with --directory",
        ) from error
    return path


def _ours(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return MARK.encode() in file.read(200)


def split(arguments: Sequence[str]) -> tuple[dict[str, str], list[str], list[str]]:
    """Return what docker's flags say as variables, the other words before ``compat``, and what stands after it."""
    variables: dict[str, str] = {}
    words: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == NAME:
            break
        flag, given, value = argument.partition("=")
        if not flag.startswith("-"):
            words.append(argument)
            continue
        if flag not in WITH_VALUE and flag[:2] in WITH_VALUE and flag[:2] != "--":  # -Htcp://…
            flag, given, value = flag[:2], "=", argument[2:].removeprefix("=")
        if flag in WITH_VALUE and not given:
            value = next(rest, "")
        if flag in VARIABLES:
            variables[VARIABLES[flag]] = value
    return variables, words, list(rest)


def main() -> None:
    """Answer docker, or run the command it passes on."""
    if sys.argv[1:2] == [METADATA_COMMAND]:
        sys.stdout.write(json.dumps(METADATA) + "\n")
        return
    variables, words, arguments = split(sys.argv[1:])
    os.environ.update(variables)
    from compatbuild.cli import app  # noqa: PLC0415 - docker asks for metadata far more often than for this

    if words and words[0] in COMPLETE:
        from compatbuild.ci.completion import completion  # noqa: PLC0415 - see above

        sys.stdout.write(completion(arguments))
        return
    sys.argv = [f"docker {NAME}", *arguments, *(["--help"] if words == ["help"] else [])]
    app.main(sys.argv[0])


if __name__ == "__main__":
    main()
