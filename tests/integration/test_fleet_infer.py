"""Images without a specification are read: each layer once, whoever has it, on whatever engine, with the same rows."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.generated import Made, push, small_layers
from tests.integration.dask_cluster import dask
from tests.integration.tap import Tap, tap
from tests.peers import servers
from tests.unit.fleet.building import nodes, rows

pytestmark = pytest.mark.peer
IMAGES = 20


@pytest.fixture(scope="module")
def registry() -> Iterator[tuple[Tap, Made]]:
    with servers.debian_registry() as address:
        made = push(address, small_layers(), IMAGES)
        with tap(address) as wire:
            yield wire, made


def run(directory: Path, wire: Tap, *more: str) -> tuple[bytes, Counter[str]]:
    """Read the fleet; return the record, and how often each blob was asked for."""
    nodes(directory)
    begun = len(wire.requests)
    command = [sys.executable, "-m", "compatbuild", "fleet", f"registry:{wire.address}/fleet", "--infer-missing"]
    command += ["--features", "nodes.json", "--results", "r.jsonl", *more]
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(directory)}
    done = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, timeout=240, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    asked = Counter(re.findall(r"/blobs/(sha256:[0-9a-f]{64})", "\n".join(wire.requests[begun:])))
    record = (directory / "r.jsonl").read_bytes()
    (directory / "r.jsonl").unlink()
    return record, asked


def once(asked: Counter[str], made: Made) -> None:
    assert {digest: asked[digest] for digest in made.layers} == dict.fromkeys(made.layers, 1)


def test_each_layer_once_and_the_same_rows_everywhere(tmp_path: Path, registry: tuple[Tap, Made]) -> None:
    wire, made = registry
    assert len(made.layers) == 12
    record, asked = run(tmp_path, wire, "--workers", "2", "--cache", "cache")
    once(asked, made)
    found = rows(record.decode())
    assert len(found) == IMAGES
    assert {row.origin for row in found} == {"inferred"}
    assert {row.verdict for row in found} == {"compatible", "incompatible"}
    again, asked = run(tmp_path, wire, "--workers", "1", "--cache", "cache")
    assert again == record
    assert not set(asked) & made.layers  # the cache has all of them
    alone, asked = run(tmp_path, wire, "--workers", "1", "--no-cache")
    assert alone == record
    once(asked, made)
    with dask(tmp_path) as cluster:
        far, asked = run(tmp_path, wire, "--scheduler", cluster.address, "--cache", f"file://{tmp_path}/shared")
    assert far == record
    once(asked, made)
