"""Assemble the demo's image: ``python -m demo.assemble out/demo/image --tag v1``.

A NumPy, CUDA 12 and MPI program on a small root file system of what this machine gives, as an OCI layout. It needs
Linux on x86-64 with glibc and a package index, but no root, no Docker and no server. Two runs on one machine give one
digest.
"""

import argparse
import os
import posixpath
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from compatbuild.errors import CompatError
from demo.closure import Loader
from demo.layout import Layout
from demo.machine import require_platform
from demo.rootfs import Python, base_layer
from demo.tree import File, Link, Tree
from demo.wheels import Environment, cache_directory, fetch, installed

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
PROGRAM = HERE / "app" / "main.py"
CREATED = 1767225600  # 2026-01-01T00:00:00Z: any fixed time will do, so that two runs give one digest
PREFIX = "/opt/venv"
CONFIG = {
    "Env": [f"PATH={PREFIX}/bin:/usr/local/bin:/usr/bin:/bin"],
    "Entrypoint": ["python3", "/app/main.py"],
    "WorkingDir": "/app",
    "Labels": {
        "org.opencontainers.image.title": "compatbuild-demo",
        "org.opencontainers.image.description": "Estimates pi on MPI ranks, and reports the GPUs that CUDA 12 sees",
    },
}


def assemble(root: Path, tag: str, cache: Path | None = None) -> str:
    """Write the image to an OCI layout and return the digest of its manifest.

    ``root`` must not exist or be an OCI layout, which is replaced. ``cache`` keeps the wheels; by default it is in the
    user's cache directory. Raises DemoError on another kind of machine, without a package index, or when the machine
    lacks a library that the image needs.
    """
    parts = layers(cache)
    layout = Layout(root, int(os.environ.get("SOURCE_DATE_EPOCH") or CREATED))
    return layout.image(tuple(layout.layer(tree, made) for made, tree in parts), CONFIG, tag)


def layers(cache: Path | None = None) -> Iterator[tuple[str, Tree]]:
    """Return what made each layer of the image, lowest first, and what is in it; errors are those of ``assemble``."""
    require_platform()
    python = Python.running()
    wheels = fetch(REQUIREMENTS, cache or cache_directory())

    def made() -> Iterator[tuple[str, Tree]]:
        yield "base: Python and a shell of the machine", base_layer(python, Loader.of_machine())
        yield f"pip install --require-hashes -r {REQUIREMENTS.name}", environment_layer(python, wheels)
        yield f"COPY {PROGRAM.name} /app/", {"/app/main.py": File(PROGRAM)}

    return made()


def environment_layer(python: Python, wheels: Sequence[Path]) -> Tree:
    """Return a virtual environment (PEP 405) with wheels installed, as ``python -m venv`` and pip would make it."""
    environment = Environment(PREFIX, python.version)
    program = python.place(python.binary)
    settings = {"home": posixpath.dirname(program), "include-system-site-packages": "false", "version": python.version}
    tree: Tree = {
        f"{PREFIX}/pyvenv.cfg": File("".join(f"{key} = {value}\n" for key, value in settings.items()).encode()),
        f"{PREFIX}/bin/python3": Link(program),
        f"{PREFIX}/bin/python": Link("python3"),
        f"{PREFIX}/lib64": Link("lib"),
    }
    for wheel in wheels:
        tree |= installed(wheel, environment)
    return tree


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo.assemble", description="Assemble the demo's image.")
    parser.add_argument("layout", type=Path, help="directory of the OCI layout; an earlier one is replaced")
    parser.add_argument("--tag", default="v1", help="tag of the image in the layout (default: %(default)s)")
    chosen = parser.parse_args(arguments)
    try:
        digest = assemble(chosen.layout, chosen.tag)
    except CompatError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except OSError as error:
        print(f"The demo's image is not assembled\n{error}\nMend that, then repeat the command", file=sys.stderr)
        return 1
    print(f"oci-dir:{chosen.layout}:{chosen.tag} {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
