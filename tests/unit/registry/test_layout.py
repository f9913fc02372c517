"""An OCI layout as a store: what others wrote stays, and nothing leads out of the directory."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import CompatError, NotFoundError, RegistryError, UsageError
from compatbuild.registry.descriptor import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, Descriptor, Index, describe
from compatbuild.registry.digest import ContentError
from compatbuild.registry.layout import CONTAINERD_NAME, REF_NAME, LayoutStore
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.referrers import fallback_tag
from compatbuild.registry.store import Via, open_store
from tests.unit.registry.building import empty_layout, index_entries, manifest, push_image, push_index


@pytest.fixture
def layout(tmp_path: Path) -> LayoutStore:
    return empty_layout(tmp_path / "out")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "out"


def referrer(layout: LayoutStore, subject: Descriptor, mark: str = "") -> Descriptor:
    config = describe(b"{}", OCI_EMPTY)
    return layout.push_manifest(manifest(config, [], subject=subject.as_json(), annotations={"m": mark}), OCI_MANIFEST)


def write_index(root: Path, *entries: Any, **more: Any) -> None:
    (root / "index.json").write_text(json.dumps({"schemaVersion": 2, **more, "manifests": list(entries)}))


def named(descriptor: Descriptor, **annotations: str) -> dict[str, Any]:
    return descriptor.as_json() | {"annotations": annotations}


def test_what_is_written_is_what_is_read(layout: LayoutStore, root: Path) -> None:
    image = push_image(layout, "v1")
    found = layout.resolve("v1")
    assert found.descriptor == image == layout.resolve(image.digest).descriptor == layout.resolve("").descriptor
    layer = found.parse().layers[0]  # type: ignore[union-attr]  # it is a manifest
    assert layout.blob(layer, 100) == b"a layer "
    with layout.open_blob(layer) as file:
        assert file.read() == b"a layer "
    assert (layout.name, layout.repository) == (f"oci-dir:{root}", "out")
    assert not list(root.glob("**/.compatbuild-*"))


def test_files_are_for_everybody(layout: LayoutStore, root: Path) -> None:
    before = os.umask(0o022)
    try:
        image = push_image(layout, "v1")
    finally:
        os.umask(before)
    for path in (root / "index.json", root / "blobs/sha256" / image.digest.partition(":")[2]):
        assert path.stat().st_mode & 0o777 == 0o644


def test_a_reference_opens_its_store(layout: LayoutStore, root: Path) -> None:
    push_image(layout, "v1")
    reference = parse_reference(f"oci-dir:{root}:v1")
    assert open_store(reference, RegistryOptions()).resolve(reference.selector).descriptor == push_image(layout)


def test_a_tag_moves(layout: LayoutStore, root: Path) -> None:
    push_image(layout, "v1")
    second = push_image(layout, "v1", mark="second")
    assert layout.resolve("v1").descriptor == second
    assert len(index_entries(root)) == 1


@pytest.mark.parametrize(
    "annotations",
    [
        {REF_NAME: "v1"},
        {REF_NAME: "docker.io/library/app:v1"},
        {REF_NAME: "x", CONTAINERD_NAME: "docker.io/library/app:v1"},
    ],
)
def test_names_as_tools_write_them(layout: LayoutStore, root: Path, annotations: dict[str, str]) -> None:
    image, other = push_image(layout), push_image(layout, mark="other")
    write_index(root, named(image, **annotations), named(other, **{REF_NAME: "docker.io/library/app:v2"}))
    assert layout.resolve("v1").descriptor == image


def test_a_whole_name_beats_the_tag_of_another(layout: LayoutStore, root: Path) -> None:
    image, other = push_image(layout), push_image(layout, mark="other")
    write_index(root, named(other, **{REF_NAME: "reg.io/app:v1"}), named(image, **{REF_NAME: "v1"}))
    assert layout.resolve("v1").descriptor == image


def test_two_images_of_one_name_or_none(layout: LayoutStore, root: Path) -> None:
    image, other = push_image(layout), push_image(layout, mark="other")
    write_index(root, named(image, **{REF_NAME: "a:v1"}), named(other, **{REF_NAME: "b:v1"}))
    for selector in ("v1", ""):
        with pytest.raises(UsageError) as caught:
            layout.resolve(selector)
        assert caught.value.why == "a:v1, b:v1"
    with pytest.raises(NotFoundError) as missing:
        layout.resolve("v2")
    assert "a:v1, b:v1" in missing.value.why


def test_the_same_image_twice_is_one(layout: LayoutStore, root: Path) -> None:
    image = push_image(layout)
    write_index(root, image.as_json(), named(image, **{REF_NAME: "v1"}), named(image, **{REF_NAME: "latest"}))
    assert layout.resolve("").descriptor == image


def test_companions_are_not_the_only_image(layout: LayoutStore, root: Path) -> None:
    image, other = push_image(layout), push_image(layout, mark="signature")
    artifact = referrer(layout, image)
    companions = [named(other, **{REF_NAME: fallback_tag(image.digest) + end}) for end in ("", ".sig", ".att")]
    write_index(root, artifact.as_json(), *companions, image.as_json())
    assert layout.resolve("").descriptor == image


def test_an_empty_layout(layout: LayoutStore) -> None:
    with pytest.raises(NotFoundError, match="has no image"):
        layout.resolve("")


def test_referrers_are_entries_of_the_index(layout: LayoutStore, root: Path) -> None:
    image = push_image(layout, "v1")
    write_index(
        root, *index_entries(root), {"digest": "odd", "x": {"y": [1]}}, mediaType=OCI_INDEX, **{"x-key": [1, 2.5]}
    )
    artifact = referrer(layout, image)
    assert layout.referrers(image.digest) == ()
    for _ in range(2):
        assert layout.add_referrer(artifact, image.digest) is Via.LAYOUT
    assert layout.referrers(image.digest) == (artifact,)
    document = json.loads((root / "index.json").read_text())
    assert document["x-key"] == [1, 2.5]
    assert [entry["digest"] for entry in document["manifests"]] == [image.digest, "odd", artifact.digest]
    assert REF_NAME not in document["manifests"][2].get("annotations", {})
    assert layout.resolve("").descriptor == image
    layout.remove_referrer(artifact.digest, image.digest)
    assert layout.referrers(image.digest) == ()
    assert [entry["digest"] for entry in index_entries(root)] == [image.digest, "odd"]
    with pytest.raises(NotFoundError):
        layout.manifest(artifact.digest)


def test_an_index_under_the_fallback_tag_is_read_and_pruned(layout: LayoutStore) -> None:
    image = push_image(layout, "v1")
    first, second = referrer(layout, image), referrer(layout, image, "second")
    push_index(layout, fallback_tag(image.digest), first.as_json(), second.as_json())
    assert layout.referrers(image.digest) == (first, second)
    layout.remove_referrer(first.digest, image.digest)
    assert layout.referrers(image.digest) == (second,)
    third = referrer(layout, image, "third")
    layout.add_referrer(third, image.digest)
    index = layout.resolve(fallback_tag(image.digest)).parse()
    assert isinstance(index, Index)
    assert index.manifests == (second, third)


def test_writers_at_once_lose_nothing(layout: LayoutStore, root: Path) -> None:
    image = push_image(layout, "v1")
    artifacts = [referrer(layout, image, str(number)) for number in range(16)]
    threads = [threading.Thread(target=LayoutStore(root).add_referrer, args=(one, image.digest)) for one in artifacts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.digest for one in layout.referrers(image.digest)} == {one.digest for one in artifacts}


def test_nothing_changed_writes_nothing(layout: LayoutStore, root: Path) -> None:
    image = push_image(layout, "v1")
    before = (root / "index.json").stat()
    push_image(layout, "v1")
    layout.delete_manifest(describe(b"x", OCI_MANIFEST).digest)
    after = (root / "index.json").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert layout.resolve("v1").descriptor == image


# -- what is not as it should be


@pytest.mark.parametrize("version", ["", "{}", '{"imageLayoutVersion": "2.0.0"}', "[]", '{"imageLayoutVersion": []}'])
def test_no_layout_or_another_version(tmp_path: Path, version: str) -> None:
    (tmp_path / "oci-layout").write_text(version)
    with pytest.raises(ContentError):
        LayoutStore(tmp_path)


def test_missing_parts(tmp_path: Path, layout: LayoutStore, root: Path) -> None:
    with pytest.raises(NotFoundError):
        LayoutStore(tmp_path / "missing")
    with pytest.raises(NotFoundError):
        LayoutStore(tmp_path)
    image = push_image(layout, "v1")
    (root / "blobs/sha256" / image.digest.partition(":")[2]).unlink()
    with pytest.raises(NotFoundError):
        layout.resolve("v1")
    (root / "index.json").unlink()
    with pytest.raises(NotFoundError):
        layout.resolve("v1")


@pytest.mark.parametrize(
    "content", ["[]", "{", "<html>", '{"manifests": {}}', '{"manifests": [' + "1," * 10_001 + "1]}", "[" * 99_999]
)
def test_a_malformed_index(layout: LayoutStore, root: Path, content: str) -> None:
    (root / "index.json").write_text(content)
    with pytest.raises(ContentError):
        layout.resolve("")


def test_malformed_entries_are_passed_over(layout: LayoutStore, root: Path) -> None:
    image = push_image(layout)
    write_index(root, None, {}, image.as_json() | {"digest": "sha256:../../../etc/passwd"}, image.as_json())
    assert layout.resolve("").descriptor == image


def test_wrong_content(layout: LayoutStore, root: Path) -> None:
    image = push_image(layout, "v1")
    path = root / "blobs/sha256" / image.digest.partition(":")[2]
    content = path.read_bytes()
    path.write_bytes(content.replace(b"layers", b"Layers"))
    with pytest.raises(ContentError, match="does not have its digest"):
        layout.resolve("v1")
    path.write_bytes(content + b" ")
    with pytest.raises(ContentError):
        layout.resolve("v1")
    path.write_bytes(content)
    write_index(root, image.as_json() | {"size": image.size + 1})
    with pytest.raises(ContentError, match="another size"):
        layout.resolve("")
    write_index(root, image.as_json() | {"mediaType": OCI_INDEX})
    with pytest.raises(ContentError):
        layout.resolve("")


def test_wrong_blobs(layout: LayoutStore, root: Path) -> None:
    descriptor = layout.push_blob(b"content", "x/y")
    with pytest.raises(ContentError, match="too large"):
        layout.blob(descriptor, 3)
    with pytest.raises(ContentError, match="another size"):
        layout.open_blob(Descriptor("x/y", descriptor.digest, 3))
    (root / "blobs/sha256" / descriptor.digest.partition(":")[2]).write_bytes(b"CONTENT")
    with pytest.raises(ContentError, match="does not have its digest"):
        layout.blob(descriptor, 100)
    with pytest.raises(ContentError):
        layout.blob(Descriptor("x/y", "sha256:../../index.json", 1), 100)


def test_a_damaged_blob_is_mended_by_writing_it_again(layout: LayoutStore, root: Path) -> None:
    descriptor = layout.push_blob(b"content", "x/y")
    (root / "blobs/sha256" / descriptor.digest.partition(":")[2]).write_bytes(b"")
    layout.push_blob(b"content", "x/y")
    assert layout.blob(descriptor, 100) == b"content"


def test_links_do_not_lead_out(layout: LayoutStore, root: Path, tmp_path: Path) -> None:
    descriptor = layout.push_blob(b"content", "x/y")
    path = root / "blobs/sha256" / descriptor.digest.partition(":")[2]
    outside = tmp_path / "outside"
    outside.mkdir()
    path.rename(outside / path.name)
    path.symlink_to(outside / path.name)
    with pytest.raises(ContentError, match="leads out"):
        layout.blob(descriptor, 100)
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(CompatError):
        layout.blob(descriptor, 100)
    path.unlink()
    (root / "blobs/sha256").rmdir()
    (root / "blobs/sha256").symlink_to(outside)
    (outside / path.name).unlink()
    with pytest.raises(ContentError, match="leads out"):
        layout.push_blob(b"content", "x/y")
    assert not list(outside.iterdir())


def test_what_is_no_file(layout: LayoutStore, root: Path) -> None:
    descriptor = layout.push_blob(b"content", "x/y")
    path = root / "blobs/sha256" / descriptor.digest.partition(":")[2]
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(ContentError, match="no regular file"):
        layout.blob(descriptor, 100)
    path.unlink()
    path.mkdir()
    with pytest.raises(ContentError, match="no regular file"):
        layout.blob(descriptor, 100)


def test_a_directory_that_cannot_be_written(layout: LayoutStore, root: Path) -> None:
    (root / "blobs").write_text("in the way")
    with pytest.raises(RegistryError, match="cannot be written"):
        layout.push_blob(b"content", "x/y")
