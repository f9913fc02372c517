"""OCI layouts: every digest true, the same bytes from the same trees, and nothing of the reader's overwritten."""

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from demo.layout import Layout
from demo.machine import DemoError
from demo.tree import Directory, File, Link, Tree

TREE: Tree = {
    "/usr/bin/tool": File(b"#!/bin/sh\n", executable=True),
    "/usr/share/text": File(b"text" * 10_000),
    "/bin": Link("usr/bin"),
    "/tmp": Directory(0o1777),
}


def written(root: Path, tree: Tree = TREE, created: int = 1_000_000_000) -> str:
    layout = Layout(root, created)
    return layout.image([layout.layer(tree, "test")], {"Entrypoint": ["/bin/tool"]}, "v1")


def blob(root: Path, descriptor: dict[str, Any]) -> bytes:
    """Return a blob, checked against its descriptor."""
    algorithm, digest = str(descriptor["digest"]).split(":")
    data = (root / "blobs" / algorithm / digest).read_bytes()
    assert hashlib.new(algorithm, data).hexdigest() == digest
    assert len(data) == descriptor["size"]
    return data


def test_descriptors_tell_the_truth(tmp_path: Path) -> None:
    digest = written(tmp_path / "image")
    index = json.loads((tmp_path / "image" / "index.json").read_text())
    (listed,) = index["manifests"]
    assert listed["digest"] == digest
    assert listed["annotations"] == {"org.opencontainers.image.ref.name": "v1"}
    manifest = json.loads(blob(tmp_path / "image", listed))
    config = json.loads(blob(tmp_path / "image", manifest["config"]))
    (layer,) = manifest["layers"]
    data = gzip.decompress(blob(tmp_path / "image", layer))
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(data).hexdigest()}"]
    assert config["created"] == "2001-09-09T01:46:40Z"
    assert json.loads((tmp_path / "image" / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    assert len(list((tmp_path / "image" / "blobs" / "sha256").iterdir())) == 3


def test_the_layer_is_sorted_rootless_and_of_one_time(tmp_path: Path) -> None:
    digest = written(tmp_path)
    manifest = json.loads((tmp_path / "blobs" / "sha256" / digest.removeprefix("sha256:")).read_text())
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob(tmp_path, manifest["layers"][0])))) as archive:
        members = archive.getmembers()
        assert archive.extractfile("usr/share/text").read() == b"text" * 10_000  # type: ignore[union-attr]  # it is a file
    assert [member.name for member in members] == [
        "bin",
        "tmp",
        "usr",
        "usr/bin",
        "usr/bin/tool",
        "usr/share",
        "usr/share/text",
    ]
    assert {(member.uid, member.gid, member.uname, member.mtime) for member in members} == {(0, 0, "", 1_000_000_000)}
    modes = {member.name: member.mode for member in members}
    assert (modes["tmp"], modes["usr/bin/tool"], modes["usr/share/text"]) == (0o1777, 0o755, 0o644)
    assert members[0].linkname == "usr/bin"


def test_the_same_trees_give_the_same_digest(tmp_path: Path) -> None:
    shuffled = dict(reversed(TREE.items()))
    assert written(tmp_path / "one") == written(tmp_path / "two", shuffled)
    assert written(tmp_path / "three", created=1) != written(tmp_path / "four", created=2)


def test_an_earlier_layout_is_replaced(tmp_path: Path) -> None:
    written(tmp_path / "image", {"/old": File(b"old")})
    written(tmp_path / "image")
    assert len(list((tmp_path / "image" / "blobs" / "sha256").iterdir())) == 3


def test_anything_else_in_the_way_stays(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(DemoError, match="is not written"):
        Layout(tmp_path, 0)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
