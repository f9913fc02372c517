"""The same image from a docker daemon and from a directory: a daemon of our own, started for this."""

import shutil
import tempfile
from pathlib import Path

from _pytest.outcomes import Skipped

from bench.corpus import Stored
from bench.images import inference, tool
from bench.measure import BenchError, Command, Cost, in_turn, medians
from tests.peers.daemons import Daemon, dockerd

NAME = "bench:v1"
DOCKER, DIRECTORY, SAVE = "docker:", "oci-dir:", "docker save"


def measured(stored: Stored, runs: int) -> dict[str, Cost]:
    """Return the medians for one image; BenchError when no daemon can be started here."""
    try:
        with dockerd() as daemon, tempfile.TemporaryDirectory(prefix="bench-") as context:
            _build(daemon, stored, Path(context))
            commands = {
                DOCKER: Command(
                    tool("infer", f"docker:{NAME}", "-o", "json"),
                    {"DOCKER_HOST": f"unix://{daemon.socket}"},
                    fresh=True,
                ),
                DIRECTORY: inference(stored),
                SAVE: Command([*daemon.command, "save", NAME]),
            }
            return medians(in_turn(commands, runs))
    except Skipped as missing:
        raise BenchError(str(missing)) from missing
    except (AssertionError, RuntimeError) as error:
        raise BenchError(f"no docker daemon holds the image: {str(error)[:300]}") from error


def _build(daemon: Daemon, stored: Stored, context: Path) -> None:
    """Let the daemon unpack the layers: docker cannot load an OCI layout."""
    lines = ["FROM scratch"]
    for number, layer in enumerate(stored.layers):
        shutil.copyfile(layer, context / f"layer{number}.tar.gz")
        lines.append(f"ADD layer{number}.tar.gz /")
    (context / "Dockerfile").write_text("\n".join([*lines, 'ENTRYPOINT ["python3", "/app/main.py"]']))
    daemon.run("build", "--quiet", "--tag", NAME, ".", directory=context)
