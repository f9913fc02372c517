"""Manifests of every kind: what is an image, which layers are read, which platform of an index."""

from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import CompatError, ImageError, NotFoundError, UsageError
from tests.builders.images import (
    CONFIG,
    INDEX,
    MANIFEST,
    describe,
    image_config,
    index,
    manifest,
    oci_files,
    write_files,
)
from tests.builders.layers import Layer, file, layer
from tests.unit.sources.reading import read

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
UNKNOWN = {"os": "unknown", "architecture": "unknown"}
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


def layout(path: Path, *blobs: bytes, top: bytes, media_type: str = MANIFEST) -> str:
    """Write a layout whose index.json has one entry, and return how to name it."""
    entry = describe(top, media_type)
    return f"oci-dir:{write_files(path, oci_files([*blobs, top], [entry]))}"


def image(*, fields: dict[str, Any] | None = None, **config: Any) -> tuple[bytes, list[bytes]]:
    """Return a manifest and its blobs; the layer holds a file that names the platform."""
    only = layer(file(f"{config.get('architecture', 'amd64')}{config.get('variant', '')}"))
    raw = image_config([only], **config)
    return manifest([only], raw, **(fields or {})), [raw, only.blob]


def platform_index(path: Path, *names: str) -> str:
    """Write a layout with an index of images for these platforms, each with an attestation as BuildKit adds it."""
    blobs, entries = [], []
    for name in names:
        told: dict[str, Any] = dict(zip(("os", "architecture", "variant"), name.split("/"), strict=False))
        top, parts = image(**told)
        blobs += [top, *parts]
        entries.append(describe(top, MANIFEST, platform=told))
        attestation = describe(b"attestation of " + top, MANIFEST, platform=UNKNOWN)
        entries.append(attestation | {"annotations": {"vnd.docker.reference.type": "attestation-manifest"}})
    return layout(path, *blobs, top=index(*entries), media_type=INDEX)


def read_platform(text: str, platform: str | None = None) -> str:
    opened = read(text, platform)
    return next(path[1:] for path in opened.view.nodes if path != "/")


def test_dockers_own_media_types_are_an_image(tmp_path: Path) -> None:
    only = layer(file("a"))
    raw = image_config([only])
    top = manifest(
        [only],
        raw,
        mediaType=DOCKER_MANIFEST,
        config=describe(raw, DOCKER_CONFIG),
        layers=[describe(only.blob, DOCKER_LAYER)],
    )
    opened = read(layout(tmp_path, raw, only.blob, top=top, media_type=DOCKER_MANIFEST))
    assert "/a" in opened.view.nodes


def test_the_digest_is_that_of_the_manifest_chosen(tmp_path: Path) -> None:
    top, parts = image()
    assert read(layout(tmp_path / "one", *parts, top=top)).digest == describe(top, MANIFEST)["digest"]
    text = platform_index(tmp_path / "many", "linux/amd64", "linux/arm64")
    assert read(text, "linux/amd64").digest == describe(top, MANIFEST)["digest"]


@pytest.mark.parametrize("kind", ["gzip", "zstd", "plain"])
@pytest.mark.parametrize("said", ["tar", "tar+gzip", "tar+zstd"])
def test_the_media_type_does_not_say_the_compression(kind: str, said: str, tmp_path: Path) -> None:
    stored = layer(file("a"), compress=kind)
    only = Layer(stored.blob, stored.diff_id, f"application/vnd.oci.image.layer.v1.{said}")
    raw = image_config([only])
    assert "/a" in read(layout(tmp_path, raw, only.blob, top=manifest([only], raw))).view.nodes


@pytest.mark.parametrize(
    ("media_type", "why"),
    [
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "not distributed with the image"),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "not distributed with the image"),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "encrypted"),
        ("application/vnd.sylabs.image.layer.v1.squashfs", "a file system image"),
    ],
)
def test_a_layer_that_cannot_be_read_is_named_and_the_others_are_read(
    media_type: str, why: str, tmp_path: Path
) -> None:
    first, second = layer(file("a")), layer(file("b"))
    hidden = Layer(second.blob, second.diff_id, media_type)
    raw = image_config([first, hidden])
    opened = read(layout(tmp_path, raw, first.blob, top=manifest([first, hidden], raw)))
    assert set(opened.view.nodes) == {"/", "/a"}
    ((name, reason),) = opened.view.skipped
    assert name.startswith("Layer 2 of 2")
    assert why in reason


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"config": {"mediaType": "application/vnd.sylabs.sif.config.v1+json"}}, "Singularity image"),
        ({"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"}}, "Helm chart"),
        ({"config": {"mediaType": "application/vnd.oci.empty.v1+json"}, "artifactType": "a/b"}, "artifact of type a/b"),
        ({"config": {"mediaType": "application/vnd.wasm.config.v0+json"}}, "WebAssembly module"),
        ({"config": {"mediaType": CONFIG}, "layers": [describe(b"", "application/wasm")]}, "WebAssembly module"),
        ({"config": {"mediaType": CONFIG}, "layers": [describe(b"", "application/vnd.in-toto+json")]}, "attestation"),
    ],
)
def test_an_artifact_is_not_an_image(fields: dict[str, Any], told: str, tmp_path: Path) -> None:
    config = describe(b"{}", fields["config"]["mediaType"])
    top = manifest([layer(file("a"))], b"{}", **(fields | {"config": config}))
    with pytest.raises(UsageError, match=told) as caught:
        read(layout(tmp_path, b"{}", top=top))
    assert caught.value.exit_code == 2


def test_a_referrer_is_not_an_image(tmp_path: Path) -> None:
    top, parts = image(fields={"subject": describe(b"the image", MANIFEST)})
    text = layout(tmp_path, *parts, top=top)
    with pytest.raises(UsageError, match="is an artifact attached to sha256:"):
        read(f"{text}@{describe(top, MANIFEST)['digest']}")


def test_schema_1_is_refused(tmp_path: Path) -> None:
    top = b'{"schemaVersion": 1, "fsLayers": []}'
    with pytest.raises(CompatError, match="schemaVersion"):
        read(layout(tmp_path, top=top, media_type="application/vnd.docker.distribution.manifest.v1+prettyjws"))


def test_a_windows_image_is_refused(tmp_path: Path) -> None:
    top, parts = image(os="windows")
    with pytest.raises(ImageError, match="is an image for windows"):
        read(layout(tmp_path, *parts, top=top))


def test_as_many_diff_ids_as_layers(tmp_path: Path) -> None:
    only = layer(file("a"))
    raw = image_config([only, only])
    with pytest.raises(ImageError, match="is inconsistent"):
        read(layout(tmp_path, raw, only.blob, top=manifest([only], raw)))


def test_layers_are_counted(tmp_path: Path) -> None:
    many = [layer(file("a"))] * 1001
    raw = image_config(many)
    with pytest.raises(ImageError, match="has 1,001 layers"):
        read(layout(tmp_path, raw, many[0].blob, top=manifest(many, raw)))


@pytest.mark.parametrize("broken", ["layer", "config", "size", "missing"])
def test_a_blob_that_is_not_what_the_manifest_names_is_refused(broken: str, tmp_path: Path) -> None:
    top, (raw, blob) = image()
    parts = {"layer": (raw, blob[:-1] + b"x"), "config": (raw + b" ", blob), "size": (raw, blob), "missing": (raw,)}[
        broken
    ]
    text = layout(tmp_path, raw, blob, top=top)
    for written, content in zip((raw, blob), (*parts, None), strict=False):
        path = tmp_path / "blobs/sha256" / str(describe(written, "")["digest"]).removeprefix("sha256:")
        path.write_bytes(content + b"more" if broken == "size" else content) if content else path.unlink()
    with pytest.raises(CompatError) as caught:
        read(text)
    assert caught.value.what


@pytest.mark.parametrize("digest", ["sha256:../../../../etc/passwd", "sha256:" + "A" * 64, "md5:" + "0" * 32])
def test_a_digest_never_becomes_a_path_unchecked(digest: str, tmp_path: Path) -> None:
    only = layer(file("a"))
    raw = image_config([only])
    bad = describe(only.blob, only.media_type) | {"digest": digest}
    with pytest.raises(CompatError, match="digest"):
        read(layout(tmp_path, raw, only.blob, top=manifest([only], raw, layers=[bad])))


@pytest.fixture
def _on_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.mark.usefixtures("_on_amd64")
@pytest.mark.parametrize(
    ("names", "asked", "chosen"),
    [
        (("linux/arm64", "linux/amd64"), None, "amd64"),
        (("linux/arm64",), None, "arm64"),
        (("linux/amd64", "linux/arm64"), "linux/arm64/v8", "arm64"),
        (("linux/arm64/v8", "linux/amd64"), "linux/arm64", "arm64v8"),
        (("linux/amd64", "linux/amd64/v3"), "linux/amd64/v4", "amd64v3"),
        (("linux/amd64", "linux/amd64/v3"), "linux/amd64/v2", "amd64"),
        (("linux/arm/v6", "linux/arm/v7"), "linux/arm", "armv7"),
        (("linux/amd64/v2", "linux/amd64"), "linux/x86_64", "amd64"),
    ],
)
def test_a_platform_is_chosen(names: tuple[str, ...], asked: str | None, chosen: str, tmp_path: Path) -> None:
    assert read_platform(platform_index(tmp_path, *names), asked) == chosen


@pytest.mark.usefixtures("_on_amd64")
def test_a_choice_is_said(tmp_path: Path) -> None:
    assert "reading linux/amd64" in read(platform_index(tmp_path / "a", "linux/amd64", "linux/arm64")).said[0]
    assert read(platform_index(tmp_path / "b", "linux/amd64")).said == []
    assert read(platform_index(tmp_path / "c", "linux/amd64", "linux/arm64"), "linux/arm64").said == []
    assert "has no linux/amd64/v3" in read(platform_index(tmp_path / "d", "linux/amd64"), "linux/amd64/v3").said[0]


@pytest.mark.usefixtures("_on_amd64")
def test_several_platforms_and_none_of_them_this_machines_is_a_question(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="several platforms") as caught:
        read(platform_index(tmp_path, "linux/arm64", "linux/s390x"))
    assert "linux/arm64, linux/s390x" in caught.value.why
    assert "--platform" in caught.value.remedy


@pytest.mark.parametrize("asked", ["linux/riscv64", "linux/arm/v6", "windows/amd64"])
def test_a_platform_that_is_not_there_lists_what_is(asked: str, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="it has linux/amd64, linux/arm/v7"):
        read(platform_index(tmp_path, "linux/amd64", "linux/arm/v7"), asked)


def test_a_single_image_of_another_platform_than_asked_is_not_there(tmp_path: Path) -> None:
    top, parts = image()
    assert read(layout(tmp_path, *parts, top=top), "linux/amd64").view.nodes
    with pytest.raises(NotFoundError, match="it is for linux/amd64"):
        read(layout(tmp_path, *parts, top=top), "linux/arm64")


def test_an_image_listed_for_another_platform_than_its_own_is_said(tmp_path: Path) -> None:
    top, parts = image(architecture="arm64")
    entry = describe(top, MANIFEST, platform={"os": "linux", "architecture": "amd64"})
    opened = read(layout(tmp_path, top, *parts, top=index(entry), media_type=INDEX), "linux/amd64")
    assert "is listed for linux/amd64 and calls itself linux/arm64" in opened.said[0]
    assert opened.view.config.architecture == "arm64"


def test_a_malformed_platform_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a platform"):
        read(platform_index(tmp_path, "linux/amd64"), "amd64")


def test_an_index_of_nothing_that_runs_has_no_image(tmp_path: Path) -> None:
    text = layout(tmp_path, top=index(describe(b"x", MANIFEST, platform=UNKNOWN)), media_type=INDEX)
    with pytest.raises(NotFoundError, match="holds no image"):
        read(text)


def test_an_entry_without_platform_has_that_of_its_config(tmp_path: Path) -> None:
    (one, parts), (other, others) = image(), image(architecture="arm64")
    top = index(describe(one, MANIFEST), describe(other, MANIFEST))
    text = layout(tmp_path, one, other, *parts, *others, top=top, media_type=INDEX)
    assert read_platform(text, "linux/arm64") == "arm64"


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_indexes_within_indexes_are_followed_as_far_as_anybody_nests_them(depth: int, tmp_path: Path) -> None:
    top, parts = image()
    blobs, entry = [top, *parts], describe(top, MANIFEST, platform={"os": "linux", "architecture": "amd64"})
    for _ in range(depth):
        top = index(entry)
        blobs.append(top)
        entry = describe(top, INDEX)
    text = layout(tmp_path, *blobs, top=top, media_type=INDEX)
    if depth > 3:
        with pytest.raises(ImageError, match="levels"):
            read(text)
    else:
        assert read_platform(text) == "amd64"


def test_entries_of_an_index_are_counted(tmp_path: Path) -> None:
    entries = [describe(b"x", MANIFEST, platform={"os": "linux", "architecture": "amd64"})] * 1001
    with pytest.raises(ImageError, match="more than 1000 entries"):
        read(layout(tmp_path, top=index(*entries), media_type=INDEX))
