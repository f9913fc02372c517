"""Layers with a table of contents that real tools write, in real registries: few requests, few bytes, the same report."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from compatbuild import api
from compatbuild.cache import open_cache
from tests.builders.elf import elf
from tests.builders.images import image_config, oci_layout
from tests.builders.layers import Entry, Layer, directory, file, hardlink, layer, symlink, tar, whiteout
from tests.builders.partly import EAGER, by_toc, differences, streamed
from tests.builders.programs import RUNTIME, cuda_program
from tests.builders.toc import WRITERS, Document, Listed, written
from tests.integration.shell import Shell, push, registry, shell
from tests.integration.tap import tap
from tests.peers import require
from tests.peers.buildkit import buildkit
from tests.peers.servers import debian_registry
from tests.unit.registry.faults import FaultRegistry, Handler, Reply, fault_registry, reset, status

pytestmark = pytest.mark.peer

MIB = 1 << 20
DATA = Random(2).randbytes(24 * MIB)
PROGRAM = elf(needed=["libmpi.so.40"])
ENTRIES: tuple[Entry, ...] = (
    directory("usr/share"),
    file("usr/share/model.safetensors", DATA),
    file("usr/share/hidden", elf(needed=["libcuda.so.1"]) + DATA[:100_000]),
    file("usr/share/sparse.img", bytes(3 * MIB) + b"end"),
    file("usr/bin/trick", PROGRAM, mode=0o755),
    hardlink("usr/bin/other", "usr/bin/trick"),
    symlink("usr/lib64", "lib"),
    file("usr/lib64/libx.so.1", elf(soname="libx.so.1")),
    file("usr/share/d\u00e4t\u00e4/\u4e2d", b"a name"),
    file("usr/share/" + "long/" * 40 + "name", b"far down"),
    file("usr/share/empty", b""),
    whiteout("usr/share/gone"),
)
FEWER = (*ENTRIES[:1], file("usr/share/model.safetensors", DATA[: 11 * MIB]), *ENTRIES[2:])
ARCHIVE = tar(ENTRIES)


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


@pytest.fixture(scope="module", params=WRITERS)
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Layer:
    return written(ARCHIVE, request.param, tmp_path_factory.mktemp("layers") / "blob")


@pytest.fixture(scope="module")
def by_hand() -> Layer:
    return Listed(FEWER).layer()


def image(path: Path, *layers: Layer) -> Path:
    """Write a layout of an honest program below these layers."""
    every = [cuda_program(), *layers]
    return oci_layout(path, every, image_config(every, RUNTIME))


def told(source: str, *, trust_toc: bool = False) -> tuple[Any, str]:
    """Infer, and return the report without its source, and what was said."""
    said: list[str] = []
    document = api.infer(source, say=said.append, trust_toc=trust_toc).model_dump()
    return {key: value for key, value in document.items() if key != "image"}, "\n".join(said)


def test_what_a_real_writer_wrote_is_read_as_streaming_reads_it(real: Layer) -> None:
    read = by_toc(real)
    assert read.by_toc, read.said
    assert not differences(read.facts, streamed(real))
    assert read.data.got < len(real.blob) // 3
    assert len(read.data.asked) <= 8


def test_a_registry_is_asked_for_little(real: Layer, run: Shell, tmp_path: Path) -> None:
    layout = image(tmp_path / "image", real)
    with debian_registry() as address, tap(address) as wire:
        reference = f"{wire.address}/{push(run, layout, address, 'app').partition('/')[2]}"
        name = f"registry:{reference}"
        whole, _ = told(name)
        assert f"GET /v2/app/blobs/{real.digest}" in wire.requests
        before, received = len(wire.requests), wire.received
        found, said = told(name, trust_toc=True)
        asked = wire.requests[before:]
        assert found == whole
        assert "by its table of contents" in said
        assert sum(real.digest in request for request in asked) <= 8
        assert len(asked) <= 12
        assert wire.received - received < len(real.blob) // 3
    local, said = told(f"oci-dir:{layout}", trust_toc=True)
    assert local == whole
    assert "by its table of contents" in said


@pytest.mark.parametrize("kind", ["api", "fallback"])
def test_other_registries_give_ranges_too(kind: str, by_hand: Layer, run: Shell, tmp_path: Path) -> None:
    layout = image(tmp_path / "image", by_hand)
    with registry(kind) as address:
        name = f"registry:{push(run, layout, address, 'app')}"
        found, said = told(name, trust_toc=True)
        assert "by its table of contents" in said
        assert found == told(name)[0]


def test_layers_are_read_as_a_whole_unless_something_else_is_asked_for(
    by_hand: Layer, run: Shell, tmp_path: Path
) -> None:
    """Also with damage that no range would have met: the digest of the layer is that of all of it."""
    damaged = bytearray(by_hand.blob)
    damaged[6 * MIB] ^= 1
    layout = image(tmp_path / "image", by_hand)
    (layout / "blobs" / by_hand.digest.replace(":", "/")).write_bytes(damaged)
    refused = run.run("infer", f"oci-dir:{layout}")
    assert refused.code == 1
    assert "cannot be read" in refused.err
    ended = run.run("infer", f"oci-dir:{layout}", "--trust-toc")
    assert ended.code == 0
    assert "by its table of contents" in ended.err
    refused = run.run("publish", f"oci-dir:{layout}:v1", COMPATBUILD_TRUST_TOC="1")
    assert refused.code == 1
    assert "cannot be read" in refused.err


def test_what_is_believed_is_kept_for_nobody(tmp_path: Path) -> None:
    """A cache is asked by diff ID, and a table that lies would speak for a layer of anybody's."""

    def hide(document: Document) -> None:
        document["entries"] = [entry for entry in document["entries"] if not entry["name"].startswith("usr/bin/")]

    source = f"oci-dir:{image(tmp_path / 'image', Listed(FEWER, edit=hide).layer())}"
    cache = open_cache(str(tmp_path / "cache"))
    assert "mpi.family" not in api.infer(source, trust_toc=True, cache=cache).facts
    assert "mpi.family" in api.infer(source, cache=cache).facts
    assert "mpi.family" not in api.infer(source, trust_toc=True, cache=cache).facts
    assert "mpi.family" not in api.infer_all(source, trust_toc=True, cache=cache).reports[0].facts


def ranged(handler: Handler) -> None:
    """Answer as registries do, a request for a part with that part."""
    blob = handler.registry.blobs[handler.path.rpartition("/")[2]]
    asked = handler.headers.get("Range")
    if asked is None:
        handler.reply(200, blob)
        return
    first, _, last = asked.removeprefix("bytes=").partition("-")
    part = blob[int(first) : int(last or len(blob)) + 1]
    handler.reply(206, part, {"Content-Range": f"bytes {first}-{int(first) + len(part) - 1}/{len(blob)}"})


def parts(reply: Reply) -> Reply:
    """Answer requests for parts so, all others as always."""
    return lambda handler: (reply if "Range" in handler.headers else Handler.behave)(handler)


def shorter(handler: Handler) -> None:
    first = int(handler.headers["Range"].removeprefix("bytes=").partition("-")[0])
    handler.reply(206, b"short", {"Content-Range": f"bytes {first}-{first + 4}/9"})


def changed(handler: Handler) -> None:
    """Answer with other bytes than were asked for, as if they were those."""
    first, last = map(int, handler.headers["Range"].removeprefix("bytes=").split("-"))
    body = bytes(last + 1 - first)
    handler.reply(206, body, {"Content-Range": f"bytes {first}-{last}/{len(body)}"})


FAULTS: dict[str, tuple[Reply, str]] = {
    "ranges ignored": (Handler.behave, "does not give parts of a blob"),
    "no Content-Range": (status(206, b"x" * 100), "does not give parts of a blob"),
    "other bytes": (status(206, b"x" * 100, Content_Range="bytes 1-100/200"), "does not give parts of a blob"),
    "416": (status(416), "does not give parts of a blob"),
    "400": (status(400), "cannot read"),
    "fewer bytes": (shorter, "is cut off"),
    "wrong bytes": (changed, "do not say where"),
}


@pytest.fixture
def faults(tmp_path: Path) -> Iterator[Callable[[Layer], FaultRegistry]]:
    """Give what fills a registry with an image of this layer."""
    with fault_registry() as server:

        def filled(made: Layer) -> FaultRegistry:
            layout = image(tmp_path / "image", made)
            (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
            for blob in (layout / "blobs/sha256").iterdir():
                server.blobs[f"sha256:{blob.name}"] = blob.read_bytes()
            raw = server.blobs[entry["digest"]]
            server.manifests["v1"] = server.manifests[entry["digest"]] = (raw, entry["mediaType"])
            return server

        yield filled


@pytest.mark.parametrize("name", FAULTS)
def test_a_registry_without_ranges_is_streamed_from(
    name: str, by_hand: Layer, faults: Callable[[Layer], FaultRegistry], tmp_path: Path
) -> None:
    reply, why = FAULTS[name]
    server = faults(by_hand)
    server.fault("GET", "/blobs/", parts(reply))
    found, said = told(f"registry:{server.address}/team/app:v1", trust_toc=True)
    assert "is read as a whole" in said
    assert why in said
    assert found == told(f"oci-dir:{tmp_path / 'image'}")[0]


def test_a_broken_connection_is_mended(
    by_hand: Layer, faults: Callable[[Layer], FaultRegistry], tmp_path: Path
) -> None:
    server = faults(by_hand)
    server.fault("GET", f"/blobs/{by_hand.digest}", ranged)
    server.faults.insert(0, type(server.faults[0])("GET", server.faults[0].path, parts(reset), 1))
    server.faults.insert(0, type(server.faults[0])("GET", server.faults[0].path, parts(status(503)), 1))
    found, said = told(f"registry:{server.address}/team/app:v1", trust_toc=True)
    assert "by its table of contents" in said
    assert found == told(f"oci-dir:{tmp_path / 'image'}")[0]


def test_what_buildah_pushes_as_zstd_chunked(tmp_path: Path) -> None:
    """Debian's buildah 1.28, whose annotations still have their first names."""
    context = tmp_path / "context"
    (context / "usr/bin").mkdir(parents=True)
    (context / "data.bin").write_bytes(DATA)
    (context / "usr/bin/trick").write_bytes(PROGRAM)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    storage = ["--storage-driver", "vfs", "--root", str(tmp_path / "root"), "--runroot", str(tmp_path / "runroot")]
    command = [str(require("buildah")), *storage]
    subprocess.run([*command, "bud", "-q", "-t", "app", str(context)], check=True, capture_output=True)
    target = tmp_path / "pushed"
    pushed = [*command, "push", "--compression-format", "zstd:chunked", "app", f"oci:{target}:v1"]
    subprocess.run(pushed, check=True, capture_output=True)
    found, said = told(f"oci-dir:{target}:v1", trust_toc=True)
    assert "by its table of contents" in said
    assert found == told(f"oci-dir:{target}:v1")[0]
    assert "mpi.family" in found["facts"]


def test_what_buildkit_exports_as_estargz(tmp_path: Path) -> None:
    """Into an archive, which gives parts as well."""
    context = tmp_path / "context"
    (context / "usr/bin").mkdir(parents=True)
    (context / "data.bin").write_bytes(DATA)
    (context / "usr/bin/trick").write_bytes(PROGRAM)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    archive = tmp_path / "image.tar"
    with buildkit() as daemon:
        output = f"type=oci,dest={archive},compression=estargz,force-compression=true,oci-mediatypes=true"
        done = daemon.build(context, "--output", output)
        assert done.returncode == 0, done.stderr[-3000:]
    found, said = told(f"oci-archive:{archive}", trust_toc=True)
    assert "by its table of contents" in said
    assert found == told(f"oci-archive:{archive}")[0]
    assert "mpi.family" in found["facts"]


def test_ordinary_layers_are_read_as_always(tmp_path: Path) -> None:
    layout = image(tmp_path / "image", layer(*FEWER))
    found, said = told(f"oci-dir:{layout}", trust_toc=True)
    assert not said
    assert found == told(f"oci-dir:{layout}")[0]


def test_small_real_layers_are_read_by_their_tables_too(tmp_path: Path) -> None:
    """Every chunk of every file, since all of it is cheap here."""
    small = [entry for entry in ENTRIES if len(entry.content) < MIB]
    for writer in WRITERS:
        made = written(tar(small), writer, tmp_path / "blob")
        read = by_toc(made, thrift=EAGER, small=0)
        assert read.by_toc, read.said
        assert not differences(read.facts, streamed(made))


@pytest.mark.parametrize("writer", WRITERS)
def test_a_name_that_no_table_can_hold_is_read_from_the_archive(writer: str, tmp_path: Path) -> None:
    """Names are bytes, JSON is UTF-8, and Go writes U+FFFD for what is not."""
    made = written(tar([file("usr/caf\udce9"), file("usr/bin/trick", PROGRAM)]), writer, tmp_path / "blob")
    read = by_toc(made, thrift=EAGER, small=0)
    assert "not that of the archive" in read.said[0]
    assert not differences(read.facts, streamed(made))
    assert "/usr/caf\\xe9" in read.facts.entries
