"""Build the peer programs: ``python -m tests.peers.build [NAME...]`` (default: all but the slow services).

Needs Go and the Go module proxy. What is already built is left alone, one is built after the
other, and a binary appears in the cache only when it is whole. Progress goes to stderr, the path
of each binary to stdout. Exit codes: 0 all there, 1 a build failed, 2 no such peer.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.peers import cache

# No paths of this machine, no version-control stamp and no symbols: the binary depends on the
# module alone. Go refuses to touch go.mod and go.sum.
FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w")
ENVIRONMENT = {"CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": ""}


def build(name: str) -> Path:
    """Give the binary of a peer, building it when it is not in the cache.

    Raises KeyError when there is no such peer, OSError when Go cannot be started, and
    subprocess.CalledProcessError when the build fails; Go has said why on stderr by then.
    """
    target = cache.binary(name)
    if target.is_file():
        _say(f"{name}: already built")
        return target
    _say(f"{name}: building")
    start = time.monotonic()
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        _compile(cache.module(name), Path(scratch) / target.name).replace(target)
    _say(f"{name}: built in {time.monotonic() - start:.0f} s")
    return target


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives its exit code."""
    parser = argparse.ArgumentParser(prog="tests.peers.build", description="Build peer programs.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(cache.names() + cache.services()))
    parser.add_argument("--services", action="store_true", help="the services of keyless signing, which take minutes")
    asked = parser.parse_args(arguments)
    chosen = tuple(asked.names) + (cache.services() if asked.services else ()) or cache.names()
    if unknown := set(chosen) - set(cache.names() + cache.services()):
        parser.error(f"no such peer: {', '.join(sorted(unknown))}")
    try:
        for name in chosen:
            sys.stdout.write(f"{build(name)}\n")
    except (OSError, subprocess.CalledProcessError) as error:
        _say(f"{name}: not built: {error}")
        return 1
    return 0


def _compile(module: Path, output: Path) -> Path:
    # "tool" means what the tool line of go.mod names.
    package = "." if (module / "main.go").is_file() else "tool"
    command = ["go", "build", *FLAGS, "-o", str(output), package]
    environment = {**os.environ, **ENVIRONMENT}
    subprocess.run(command, cwd=module, env=environment, stdout=sys.stderr, check=True)
    return output


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
