"""A daemon on another machine as a socket on this one: each connection is one ``ssh HOST docker system dial-stdio``.

That is how docker's and podman's own clients do it; ssh finds keys and hosts by its own settings, and asks nothing.
"""

import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from compatbuild.errors import SourceError

END_SECONDS = 5.0
"""For ssh to end after the connection was closed."""
MAX_SAID = 300
"""Characters of ssh's complaint that are shown."""


class Dialled:
    """A socket that leads to a command's stdin and stdout, a new process for each connection."""

    def __init__(self, command: Sequence[str], directory: Path) -> None:
        self.path = directory / "daemon.sock"
        self._command = command
        self._log = (directory / "stderr").open("w+b")
        self._processes: list[subprocess.Popen[bytes]] = []
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def complaint(self) -> str:
        """Return the last line of what the commands had to complain of."""
        self._log.seek(0)
        lines = self._log.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:MAX_SAID] if lines else ""

    def close(self) -> None:
        """Take no more connections, and end the processes."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for process in self._processes:
            process.terminate()
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()

    def _serve(self) -> None:
        with suppress(OSError):  # the server was closed
            while True:
                connection, _ = self._server.accept()
                with connection, suppress(OSError):  # a program that cannot be started is a connection that ends
                    self._processes.append(
                        subprocess.Popen(  # noqa: S603 - an address that the user named, its parts checked
                            self._command, stdin=connection.fileno(), stdout=connection.fileno(), stderr=self._log
                        )
                    )


@contextmanager
def dialled(command: Sequence[str]) -> Iterator[Dialled]:
    """Listen for the length of the block; SourceError when there is no ssh here."""
    import shutil  # noqa: PLC0415 - only here

    if shutil.which(command[0]) is None:
        raise SourceError(f"{command[0]} is not on PATH", why="the daemon is on another machine", remedy="install ssh")
    with tempfile.TemporaryDirectory(prefix="compatbuild-") as name:
        dial = Dialled(command, Path(name))
        try:
            yield dial
        finally:
            dial.close()
