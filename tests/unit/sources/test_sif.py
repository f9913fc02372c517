"""SIF files as images: opened by prefix or by their mark, refused with a remedy, read like the same tree elsewhere."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from compatbuild import api
from compatbuild.errors import CompatError, ImageError, NotFoundError, SourceError, UsageError
from compatbuild.model.report import Report
from tests.builders.elf import elf
from tests.builders.images import image_config, oci_layout
from tests.builders.layers import directory, file, layer, symlink
from tests.builders.sif import (
    CRYPTO,
    DATA,
    DEFINITION,
    ENCRYPTED,
    EXT3,
    JSON,
    LABELS,
    OVERLAY,
    PARTITION,
    PRIMARY,
    RAW,
    ROOT_INDEX,
    SYSTEM,
    Held,
    sif,
    squashfs,
)
from tests.unit.sources.reading import read

FILES = {
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "opt/app/bin/solve": elf(needed=["libmpi.so.12", "libc.so.6"], rpath="/opt/app/lib"),
    "opt/app/lib/libmpi.so.12": elf(soname="libmpi.so.12", needed=["libc.so.6"]),
    "usr/lib/x86_64-linux-gnu/libc.so.6": elf(soname="libc.so.6"),
    ".singularity.d/runscript": b'#!/bin/sh\nexec /opt/app/bin/solve "$@"\n',
    ".singularity.d/env/90-environment.sh": b"#!/bin/sh\nexport LD_LIBRARY_PATH=/opt/app/lib\nexport CFLAGS=-march=haswell\n",
    ".singularity.d/labels.json": b'{"org.compatbuild.require.driver": ">=535"}',
}
DEFINITION_FILE = b"Bootstrap: docker\nFrom: debian:12\n%post\n  gcc -march=skylake a.c\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree(tmp_path / "root")


def tree(path: Path, files: dict[str, bytes] = FILES) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    (path / "lib").symlink_to("usr/lib")
    return path


@pytest.fixture
def system(root: Path, tmp_path: Path) -> bytes:
    return squashfs(root, tmp_path / "fs").read_bytes()


def image(path: Path, system: bytes, *more: Held) -> Path:
    return sif(path / "image.sif", [Held(DEFINITION, DEFINITION_FILE), Held(PARTITION, system), *more])


@pytest.mark.parametrize("prefix", ["sif:", "singularity:", ""])
def test_a_sif_is_read_by_its_prefix_or_its_mark(prefix: str, system: bytes, tmp_path: Path) -> None:
    path = image(tmp_path, system)
    opened = read(f"{prefix}{path}")
    assert (opened.scheme, opened.reference, opened.digest) == ("sif", str(path), "")
    assert opened.view.config.platform == "linux/amd64"
    assert opened.view.os_release["ID"] == "debian"
    assert opened.said == ([] if prefix else [f"reading {path} as sif:{path}"])


def test_what_singularity_says_of_the_start_is_the_config(system: bytes, tmp_path: Path) -> None:
    config = read(f"sif:{image(tmp_path, system)}").view.config
    assert config.entrypoint == ("/opt/app/bin/solve",)
    assert config.environment["LD_LIBRARY_PATH"] == "/opt/app/lib"
    assert config.labels == {"org.compatbuild.require.driver": ">=535"}
    assert config.history == ("%post\n  gcc -march=skylake a.c",)


def test_where_the_tree_says_nothing_the_objects_do(tmp_path: Path) -> None:
    root = tree(tmp_path / "bare", {"bin/it": elf()})
    metadata = {"data": {"attributes": {"runscript": "exec /bin/it"}}, "type": "container"}
    path = image(
        tmp_path,
        squashfs(root, tmp_path / "fs").read_bytes(),
        Held(JSON, json.dumps(metadata).encode(), "inspect-metadata.json"),
        Held(LABELS, b'{"a": "b"}'),
    )
    config = read(f"sif:{path}").view.config
    assert (config.entrypoint, config.labels) == (("/.singularity.d/runscript",), {"a": "b"})


def findings(report: Report) -> list[dict[str, Any]]:
    """Return the findings without what says which file of which layer they come from."""
    told = []
    for finding in report.findings:
        document = finding.model_dump()
        for evidence in document["evidence"]:
            evidence["layer"] = ""
        told.append(document)
    return told


@pytest.mark.parametrize("compressor", ["gzip", "xz", "zstd", "lz4"])
def test_the_findings_are_those_of_the_same_image_elsewhere(compressor: str, root: Path, tmp_path: Path) -> None:
    path = image(tmp_path, squashfs(root, tmp_path / "fs", "-comp", compressor).read_bytes())
    from_sif = api.infer(f"sif:{path}")
    config = {
        "Entrypoint": ["/opt/app/bin/solve"],
        "Env": ["LD_LIBRARY_PATH=/opt/app/lib", "CFLAGS=-march=haswell"],
        "Labels": {"org.compatbuild.require.driver": ">=535"},
    }
    names = sorted({parent for name in FILES for parent in map(str, Path(name).parents) if parent != "."})
    packed = layer(
        *(directory(name) for name in names), *(file(name, content) for name, content in FILES.items()),
        symlink("lib", "usr/lib"),
    )  # fmt: skip
    history = [{"created_by": "%post\n  gcc -march=skylake a.c"}]
    layout = oci_layout(tmp_path / "layout", [packed], image_config([packed], config, history=history))
    from_layout = api.infer(f"oci-dir:{layout}:v1")
    assert findings(from_sif) == findings(from_layout)
    assert {"cpu.architecture", "mpi.family", "build.target", "distribution"} & {f.id for f in from_sif.findings}
    assert from_sif.facts == from_layout.facts
    assert from_sif.limits == from_layout.limits == ()


def test_without_a_start_the_findings_are_those_of_the_tree(tmp_path: Path) -> None:
    root = tree(tmp_path / "plain", {name: content for name, content in FILES.items() if name[0] != "."})
    path = sif(tmp_path / "image.sif", [Held(PARTITION, squashfs(root, tmp_path / "fs").read_bytes())])
    from_sif, from_tree = api.infer(f"sif:{path}"), api.infer(f"dir:{root}", platform="linux/amd64")
    assert from_sif.findings == from_tree.findings != ()


@pytest.mark.parametrize(
    ("objects", "kind", "code", "words"),
    [
        ([Held(PARTITION, b"x", file_system=ENCRYPTED), Held(CRYPTO, b"key")], SourceError, 1, "is encrypted"),
        ([Held(PARTITION, b"x" * 5000, file_system=EXT3)], SourceError, 1, "is an ext3 file system"),
        ([Held(PARTITION, b"x", file_system=RAW)], SourceError, 1, "is a raw disk"),
        ([Held(DEFINITION, b"Bootstrap: scratch")], SourceError, 1, "no primary system partition"),
        ([Held(PARTITION, b"x", use=DATA)], SourceError, 1, "no primary system partition"),
        ([Held(PARTITION, b"x", use=SYSTEM)], SourceError, 1, "no primary system partition"),
        ([Held(ROOT_INDEX, b"{}")], SourceError, 1, "is an OCI-SIF"),
        ([Held(PARTITION, b"no squashfs at all" * 100)], ImageError, 1, "cannot be read"),
        ([Held(PARTITION, b"")], ImageError, 1, "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(
    objects: Sequence[Held], kind: type[CompatError], code: int, words: str, tmp_path: Path
) -> None:
    path = sif(tmp_path / "image.sif", objects)
    with pytest.raises(kind, match=words) as caught:
        read(f"sif:{path}")
    assert (caught.value.exit_code, type(caught.value)) == (code, kind)
    assert caught.value.why
    assert caught.value.remedy
    assert str(path) in caught.value.what


def test_a_listing_of_partitions_is_shown(tmp_path: Path) -> None:
    path = sif(tmp_path / "image.sif", [Held(PARTITION, b"x", use=SYSTEM, architecture="arm64")])
    with pytest.raises(SourceError) as caught:
        read(f"sif:{path}")
    assert "system partition 1 (arm64)" in caught.value.why
    assert "siftool setprim" in caught.value.remedy


def two(tmp_path: Path, first: int, system: bytes) -> Path:
    """Return a SIF for two architectures; only one partition can be primary for the library, so one is made so."""
    other = tree(tmp_path / "other", {"bin/it": elf(machine=183)})
    arm = Held(PARTITION, squashfs(other, tmp_path / "arm").read_bytes(), use=SYSTEM, architecture="arm64")
    path = sif(tmp_path / "image.sif", [Held(PARTITION, system), arm])
    if first == PRIMARY:
        raw = bytearray(path.read_bytes())
        at = 4096 + 585 + 201 + 4  # the second descriptor's extra field, behind the file system
        assert raw[at] == SYSTEM
        raw[at] = PRIMARY
        path.write_bytes(raw)
    return path


def test_of_several_architectures_the_primary_is_read_and_said(system: bytes, tmp_path: Path) -> None:
    path = two(tmp_path, SYSTEM, system)
    opened = read(f"sif:{path}")
    assert opened.view.config.platform == "linux/amd64"
    (said,) = opened.said
    assert "system partition 2 (arm64)" in said
    arm = read(f"sif:{path}", "linux/arm64")
    assert (arm.view.config.platform, arm.said) == ("linux/arm64", [])
    assert "/bin/it" in arm.view.nodes
    with pytest.raises(NotFoundError, match=r"has no linux/s390x") as caught:
        read(f"sif:{path}", "linux/s390x")
    assert caught.value.exit_code == 3


def test_of_several_primary_partitions_one_has_to_be_named(system: bytes, tmp_path: Path) -> None:
    path = two(tmp_path, PRIMARY, system)
    with pytest.raises(UsageError, match="has 2 primary system partitions") as caught:
        read(f"sif:{path}")
    assert caught.value.exit_code == 2
    assert "--platform linux/amd64" in caught.value.remedy
    assert "/bin/it" in read(f"sif:{path}", "linux/arm64").view.nodes


def test_an_overlay_is_a_limit(system: bytes, tmp_path: Path) -> None:
    path = image(tmp_path, system, Held(PARTITION, b"x" * 4096, file_system=EXT3, use=OVERLAY))
    (limit,) = read(f"sif:{path}").view.limits
    assert "overlay in object 3" in limit


def test_a_startscript_beside_a_runscript_is_a_limit(tmp_path: Path) -> None:
    root = tree(tmp_path / "service", FILES | {".singularity.d/startscript": b"#!/bin/sh\nit -d\n"})
    path = image(tmp_path, squashfs(root, tmp_path / "fs").read_bytes())
    (limit,) = read(f"sif:{path}").view.limits
    assert "startscript" in limit


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_refused(share: float, system: bytes, tmp_path: Path) -> None:
    path = image(tmp_path, system)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(ImageError) as caught:
        read(f"sif:{path}")
    assert caught.value.exit_code == 1
    assert caught.value.remedy


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no file"):
        read(f"sif:{tmp_path}/nothing")
    with pytest.raises(SourceError, match="no regular file"):
        read(f"sif:{tmp_path}")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="no regular file"):
        read(f"sif:{tmp_path}/pipe")
    (tmp_path / "text").write_text("text" * 100)
    with pytest.raises(ImageError, match="cannot be read") as caught:
        read(f"sif:{tmp_path}/text")
    assert "mark of a SIF" in caught.value.why


def test_nothing_is_written(system: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = image(tmp_path, system)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setenv("TMPDIR", str(work))
    before = path.stat()
    api.infer(f"sif:{path}")
    assert list(work.iterdir()) == []
    assert path.stat().st_mtime_ns == before.st_mtime_ns
