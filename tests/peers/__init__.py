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
    "chromium": "apt-get install chromium",
    "docker": "apt-get install docker.io; only its client is called",
    "docker-registry": "apt-get install docker-registry",
    "go": "Go 1.26 or later, from go.dev/dl",
    "git": "apt-get install git",
    "htpasswd": "apt-get install apache2-utils",
    "make": "apt-get install make",
    "mksquashfs": "apt-get install squashfs-tools",
    "runc": "apt-get install runc",
    "xmllint": "apt-get install libxml2-utils",
    "npm": "Node.js 20 or later, from nodejs.org, or apt-get install npm",
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


def missing(reason: str) -> NoReturn:
    """Skip the test for a reason, or fail it where every peer is required."""
    import pytest  # noqa: PLC0415  building the peers needs only the standard library

    if os.environ.get(REQUIRE_VARIABLE) == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
