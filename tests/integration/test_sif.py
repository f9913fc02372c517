"""Singularity images in stores: inferred from there, and everything attached and signed there, as for any image.

They are pushed with oras, as Apptainer pushes them with its library: one layer, and an empty config of a type of their
own (reference: Apptainer ``internal/pkg/client/oras``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.builders.elf import elf
from tests.builders.sif import PARTITION, Held, sif, squashfs
from tests.integration import journey
from tests.integration.journey import Journey, begin, make_keys
from tests.integration.shell import Shell, shell
from tests.peers import servers
from tests.peers.certificates import loopback_tls
from tests.unit.registry.faults import Handler, fault_registry, ranged, status

pytestmark = pytest.mark.peer
CONFIG = "application/vnd.sylabs.sif.config.v1+json"
LAYER = "application/vnd.sylabs.sif.layer.v1.sif"
NUMBER = count()
STORES = {
    "api": servers.referrers_registry,
    "fallback": servers.fallback_registry,
    "debian": servers.debian_registry,
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SIF of three parts' size (they are read one MiB at a time), whose program needs a CPU of level x86-64-v3."""
    directory = tmp_path_factory.mktemp("sif")
    root = directory / "root"
    noise = bytes(n * n % 251 for n in range(1 << 20))
    for name, content in {
        "usr/bin/app": elf(needed=["libc.so.6"], isa=0b111),
        "lib/libc.so.6": elf(soname="libc.so.6"),
        ".singularity.d/runscript": b'#!/bin/sh\nexec /usr/bin/app "$@"\n',
        "a": noise,
        "b": noise[::-1],
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    raw = squashfs(root, directory / "fs", "-noD", "-noF").read_bytes()
    return sif(directory / "app.sif", [Held(PARTITION, raw)])


@pytest.fixture(scope="module", params=["layout", *STORES])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where images are pushed to: a registry's address, or a directory."""
    if request.param == "layout":
        yield str(tmp_path_factory.mktemp("layouts"))
    else:
        with STORES[request.param]() as address:
            yield address


def push(run: Shell, image: Path, store: str, *, config: str = CONFIG, layer: str = LAYER) -> str:
    """Push a SIF with oras, and return how it is called."""
    (run.directory / "config.json").write_text("{}")
    name = f"app-{next(NUMBER)}"
    is_layout = store.startswith("/")
    target = f"{store}/{name}:v1"
    where = ("--oci-layout",) if is_layout else ("--plain-http",)
    named = f"{image}:{layer}"
    run.peer("oras", "push", "--disable-path-validation", *where, target, "--config", f"config.json:{config}", named)
    return f"oci-dir:{target}" if is_layout else target


def source(reference: str) -> str:
    return reference if ":/" in reference else f"registry:{reference}"


def test_it_is_inferred_from_there(store: str, image: Path, run: Shell) -> None:
    reference = push(run, image, store)
    there = run.json("infer", source(reference))
    here = run.json("infer", f"sif:{image}")
    assert there["facts"] == here["facts"]
    assert there["findings"] == here["findings"] != []
    assert there["facts"]["cpu.architecture"]["value"] == "amd64"
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", there["image"]["digest"])
    assert there["image"]["platform"] == "linux/amd64"


def test_everything_is_attached_and_signed_there(store: str, image: Path, run: Shell, keys: Path) -> None:
    journey.everything_is_attached_and_signed(begin(run, push(run, image, store), keys))


@pytest.mark.parametrize("step", journey.STEPS[1:])
def test_the_rest_of_the_journey_is_that_of_any_image(
    step: Callable[[Journey], None], image: Path, run: Shell, keys: Path, tmp_path: Path
) -> None:
    step(begin(run, push(run, image, str(tmp_path / "layouts")), keys))


def test_the_subject_is_its_manifest(store: str, image: Path, run: Shell) -> None:
    reference = push(run, image, store)
    digest = run.json("infer", source(reference))["image"]["digest"]
    (published, _) = run.json("publish", reference)["published"]
    assert published["subject"] == digest
    where = ("--oci-layout",) if "oci-dir" in reference else ("--plain-http",)
    listed = run.peer("oras", "discover", *where, "--format", "json", reference.removeprefix("oci-dir:"))
    assert published["digest"] in listed


def test_it_is_checked_and_asked_for_by_platform(store: str, image: Path, run: Shell) -> None:
    reference = push(run, image, store)
    run.ok("publish", reference)
    assert run.run("check", reference, "--os", "debian-12").code in (0, 10, 11)
    assert "X86_64_V3" in run.ok("pull", reference, "--platform", "linux/amd64") or "AVX2" in run.ok("pull", reference)
    refused = run.run("pull", reference, "--platform", "linux/arm64")
    assert refused.code == 3
    assert "linux/amd64" in refused.err


@pytest.mark.parametrize(
    ("config", "layer"),
    [
        ("application/vnd.oci.empty.v1+json", LAYER),
        (CONFIG, "appliciation/vnd.sylabs.sif.layer.tar"),
    ],
)
def test_older_and_other_clients_are_understood(
    config: str, layer: str, image: Path, run: Shell, tmp_path: Path
) -> None:
    reference = push(run, image, str(tmp_path), config=config, layer=layer)
    assert run.json("infer", reference)["facts"]["cpu.architecture"]["value"] == "amd64"


def test_behind_a_password_and_tls(image: Path, run: Shell, tmp_path: Path) -> None:
    tls = loopback_tls(tmp_path)
    with servers.debian_registry(htpasswd={"some": "one"}, tls=tls) as address:
        (run.home / ".docker").mkdir()
        (run.home / ".docker/config.json").write_text(json.dumps({"auths": {address: {"auth": "c29tZTpvbmU="}}}))
        (run.directory / "config.json").write_text("{}")
        target = f"{address}/app:v1"
        named = f"{image}:{LAYER}"
        run.peer(
            "oras", "push", "--disable-path-validation", "--ca-file", tls.ca, target,
            "--config", f"config.json:{CONFIG}", named,
        )  # fmt: skip
        found = run.json("infer", f"registry:{target}", "--ca-file", tls.ca)
        assert found["facts"]["cpu.architecture"]["value"] == "amd64"
        (run.home / ".docker/config.json").unlink()
        assert run.run("infer", f"registry:{target}", "--ca-file", tls.ca).code == 1


def test_a_registry_that_gives_no_parts_is_named(image: Path, run: Shell) -> None:
    """This one answers every request for a blob with all of it."""
    with fault_registry(api=True) as server:
        reference = push(run, image, server.address)
        ended = run.run("infer", f"registry:{reference}")
        assert ended.code == 1
        assert "does not give parts of a blob" in ended.err
        assert "pull the image to a file" in ended.err


def test_a_blob_that_changes_between_two_looks_is_refused(image: Path, run: Shell) -> None:
    good = image.read_bytes()
    bad = bytearray(good)
    bad[good.index(b"exec /usr/bin/app")] ^= 1

    def either(handler: Handler) -> None:
        ranged(bytes(bad))(handler) if "Range" in handler.headers else handler.reply(200, good)

    with fault_registry(api=True) as server:
        reference = push(run, image, server.address)
        server.fault("GET", "/blobs/", either)
        ended = run.run("infer", f"registry:{reference}")
        assert ended.code == 1
        assert "not the same each time" in ended.err


def test_a_blob_with_another_digest_is_refused(image: Path, run: Shell, tmp_path: Path) -> None:
    reference = push(run, image, str(tmp_path))
    (blob,) = [path for path in (tmp_path).rglob("*") if path.is_file() and path.stat().st_size == image.stat().st_size]
    raw = bytearray(blob.read_bytes())
    raw[-1] ^= 1
    blob.chmod(0o644)
    blob.write_bytes(raw)
    ended = run.run("infer", reference)
    assert ended.code == 1
    assert "not what its digest says" in ended.err


def test_a_registry_that_breaks_off_is_asked_again(image: Path, run: Shell) -> None:
    raw = image.read_bytes()
    answers = {"count": 0}

    def sometimes(handler: Handler) -> None:
        answers["count"] += 1
        if answers["count"] % 3 == 1:
            status(503)(handler)
        elif "Range" in handler.headers:
            ranged(raw)(handler)
        else:
            handler.reply(200, raw)

    with fault_registry(api=True) as server:
        reference = push(run, image, server.address)
        server.fault("GET", "/blobs/", sometimes)
        assert run.json("infer", f"registry:{reference}")["facts"]["cpu.architecture"]["value"] == "amd64"


def test_it_is_selected_by_its_platform(image: Path, run: Shell, tmp_path: Path) -> None:
    reference = push(run, image, str(tmp_path))
    run.ok("publish", reference)
    selected = run.run("select", reference, "--platform", "linux/amd64", "--os", "debian-12", "-o", "json")
    assert selected.code in (0, 10, 11), selected.err
    refused = run.run("select", reference, "--platform", "linux/arm64", "--os", "debian-12")
    assert refused.code == 3
    assert "it has linux/amd64" in refused.err
