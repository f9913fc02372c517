"""The real programs the tests drive: built from pinned Go modules, or taken from the machine.

A program that is not there makes the test skip and say how to get it; with
``COMPATBUILD_REQUIRE_PEERS=1`` the test fails instead, so that a gate cannot pass by skipping.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

from tests.peers import cache

REQUIRE_VARIABLE = "COMPATBUILD_REQUIRE_PEERS"
REMEDIES = {
    "buildah": "apt-get install buildah",
    "chromium": "apt-get install chromium",
    "docker": "apt-get install docker.io, and docker-cli where that is a package of its own",
    "dockerd": "apt-get install docker.io",
    "docker-registry": "apt-get install docker-registry",
    "go": "Go 1.26 or later, from go.dev/dl",
    "git": "apt-get install git",
    "htpasswd": "apt-get install apache2-utils",
    "tmux": "apt-get install tmux",
    "zsh": "apt-get install zsh",
    "make": "apt-get install make",
    "mksquashfs": "apt-get install squashfs-tools",
    "runc": "apt-get install runc",
    "xmllint": "apt-get install libxml2-utils",
    "npm": "Node.js 20 or later, from nodejs.org, or apt-get install npm",
    "mmdebstrap": "apt-get install mmdebstrap",
    "podman": "apt-get install podman",
    "skopeo": "apt-get install skopeo",
    "softhsm2-util": "apt-get install softhsm2",
}


def peer(name: str) -> Path:
    """Give the built binary of a peer; KeyError when there is no such peer."""
    built = cache.binary(name)
    if not built.is_file():
        missing(f"peer {name} is not built: python -m tests.peers.build {name}")
    return built


def require(program: str) -> Path:
    """Give the path of a program of the machine's, one of REMEDIES; KeyError for any other."""
    remedy = REMEDIES[program]
    found = shutil.which(program)
    if found is None:
        missing(f"{program} is not on PATH: {remedy}")
    return Path(found)


def require_root(what: str) -> None:
    """Go on only as root, which a container daemon of its own asks for."""
    if os.geteuid() != 0:
        missing(f"{what} is started by root only")


def missing(reason: str) -> NoReturn:
    """Skip the test for a reason, or fail it where every peer is required."""
    import pytest  # noqa: PLC0415  building the peers needs only the standard library

    if os.environ.get(REQUIRE_VARIABLE) == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
