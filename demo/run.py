"""The whole journey of compatbuild over the demo's image: ``python -m demo.run``, or ``make demo``.

Each step is a command, shown before it runs, so that a reader can repeat it from the root of the checkout. The run
begins with an empty ``out/demo`` and leaves there what the commands wrote; it needs no root, no Docker and no server.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

OUT = Path("out/demo")
IMAGE = "oci-dir:out/demo/image:v1"
PASSWORD = "demo"  # of a key that is made for this run and signs nothing else


class Step(NamedTuple):
    """A sentence for the reader, and the command as typed."""

    title: str
    command: str


STEPS = (
    Step(
        "Assemble an image: NumPy, CUDA 12 and MPI on a small root", "python -m demo.assemble out/demo/image --tag v1"
    ),
    Step("What does it need of its host, and why?", f"compatbuild infer {IMAGE} -o table -o json=out/demo/report.json"),
    Step("Start a template, to be kept in git", "compatbuild init --template gpu out/demo"),
    Step(
        "Refine what was inferred with it",
        "compatbuild refine out/demo/report.json --template out/demo/compat.yaml.j2 -o spec=out/demo/compat.yaml",
    ),
    Step("Would this specification mean what it says?", "compatbuild validate out/demo/compat.yaml"),
    Step("Make a key pair", "compatbuild key generate out/demo/cosign"),
    Step("Put the specification beside the image", f"compatbuild attach {IMAGE} out/demo/compat.yaml"),
    Step("Sign both", f"compatbuild sign {IMAGE} --sign key:out/demo/cosign.key"),
    Step("Is it the author's, for exactly this image?", f"compatbuild verify {IMAGE} --key out/demo/cosign.pub"),
    Step("What anyone can see without pulling the image", f"compatbuild show {IMAGE}"),
    Step(
        "All of it in one command, as CI runs it; a second time nothing changes",
        f"compatbuild publish {IMAGE} --template out/demo/compat.yaml.j2 --sign key:out/demo/cosign.key",
    ),
)


def run(step: Step, environment: dict[str, str]) -> int:
    """Show a step, run it, and return its exit code."""
    print(f"\n# {step.title}\n$ {step.command}", flush=True)
    return subprocess.run(shlex.split(step.command), env=environment, check=False).returncode


def main() -> int:
    """Run all steps; return 0, or the exit code of the first that fails."""
    start = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    # "python" and "compatbuild" mean those of the environment that runs this program.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "COSIGN_PASSWORD": PASSWORD, "PATH": path}
    print(f"To repeat a step: . .venv/bin/activate; export COSIGN_PASSWORD={PASSWORD}")
    for step in STEPS:
        if code := run(step, environment):
            print(f"\nThe demo ends here: this step's exit code is {code}", file=sys.stderr)
            return code
    print(f"\nDone in {time.monotonic() - start:.0f} s. {OUT} holds:")
    print("\n".join(f"  {entry.name}{'/' if entry.is_dir() else ''}" for entry in sorted(OUT.iterdir())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
