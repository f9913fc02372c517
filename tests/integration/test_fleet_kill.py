"""Killed in mid-run, a worker, the scheduler or the command: nothing is lost, and in the end nothing is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from tests.integration.dask_cluster import Dask, command_of, dask, descendants
from tests.integration.slow import slow
from tests.peers import servers
from tests.unit.fleet.building import image, nodes, rows

pytestmark = pytest.mark.peer
IMAGES = 30
BEGUN = 6
"""Rows that are written before anything is killed."""
FLAGS = ("SSE2", "AVX2", "")
DEADLINE = 120


@dataclass(frozen=True)
class Runs:
    """Runs over a registry that takes its time, in a directory of their own."""

    directory: Path
    address: str

    def start(self, *more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "compatbuild", "fleet", "check", f"registry:{self.address}/fleet"]
        command += ["--features", "nodes.json", "--results", "r.jsonl", "--per-host", "2", *more]
        return subprocess.Popen(command, cwd=self.directory, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)  # fmt: skip

    def ended(self, *more: str) -> tuple[int, str]:
        process = self.start(*more)
        _, err = process.communicate(timeout=DEADLINE)
        return process.returncode, err

    @property
    def written(self) -> bytes:
        file = self.directory / "r.jsonl"
        return file.read_bytes() if file.exists() else b""

    def wait_for_rows(self, process: subprocess.Popen[str]) -> None:
        """Wait until the run is under way, and make sure that it is not through."""
        deadline = time.monotonic() + DEADLINE
        while self.written.count(b"\n") <= BEGUN:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert self.written.count(b"\n") <= IMAGES


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with servers.referrers_registry() as address:
        for number in range(IMAGES):
            store = open_store(parse_reference(f"{address}/fleet/app{number % 4}:any"))
            image(store, f"v{number}", FLAGS[number % 3], mark=str(number))
        yield address


@pytest.fixture
def runs(tmp_path: Path, registry: str) -> Iterator[Runs]:
    nodes(tmp_path)
    with slow(registry, 0.01) as address:
        yield Runs(tmp_path, address)


def assert_whole(runs: Runs) -> None:
    """Every image is there once, with its verdict."""
    found = {row.names[0].rpartition(":")[2]: (row.verdict, row.origin) for row in rows(runs.written.decode())}
    expected = {"SSE2": ("compatible", "attached"), "AVX2": ("incompatible", "attached"), "": ("unknown", "none")}
    assert found == {f"v{number}": expected[FLAGS[number % 3]] for number in range(IMAGES)}
    assert runs.written.count(b"\n") == 1 + IMAGES


def test_the_command(runs: Runs) -> None:
    process = runs.start("--workers", "2")
    runs.wait_for_rows(process)
    below = descendants(process.pid)
    process.kill()
    process.communicate()
    known = runs.written.count(b"\n") - 1
    code, err = runs.ended("--workers", "1")
    assert code == 0
    assert f"{known} images were in r.jsonl already" in err
    assert_whole(runs)
    deadline = time.monotonic() + DEADLINE
    while any("spawn_main" in command_of(pid) for pid in below):  # its workers notice that it is gone
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_worker_of_this_machine(runs: Runs) -> None:
    process = runs.start("--workers", "2")
    runs.wait_for_rows(process)
    killed = [pid for pid in descendants(process.pid) if "spawn_main" in command_of(pid)]
    assert killed
    os.kill(killed[0], signal.SIGKILL)
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    assert_whole(runs)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Dask]:
    with dask(tmp_path) as running:
        yield running


def test_a_worker_of_a_cluster(runs: Runs, cluster: Dask) -> None:
    process = runs.start("--scheduler", cluster.address)
    runs.wait_for_rows(process)
    (worker, *_) = [pid for pid in descendants(cluster.workers[0].pid) if "spawn_main" in command_of(pid)]
    os.kill(worker, signal.SIGKILL)
    cluster.workers[1].kill()  # and the nanny of the other, so that its worker ends as well
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    assert_whole(runs)
    written = runs.written
    (runs.directory / "r.jsonl").unlink()
    assert runs.ended("--workers", "1")[0] == 0
    assert runs.written == written


def test_what_dask_logs_of_a_broken_connection_is_not_shown(cluster: Dask) -> None:
    code = (
        "import logging, sys\n"
        "from compatbuild.fleet.cluster import cluster\n"
        "with cluster(sys.argv[1]):\n"
        "    for name in ('distributed.batched', 'distributed.client', 'tornado.application'):\n"
        "        logging.getLogger(name).error('Traceback')\n"
        "logging.getLogger('distributed.batched').error('told again')\n"
    )
    done = subprocess.run([sys.executable, "-c", code, cluster.address], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert "told again" in done.stderr


def test_the_scheduler(runs: Runs, cluster: Dask) -> None:
    process = runs.start("--scheduler", cluster.address)
    runs.wait_for_rows(process)
    cluster.scheduler.kill()
    _, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 1
    assert "does not do the work" in err
    assert "Traceback" not in err
    known = runs.written.count(b"\n") - 1
    assert BEGUN <= known < IMAGES
    code, err = runs.ended()  # another engine goes on
    assert code == 0
    assert f"{known} images were in r.jsonl already" in err
    assert_whole(runs)
