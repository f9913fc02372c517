"""Proofs that take minutes: ``python -m tests.fleet layers``, ``attached`` and ``scaling``.

They make a registry on this machine, run the command against it, and print what it took. A wrong count or a row that
differs ends them with 1.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil
from distributed import Client, LocalCluster

from compatbuild.fleet.cluster import cluster
from compatbuild.fleet.engine import Cores, Engine
from compatbuild.fleet.layers import Layer, Reading, read_layer
from compatbuild.fleet.parallel import side_by_side
from compatbuild.image.limits import DEFAULT
from compatbuild.image.wanted import Start
from compatbuild.registry.artifact import SPEC, build_artifact
from compatbuild.registry.attach import push_artifact
from compatbuild.registry.descriptor import OCI_CONFIG, OCI_MANIFEST, Descriptor
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import Reference
from compatbuild.registry.registries import Registries
from tests.builders.images import image_config, manifest, oci_files, write_files
from tests.builders.layers import file, layer
from tests.builders.signing import CREATED
from tests.fleet.corpus import layers
from tests.fleet.generated import Made, push
from tests.integration.dask_cluster import dask, descendants
from tests.integration.tap import Tap, tap
from tests.peers import servers

T = TypeVar("T")
SAMPLE_SECONDS = 0.5
FLAGS = ("SSE2", "SSE4_2", "AVX2", "AVX512F")
OPTIONS = ("FUSE_FS", "IO_URING", "OVERLAY_FS", "BPF_SYSCALL", "VETH", "NFSD", "RDS")
SPECS = 500
"""Different specifications among the images that carry one."""


@dataclass
class Taken:
    """What a run took: seconds, seconds of CPU of the command and its own processes, and bytes of memory.

    ``before_rows`` are the seconds of CPU until the first row: of names, of what is attached, and of layers.
    """

    seconds: float
    cpu: float
    peak: int
    main: list[int]
    before_rows: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fleet")
    parser.add_argument("proof", choices=["layers", "attached", "scaling"])
    parser.add_argument("--images", type=int, default=0)
    parser.add_argument("--engines", default="1,2,local,dask1,dask2")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fleet-") as name:
        if given.proof == "layers":
            return _layers(Path(name), given.images or 2000, given.engines.split(","))
        if given.proof == "scaling":
            return _scaling(Path(name))
        return _attached(Path(name), given.images or 10_000)


def _layers(directory: Path, images: int, engines: list[str]) -> int:
    with servers.debian_registry() as address:
        made = _timed("push", lambda: push(address, layers(), images))
        print(f"{images} images, {len(made.layers)} layers", flush=True)
        records = {}
        for engine in engines:
            with tap(address) as wire, _engine(engine, directory) as flags:
                place = directory / engine
                place.mkdir()
                taken = _run(place, [f"registry:{wire.address}/fleet", "--infer-missing", "--cache", f"file://{place}/cache", *flags])  # fmt: skip
                records[engine] = (place / "r.jsonl").read_bytes().replace(wire.address.encode(), b"registry.example")
                _told(engine, taken, images)
                if not _once(wire, made) or records[engine].count(b"\n") != images + 1:
                    return 1
    same = len(set(records.values())) == 1
    print("the same rows byte for byte" if same else "THE ROWS DIFFER", flush=True)
    return 0 if same else 1


@contextmanager
def _engine(name: str, directory: Path) -> Iterator[list[str]]:
    if name.isdecimal():
        yield ["--workers", name]
    elif name == "local":
        with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None) as running, Client(running):  # type: ignore[no-untyped-call]  # fmt: skip
            yield ["--scheduler", running.scheduler_address]
    else:
        with tempfile.TemporaryDirectory() as logs, dask(Path(logs), int(name.removeprefix("dask"))) as running:
            yield ["--scheduler", running.address]


def _once(wire: Tap, made: Made) -> bool:
    asked = Counter(re.findall(r"/blobs/(sha256:[0-9a-f]{64})", "\n".join(wire.requests)))
    counts = Counter(asked[digest] for digest in made.layers)
    print(f"  layers by how often they were asked for: {dict(counts)}; {len(wire.requests)} requests", flush=True)
    return counts == Counter({1: len(made.layers)})


def _scaling(directory: Path) -> int:
    """Time reading the layers alone, with one worker and with two, each on a core of its own.

    They lie in a directory, for a registry on this machine would take from the same cores; and a worker that may use
    both cores digests on one what it inflates on the other, so that two of them only share what one had.
    """
    every = [part for group in layers() for part in group]
    layout = write_files(directory / "layout", oci_files([part.blob for part in every], []))
    name = f"oci-dir:{layout}@sha256:{'0' * 64}"
    jobs = [Layer(name, "layer", one.digest, len(one.blob), one.diff_id, one.media_type, Start(frozenset(), ())) for one in every]  # fmt: skip
    for kind in ("processes", "dask"):
        seconds = [_read(kind, size, jobs, directory / f"{kind}-{size}") for size in (1, 2)]
        print(f"{kind}: {seconds[0]:.1f} s with one, {seconds[1]:.1f} s with two: {seconds[0] / seconds[1]:.2f} x")
    return 0


def _read(kind: str, size: int, jobs: list[Layer], directory: Path) -> float:
    directory.mkdir()
    reading = Reading(RegistryOptions(), DEFAULT, str(directory / "cache"))
    with ExitStack() as stack:
        engine: Engine
        if kind == "dask":
            started = stack.enter_context(dask(directory, size))
            engine = stack.enter_context(cluster(started.address))
        else:
            engine = Cores(size)
            stack.callback(engine.close)
        list(side_by_side(2 * size, lambda _: engine.call(read_layer, jobs[0], reading), range(2 * size)))  # imports
        if kind == "dask":
            workers = [[one.pid, *descendants(one.pid)] for one in started.workers]
        else:
            workers = [[one.pid] for one in multiprocessing.active_children() if one.pid]
        for core, processes in zip(sorted(os.sched_getaffinity(0)), workers, strict=False):
            _pin(processes, core)
        begun = time.monotonic()
        found = list(side_by_side(2 * size, lambda one: engine.call(read_layer, one, reading), jobs[1:]))
        assert all(isinstance(one, int) for one in found), found
        return time.monotonic() - begun


def _pin(processes: list[int], core: int) -> None:
    for process in processes:
        for thread in Path(f"/proc/{process}/task").iterdir():
            os.sched_setaffinity(int(thread.name), {core})


def _attached(directory: Path, images: int) -> int:
    with servers.referrers_registry() as address:
        digests = _timed("push", lambda: _push_attached(address, images))
        with tap(address) as wire:
            taken = _run(directory, [f"registry:{wire.address}/fleet", "--os", "all", "--workers", "2"], hosts=False)
            _told("attached", taken, images)
            text = "\n".join(wire.requests)
        asked = len(re.findall("|".join(digests), text))
        print(f"  {len(wire.requests)} requests, {asked} of them for a layer")
        lines = (directory / "r.jsonl").read_bytes().splitlines()
        hosts = len(json.loads(lines[0])["hosts"])
        origins = Counter(json.loads(line)["origin"] for line in lines[1:])
        print(f"  {len(lines) - 1} rows on {hosts} hosts, {dict(origins)}, {sum(map(len, lines)) / 1e6:.0f} MB")
        return 0 if origins == {"attached": images} and not asked else 1


def _push_attached(address: str, images: int) -> list[str]:
    """Push images of one layer with a specification each; return the digests of the layers."""
    registries = Registries(RegistryOptions(), 8)
    shared = [layer(file("usr/bin/app", f"{number}".encode() * 1000)) for number in range(10)]

    def one(number: int) -> None:
        store = registries.store(Reference(address, f"fleet/app{number % 200}", "any"))
        part = shared[number % len(shared)]
        config = image_config([part], created=f"{number}")
        store.push_blob(part.blob, part.media_type)
        store.push_blob(config, OCI_CONFIG)
        pushed = store.push_manifest(manifest([part], config), OCI_MANIFEST, f"v{number}")
        push_artifact(store, build_artifact(SPEC, _spec(number % SPECS), Descriptor(OCI_MANIFEST, pushed.digest, pushed.size), {}, CREATED), pushed)  # fmt: skip

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(one, range(images)))
    return [part.digest for part in shared]


def _spec(number: int) -> bytes:
    options = {name: {"op": "In", "value": ["y", "m"]} for at, name in enumerate(OPTIONS) if number >> at & 1}
    release = f"^([4-9])\\.({number % 20}|[1-9][0-9])\\."
    terms = [
        {"feature": "cpu.cpuid", "matchExpressions": {FLAGS[number % 4]: {"op": "Exists"}}},
        {
            "feature": "kernel.version",
            "matchExpressions": {"full": {"op": "InRegexp", "value": [release]}},
        },
        *([{"feature": "kernel.config", "matchExpressions": options}] if options else []),
    ]
    rule = {"name": f"image-{number}", "matchFeatures": terms}
    return json.dumps({"version": "v1alpha1", "compatibilities": [{"tag": "required", "rules": [rule]}]}).encode()


def _run(directory: Path, arguments: list[str], *, hosts: bool = True) -> Taken:
    command = [sys.executable, "-m", "compatbuild", "fleet", "check", *arguments, "--results", "r.jsonl", "-o", "jsonl=/dev/null"]  # fmt: skip
    command += ["--os", "rhel-9*", "--os", "debian-12"] if hosts else []
    environment = {**os.environ, "COMPATBUILD_NO_CACHE": ""}
    begun = time.monotonic()
    process = subprocess.Popen(command, cwd=directory, stderr=subprocess.DEVNULL, env=environment)
    peaks: list[int] = []
    main_peaks: list[int] = []
    spent: list[float] = [0.0]
    watching = threading.Thread(
        target=_watch, args=(process, peaks, main_peaks, spent, directory / "r.jsonl"), daemon=True
    )
    watching.start()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    watching.join()
    if process.returncode:
        raise SystemExit(f"the command ended with {process.returncode}")
    quarters = [main_peaks[len(main_peaks) * at // 4] for at in (1, 2, 3)] if len(main_peaks) > 4 else []
    return Taken(
        seconds,
        used.ru_utime + used.ru_stime,
        max(peaks, default=0),
        [*quarters, max(main_peaks, default=0)],
        spent[-1],
    )


def _watch(
    process: subprocess.Popen[bytes], peaks: list[int], main_peaks: list[int], spent: list[float], rows: Path
) -> None:
    try:
        watched = psutil.Process(process.pid)
        while True:
            tree = [watched, *watched.children(recursive=True)]
            sizes = [one.memory_info().rss for one in tree if one.is_running()]
            if not sizes:
                return
            peaks.append(sum(sizes))
            main_peaks.append(sizes[0])
            if not rows.exists() or rows.read_bytes().count(b"\n") < 2:
                spent.append(sum(sum(one.cpu_times()[:2]) for one in tree))
            time.sleep(SAMPLE_SECONDS)
    except (psutil.Error, ProcessLookupError):
        return


def _told(name: str, taken: Taken, images: int) -> None:
    quarters = ", ".join(f"{size / 1e6:.0f}" for size in taken.main)
    print(
        f"{name}: {taken.seconds:.1f} s, {taken.cpu:.1f} s of CPU ({1000 * taken.cpu / images:.1f} ms an image), {taken.before_rows:.1f} s of it before the first row, "
        f"{taken.peak / 1e6:.0f} MB at most in all processes; the command itself at each quarter: {quarters} MB",
        flush=True,
    )


def _timed(what: str, function: Callable[[], T]) -> T:
    begun = time.monotonic()
    result = function()
    print(f"{what}: {time.monotonic() - begun:.1f} s", flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
