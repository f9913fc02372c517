"""How many requests commands send to a registry, counted on the wire between them and a real one."""

import tempfile
from pathlib import Path
from typing import Any

from _pytest.outcomes import Skipped

from bench.measure import BenchError
from bench.startup import SPEC
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from compatbuild.signing import keyfiles
from tests.integration.shell import PASSWORD, REGISTRIES, shell
from tests.integration.tap import tap
from tests.unit.registry.building import push_image

COMMANDS = {
    "attach, the first in a repository": ("other", "attach", "other.yaml"),
    "attach": ("v1", "attach", "spec.yaml"),
    "attach, nothing new": ("v1", "attach", "spec.yaml"),
    "check": ("v1", "check", "--os", "debian-12"),
    "sign": ("v1", "sign", "--sign", "key:cosign.key"),
    "verify": ("v1", "verify", "--key", "cosign.pub"),
    "check --key": ("v1", "check", "--os", "debian-12", "--key", "cosign.pub"),
}
"""The tag of the image that a command is about, the command and its further arguments."""
REGISTRY = {"api": "with the referrers API", "fallback": "without it"}


def measured() -> dict[str, dict[str, int]]:
    """Return the requests by kind of registry and command; BenchError when there is no registry to ask."""
    try:
        return {REGISTRY[name]: _counted(name) for name in REGISTRY}
    except Skipped as missing:
        raise BenchError(str(missing)) from missing


def _counted(kind: str) -> dict[str, int]:
    found: dict[str, int] = {}
    with REGISTRIES[kind]() as address, tap(address) as wire, tempfile.TemporaryDirectory(prefix="bench-") as name:
        run = shell(Path(name))
        place = run.directory
        store = open_store(parse_reference(f"{address}/team/app:v1"))
        push_image(store, "v1")
        push_image(store, "other", mark="other")
        keyfiles.write_pair(place / "cosign.key", place / "cosign.pub", PASSWORD.encode())
        (place / "spec.yaml").write_text(SPEC)
        (place / "other.yaml").write_text(SPEC.replace("FUSE_FS", "OVERLAY_FS"))
        for command, (tag, verb, *arguments) in COMMANDS.items():
            before = len(wire.requests)
            ended = run.run(verb, f"{wire.address}/team/app:{tag}", *arguments)
            if ended.code:
                raise BenchError(f"{command} ended with exit code {ended.code}: {ended.err}")
            found[command] = len(wire.requests) - before
    return found


def as_rows(counts: dict[str, dict[str, int]]) -> list[list[Any]]:
    """Return a row a command: its name, and the requests at each kind of registry."""
    return [[command, *(one[command] for one in counts.values())] for command in COMMANDS]
