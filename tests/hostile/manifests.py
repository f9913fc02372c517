"""Manifests, indexes and configs: wrong digests and sizes, documents that are two things, and sizes without end."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.builders.images import (
    CONFIG,
    INDEX,
    MANIFEST,
    describe,
    image_config,
    index,
    manifest,
    oci_files,
    to_json,
    write_files,
)
from tests.builders.layers import Layer, file, layer, sha256
from tests.builders.programs import RUNTIME, cuda_program
from tests.hostile.case import HONEST, Case, Make, refused

TAG = {"org.opencontainers.image.ref.name": "v1"}
ONLY = cuda_program()
CONFIGURED = image_config([ONLY], RUNTIME)
ELSEWHERE = "sha256:../../../../../../../etc/hostname"


def layout(top: bytes, *blobs: bytes, media_type: str = MANIFEST, **fields: Any) -> Make:
    """Return what writes a layout whose one entry is ``top``; ``fields`` replace those of its descriptor."""
    entry = describe(top, media_type, annotations=TAG) | fields
    return lambda path: write_files(path, oci_files([top, *blobs], [entry]))


def honest(layers: Sequence[Layer] = (ONLY,), config: bytes = CONFIGURED, /, **fields: Any) -> Make:
    """Return what writes an image; ``fields`` replace those of its manifest."""

    def make(path: Path) -> object:
        return layout(manifest(layers, config, **fields), config, *(one.blob for one in layers))(path)

    return make


def layer_as(**fields: Any) -> Make:
    """Return what writes an image whose layer's descriptor is not as it should be."""
    return honest(layers=[describe(ONLY.blob, ONLY.media_type) | fields])


def config_as(**fields: Any) -> Make:
    """Return what writes an image whose config's descriptor is not as it should be."""
    return honest(config=describe(CONFIGURED, CONFIG) | fields)


def configured(**fields: Any) -> Make:
    """Return what writes an image whose config has other fields."""
    return honest([ONLY], image_config([ONLY], RUNTIME, **fields))


def spoilt(which: int) -> Make:
    """Return what writes an image of which one blob is not what its digest says: 0 the manifest, 1 config, 2 layer."""
    top = manifest([ONLY], CONFIGURED)
    blobs = [top, CONFIGURED, ONLY.blob]
    entry = describe(top, MANIFEST, annotations=TAG)

    def make(path: Path) -> None:
        write_files(path, oci_files(blobs, [entry]))
        blob = path / "blobs" / sha256(blobs[which]).replace(":", "/")
        content = bytearray(blob.read_bytes())
        content[len(content) // 2] ^= 1
        blob.write_bytes(content)

    return make


def without(which: int) -> Make:
    """Return what writes an image that lacks a blob."""
    top = manifest([ONLY], CONFIGURED)
    blobs = [top, CONFIGURED, ONLY.blob]
    entry = describe(top, MANIFEST, annotations=TAG)
    return lambda path: write_files(path, oci_files(blobs[:which] + blobs[which + 1 :], [entry]))


def indexes(make: Callable[[], tuple[bytes, list[bytes]]]) -> Make:
    """Return what writes a layout whose entry is an index; ``make`` gives it and its blobs."""

    def write(path: Path) -> None:
        top, blobs = make()
        layout(top, *blobs, media_type=INDEX)(path)

    return write


def nested() -> tuple[bytes, list[bytes]]:
    """Return an index in an index, 200 deep."""
    top, blobs, media_type = manifest([ONLY], CONFIGURED), [CONFIGURED, ONLY.blob], MANIFEST
    for _ in range(200):
        blobs.append(top)
        top, media_type = index(describe(top, media_type)), INDEX
    return top, blobs


def many_entries() -> tuple[bytes, list[bytes]]:
    """Return an index of 10,000 manifests that are not there."""
    entries = [describe(b"%d" % n, MANIFEST, platform={"os": "linux", "architecture": f"a{n}"}) for n in range(10_000)]
    return index(*entries), []


def wide() -> tuple[bytes, list[bytes]]:
    """Return an index with the same image 900 times."""
    top = manifest([ONLY], CONFIGURED)
    return index(*[describe(top, MANIFEST, platform={"os": "linux", "architecture": "amd64"})] * 900), [
        top,
        CONFIGURED,
        ONLY.blob,
    ]


def ambiguous() -> tuple[bytes, list[bytes]]:
    """Return an index with two different images for one platform."""
    blobs: list[bytes] = []
    for mark in ("a", "b"):
        one = cuda_program(mark=mark)
        raw = image_config([one], RUNTIME)
        blobs += [manifest([one], raw), raw, one.blob]
    platform = {"os": "linux", "architecture": "amd64"}
    return index(
        describe(blobs[0], MANIFEST, platform=platform), describe(blobs[3], MANIFEST, platform=platform)
    ), blobs


def lying_platform() -> tuple[bytes, list[bytes]]:
    """Return an index that calls an image for arm64 one for amd64."""
    config = image_config([ONLY], RUNTIME, architecture="arm64")
    top = manifest([ONLY], config)
    entry = describe(top, MANIFEST, platform={"os": "linux", "architecture": "amd64"})
    return index(entry), [top, config, ONLY.blob]


def plain(**files: bytes | None) -> Make:
    """Return what writes an honest layout with some files of its top replaced, or removed."""

    def make(path: Path) -> None:
        honest()(path)
        for name, content in files.items():
            target = path / name.replace("__", "-").replace("_json", ".json")
            target.unlink()
            if content is not None:
                target.write_bytes(content)

    return make


def linked(path: Path) -> None:
    """Write a layout whose config blob is a link to a file of this machine."""
    honest()(path)
    blob = path / "blobs" / sha256(CONFIGURED).replace(":", "/")
    blob.unlink()
    blob.symlink_to("/etc/hostname")


def piped(path: Path) -> None:
    """Write a layout whose layer is a named pipe that nobody writes to."""
    honest()(path)
    blob = path / "blobs" / ONLY.digest.replace(":", "/")
    blob.unlink()
    os.mkfifo(blob)


def text(document: str) -> Make:
    """Return what writes a layout whose manifest is this text."""
    return layout(document.encode(), CONFIGURED, ONLY.blob)


DOCUMENT = manifest([ONLY], CONFIGURED).decode()
TWICE = DOCUMENT[:-1] + ',"layers":[]}'
DEEP = '{"schemaVersion":2,"x":' + "[" * 200_000 + "]" * 200_000 + "}"
MANY = [layer(file(f"f{n}")) for n in range(1_001)]

CASES = (
    refused("digest-manifest", "a manifest whose bytes are not what the index names", spoilt(0), "manifest"),
    refused("digest-config", "a config whose bytes are not what the manifest names", spoilt(1), "blob"),
    refused("digest-layer", "a layer whose bytes are not what the manifest names", spoilt(2), "Layer 1 of 1"),
    refused(
        "diff-id",
        "a layer whose content is not what the config names",
        configured(rootfs={"type": "layers", "diff_ids": [sha256(b"other")]}),
        "diff ID",
    ),
    refused(
        "diff-ids-fewer",
        "fewer diff IDs than layers",
        configured(rootfs={"type": "layers", "diff_ids": []}),
        "0 diff IDs",
    ),
    refused(
        "diff-ids-more",
        "more diff IDs than layers",
        configured(rootfs={"type": "layers", "diff_ids": [ONLY.diff_id] * 2}),
        "2 diff IDs",
    ),
    refused("diff-ids-none", "no rootfs at all", configured(rootfs=None), "0 diff IDs"),
    refused("size-layer-less", "a layer that is larger than its descriptor says", layer_as(size=10), "another size"),
    refused(
        "size-layer-more", "a layer that is smaller than its descriptor says", layer_as(size=10_000_000), "another size"
    ),
    refused("size-layer-huge", "a layer of 8 EiB", layer_as(size=(1 << 63) - 1), "another size"),
    refused("size-negative", "a negative size", layer_as(size=-1), "is not a size"),
    refused("size-float", "a size with a fraction", layer_as(size=1.5), "is not a size"),
    refused("size-beyond", "a size of 40 digits", layer_as(size=10**40), "is not a size"),
    refused(
        "size-config-huge",
        "a config of 5 MB",
        honest([ONLY], image_config([ONLY], RUNTIME, author="x" * 5_000_000)),
        "too large",
    ),
    refused("size-config-lies", "a config that is larger than its descriptor says", config_as(size=10), "another size"),
    refused("digest-path", "a digest that is a path", layer_as(digest=ELSEWHERE), "digest"),
    refused("digest-path-in-index", "the same in index.json", layout(b"{}", digest=ELSEWHERE), "no image", code=3),
    refused("digest-upper-case", "a digest in capitals", layer_as(digest=ONLY.digest.upper()), "digest"),
    refused("digest-md5", "a digest of an algorithm that proves nothing", layer_as(digest="md5:" + "0" * 32), "digest"),
    refused("digest-short", "a digest that is cut", layer_as(digest=ONLY.digest[:40]), "digest"),
    refused("blob-missing-manifest", "no manifest", without(0), "does not exist", code=3),
    refused("blob-missing-config", "no config", without(1), "does not exist", code=3),
    refused("blob-missing-layer", "no layer", without(2), "does not exist", code=3),
    refused("blob-is-a-link", "a blob that is a link to a file of this machine", linked, "leads out of"),
    refused("blob-is-a-pipe", "a blob that is a named pipe", piped, "no regular file"),
    Case(
        "layer-foreign",
        "a foreign layer with a URL, which is not fetched",
        layer_as(
            mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["http://169.254.169.254/"]
        ),
        facts={},
        absent=("cuda.driver.min",),
        skipped=("not distributed with the image",),
    ),
    Case(
        "layer-media-type-unknown",
        "a layer of an unknown media type is told by its bytes",
        layer_as(mediaType="text/html"),
        facts=HONEST,
    ),
    refused("layers-1001", "1,001 layers", honest(MANY, image_config(MANY, RUNTIME)), "at most 1,000 are read"),
    refused(
        "layers-10001",
        "10,001 layers",
        honest(layers=[describe(ONLY.blob, ONLY.media_type)] * 10_001),
        "more than the 10000",
    ),
    Case(
        "layers-same",
        "the same layer 999 times is read once",
        honest([ONLY] * 999, image_config([ONLY] * 999, RUNTIME)),
        facts=HONEST,
    ),
    Case(
        "layers-none", "no layers at all", honest([], image_config([], RUNTIME)), facts={}, absent=("cuda.driver.min",)
    ),
    refused(
        "manifest-both",
        "a manifest that is an index as well (CVE-2021-41190)",
        text(DOCUMENT[:-1] + ',"manifests":[]}'),
        "both layers and manifests",
    ),
    refused("manifest-twice", "a key that occurs twice: readers would differ", text(TWICE), "not JSON"),
    refused("manifest-deep", "JSON 200,000 levels deep", text(DEEP), "not JSON"),
    refused(
        "manifest-numbers", "a number of 100,000 digits", text('{"schemaVersion":' + "2" * 100_000 + "}"), "manifest"
    ),
    refused("manifest-large", "a manifest of 5 MB", honest(annotations={"x": "x" * 5_000_000}), "more than the"),
    refused("manifest-html", "HTML in the place of a manifest", text("<html>"), "not JSON"),
    refused("manifest-list", "a list in the place of a manifest", text("[]"), "not a JSON object"),
    refused(
        "manifest-null",
        "a manifest of nulls",
        text('{"schemaVersion":2,"config":null,"layers":null}'),
        "manifest is malformed",
    ),
    refused(
        "manifest-types",
        "a manifest whose parts have other types",
        text('{"schemaVersion":2,"config":[],"layers":{"0":1}}'),
        "manifest is malformed",
    ),
    refused("manifest-schema-1", "docker's schema 1", text('{"schemaVersion":1,"fsLayers":[]}'), "manifest"),
    refused("manifest-media-type", "a manifest that calls itself an index", honest(mediaType=INDEX), "malformed"),
    refused("manifest-media-type-list", "a media type that is a list", honest(mediaType=["x"]), "malformed"),
    refused("manifest-annotations", "annotations that are no texts", honest(annotations={"a": 1}), "annotations"),
    refused(
        "manifest-utf-16",
        "a manifest in UTF-16 with half a surrogate",
        layout('{"a":"\ud800"}'.encode("utf-16", "surrogatepass"), CONFIGURED),
        "manifest",
    ),
    refused(
        "manifest-artifact",
        "an artifact, not an image",
        config_as(mediaType="application/vnd.oci.empty.v1+json"),
        "artifact",
        code=2,
    ),
    refused(
        "manifest-with-subject", "a referrer, not an image", honest(subject=describe(b"x", MANIFEST)), "image", code=3
    ),
    refused("config-deep", "a config 200,000 levels deep", honest([ONLY], DEEP.encode()), "config"),
    refused("config-list", "a config that is a list", honest([ONLY], b"[]"), "config is malformed"),
    refused(
        "config-duplicate",
        "a config with a key twice: readers would differ",
        honest([ONLY], CONFIGURED[:-1] + b',"architecture":"arm64"}'),
        "config is malformed",
    ),
    refused("config-types", "Env that is an object", configured(config={"Env": {"a": "b"}}), "Env"),
    refused(
        "config-long-env", "a variable of 200,000 characters", configured(config={"Env": ["A=" + "x" * 200_000]}), "Env"
    ),
    refused(
        "config-many-labels",
        "20,000 labels",
        configured(config={"Labels": {f"l{n}": "" for n in range(20_000)}}),
        "Labels",
    ),
    Case(
        "config-big-env",
        "10,000 variables",
        configured(config=RUNTIME | {"Env": [f"A{n}=x" for n in range(10_000)]}),
        facts=HONEST,
    ),
    Case(
        "config-big-history",
        "10,000 steps of history",
        configured(history=[{"created_by": "RUN make CFLAGS=-O2 " + "x" * 300}] * 10_000),
        facts=HONEST,
    ),
    refused("config-windows", "an image for Windows", configured(os="windows"), "image for windows"),
    Case(
        "config-odd-words",
        "surrogates, zero bytes and control characters in every text",
        honest(
            [ONLY],
            CONFIGURED.replace(
                b'"config":{',
                b'"config":{"User":"\\ud800\\u0000\\u001b[2J","WorkingDir":"/\\u0000/..","Labels":{"\\u202e":"\\u0007"},',
            ),
        ),
        facts=HONEST,
    ),
    refused("index-nested", "an index in an index, 200 deep", indexes(nested), "index"),
    refused("index-many", "an index of 10,000 platforms", indexes(many_entries), "more than 1000 entries", code=1),
    refused(
        "index-too-many",
        "an index of 10,001 entries",
        layout(index(*[describe(b"", MANIFEST)] * 10_001), media_type=INDEX),
        "10000",
    ),
    Case(
        "index-same",
        "an index with the same image 900 times",
        indexes(wide),
        facts=HONEST,
        said=("reading linux/amd64",),
    ),
    Case(
        "index-ambiguous",
        "two images for one platform: the first is read, as runtimes do",
        indexes(ambiguous),
        facts=HONEST,
        said=("2 different images for linux/amd64: reading the first",),
    ),
    Case(
        "index-lies",
        "an index that calls an image for arm64 one for amd64: its own word is taken",
        indexes(lying_platform),
        facts=HONEST,
        said=("calls itself linux/arm64",),
    ),
    refused(
        "index-loop",
        "an entry that is index.json itself, as far as its digest can say so",
        layout(b"{}", digest=sha256(b"loop")),
        "does not exist",
        code=3,
    ),
    refused("index-empty", "an index without images", layout(index(), media_type=INDEX), "no image", code=3),
    refused("layout-none", "no oci-layout file", plain(oci__layout=None), "oci-layout", code=3),
    refused(
        "layout-version",
        "a layout of a version that is not known",
        plain(oci__layout=b'{"imageLayoutVersion":"9"}'),
        "1.0.0",
    ),
    refused("layout-index-large", "an index.json of 9 MB", plain(index_json=b" " * 9_000_000), "too large"),
    refused(
        "layout-index-twice",
        "an index.json with a key twice",
        plain(index_json=b'{"manifests":[],"manifests":[]}'),
        "not JSON",
    ),
    refused(
        "layout-index-many",
        "an index.json of 10,001 entries",
        plain(index_json=to_json({"manifests": [{}] * 10_001})),
        "10000",
    ),
    refused("layout-index-nan", "an index.json that is NaN", plain(index_json=b"NaN"), "JSON"),
)
