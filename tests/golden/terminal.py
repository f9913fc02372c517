"""Write what people see on a terminal, as tmux shows it: ``python -m tests.golden.terminal``."""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests import peers
from tests.builders.programs import write_image

DIRECTORY = Path(__file__).parent / "terminal"
ROOT = Path(__file__).parents[2]
LINES = 200
"""Lines of the terminal: more than any of these print, so that nothing scrolls away."""
COMMANDS = {"infer": "infer oci-dir:image:v1 --no-progress", "explain": "infer oci-dir:image:v1 --explain -q"}
COLUMNS = (80, 160)
PLAIN = {"NO_COLOR": "1"}


def screen(directory: Path, typed: str, columns: int, **environment: str) -> str:
    """Return what a terminal of so many columns shows of a command, colours as escapes; it ends with the command."""
    socket = str(
        Path(tempfile.mkdtemp(dir=directory)) / "tmux"
    )  # each screen has a server of its own, which ends with it
    tmux = [str(peers.require("tmux")), "-S", socket, "-f", "/dev/null"]
    words = " ".join(map(shlex.quote, (*tmux, "wait-for", "-S", "done")))
    line = f"{shlex.quote(sys.executable)} -m compatbuild {typed}; {words}; exec sleep 60"
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    surroundings = {**inherited, "LC_ALL": "C.UTF-8", "PYTHONPATH": str(ROOT), **environment}
    size = ("-x", str(columns), "-y", str(LINES))

    def run(*arguments: str) -> str:
        command = [*tmux, *arguments]
        done = subprocess.run(command, cwd=directory, env=surroundings, capture_output=True, text=True, check=True)
        return done.stdout

    try:
        run("new-session", "-d", *size, line)
        run("wait-for", "done")
        shown = run("capture-pane", "-p", "-e")
    finally:
        run("kill-server")
    return "\n".join(line.rstrip() for line in shown.rstrip("\n").split("\n")) + "\n"


def texts() -> Iterator[tuple[Path, str]]:
    """Yield what each file must hold."""
    with tempfile.TemporaryDirectory() as name:
        write_image(Path(name) / "image")
        for columns in COLUMNS:
            for command, typed in COMMANDS.items():
                yield DIRECTORY / f"{command}-{columns}.txt", screen(Path(name), typed, columns, **PLAIN)
            yield DIRECTORY / f"infer-{columns}-colours.txt", screen(Path(name), COMMANDS["infer"], columns)


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for path, text in texts():
        path.write_text(text, encoding="utf-8")
