"""The whole journey of compatbuild over the demo's image: ``python -m demo.run``, or ``make demo``.

Each step is a command, shown before it runs, so that a reader can repeat it. The run begins with an empty ``out/demo``
and leaves there what the commands wrote; it needs no root, no Docker and no server.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

OUT = Path("out/demo")
IMAGE = "oci-dir:image:v1"  # as seen from OUT
PAGE = "matrix.html"
PASSWORD = "demo"  # of a key that is made for this run and signs nothing else


class Step(NamedTuple):
    """A sentence for the reader, and the command as typed."""

    title: str
    command: str


ASSEMBLE = Step(
    "Assemble a real image: NumPy, CUDA 12 and MPI on a small root file system",
    f"python -m demo.assemble {OUT}/image --tag v1",
)
STEPS = (
    Step("What does it need of its host, and why?", f"compatbuild infer {IMAGE} -o table -o json=report.json"),
    Step("Start a template, to be kept in git", "compatbuild init"),
    Step("Refine with it what was inferred", "compatbuild refine report.json -o spec=compat.yaml"),
    Step("Does the specification say what it means?", "compatbuild validate compat.yaml"),
    Step("Put it beside the image", f"compatbuild attach {IMAGE} compat.yaml"),
    Step("Make a key pair", "compatbuild key generate"),
    Step("Sign image and specification", f"compatbuild sign {IMAGE} --sign key:cosign.key"),
    Step("Is this the author's, for exactly this image?", f"compatbuild verify {IMAGE} --key cosign.pub"),
    Step("What anyone can see without pulling the image", f"compatbuild show {IMAGE}"),
    Step("All of it at once, as CI does it", f"compatbuild publish {IMAGE} --sign key:cosign.key"),
    Step("And again: what is the same changes nothing", f"compatbuild publish {IMAGE} --sign key:cosign.key"),
    Step("Where does it run?", f"compatbuild check {IMAGE} --os all --key cosign.pub -o summary -o html={PAGE}"),
)
"""What is done in OUT, in this order."""


def run(step: Step, directory: Path, environment: Mapping[str, str]) -> int:
    """Show a step, run it, and return its exit code."""
    print(f"\n# {step.title}\n$ {step.command}", flush=True)
    return subprocess.run(shlex.split(step.command), cwd=directory, env=environment, check=False).returncode


def main() -> int:
    """Run all steps; return 0, or the exit code of the first that fails."""
    start = time.monotonic()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    # "python" and "compatbuild" mean those of the environment that runs this program.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "COSIGN_PASSWORD": PASSWORD, "PATH": path}
    print(f"To repeat a step: . .venv/bin/activate; export COSIGN_PASSWORD={PASSWORD}")
    code = run(ASSEMBLE, Path(), environment)
    if not code:
        print(f"$ cd {OUT}")
    for step in STEPS:
        code = code or run(step, OUT, environment)
    if code:
        print(f"\nThe demo ends here: this step's exit code is {code}", file=sys.stderr)
        return code
    print(f"\nDone in {time.monotonic() - start:.0f} s. {OUT} holds:")
    print("\n".join(f"  {entry.name}{'/' if entry.is_dir() else ''}" for entry in sorted(OUT.iterdir())))
    if (OUT / PAGE).is_file():
        print(f"To see where it runs, and why, open {OUT / PAGE} in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
