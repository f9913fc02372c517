"""Images made of layers: OCI layouts and archives, docker archives, skopeo directories, and views of layers alone."""

import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from compatbuild.image.build import build_view
from compatbuild.image.config import parse_config
from compatbuild.image.decompress import Readable
from compatbuild.image.interests import Interests
from compatbuild.image.layer_source import BlobLayer
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.image.view import ImageView
from tests.builders.layers import Layer, sha256

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"


def image_config(layers: Sequence[Layer], runtime: Mapping[str, Any] | None = None, **fields: Any) -> bytes:
    """Return the image config of these layers: linux/amd64 unless ``fields`` say otherwise."""
    return to_json(
        {"architecture": "amd64", "os": "linux", "config": dict(runtime or {})}
        | {"rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}}
        | fields
    )


def manifest(layers: Sequence[Layer], config: bytes, /, **fields: Any) -> bytes:
    """Return the manifest of an image; ``fields`` replace its own."""
    return to_json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": describe(config, CONFIG),
            "layers": [_layer(layer) for layer in layers],
        }
        | fields
    )


def describe(content: bytes, media_type: str, **fields: Any) -> dict[str, Any]:
    """Return the descriptor of some bytes."""
    return {"mediaType": media_type, "digest": sha256(content), "size": len(content)} | fields


def _layer(layer: Layer) -> dict[str, Any]:
    told = {"annotations": dict(layer.annotations)} if layer.annotations else {}
    return describe(layer.blob, layer.media_type, **told)


def index(*entries: Mapping[str, Any], **fields: Any) -> bytes:
    """Return an image index of descriptors."""
    return to_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": list(entries)} | fields)


def oci_files(blobs: Sequence[bytes], entries: Sequence[Mapping[str, Any]]) -> dict[str, bytes]:
    """Return the files of an OCI layout: blobs by digest, and an index.json of these entries."""
    files = {f"blobs/{sha256(blob).replace(':', '/')}": blob for blob in blobs}
    return files | {"index.json": index(*entries), "oci-layout": b'{"imageLayoutVersion":"1.0.0"}'}


def image_files(layers: Sequence[Layer], config: bytes | None = None, tag: str = "v1") -> dict[str, bytes]:
    """Return the files of an OCI layout with one image."""
    config = config or image_config(layers)
    document = manifest(layers, config)
    entry = describe(document, MANIFEST, annotations={"org.opencontainers.image.ref.name": tag})
    return oci_files([config, document, *(layer.blob for layer in layers)], [entry])


def oci_layout(path: Path, layers: Sequence[Layer], config: bytes | None = None, tag: str = "v1") -> Path:
    """Write an OCI layout with one image, and return its directory."""
    return write_files(path, image_files(layers, config, tag))


def oci_archive(path: Path, layers: Sequence[Layer], config: bytes | None = None, tag: str = "v1") -> Path:
    """Write an OCI archive with one image, blobs first as skopeo does."""
    return write_tar(path, image_files(layers, config, tag))


def docker_archive(path: Path, layers: Sequence[Layer], config: bytes | None = None, tag: str = "app:v1") -> Path:
    """Write a docker archive with one image, its layers named by their diff IDs as podman does."""
    config = config or image_config(layers)
    names = [f"{layer.diff_id.removeprefix('sha256:')}.tar" for layer in layers]
    name = f"{sha256(config).removeprefix('sha256:')}.json"
    saved = to_json([{"Config": name, "RepoTags": [tag] if tag else None, "Layers": names}])
    blobs = {name: layer.blob for name, layer in zip(names, layers, strict=True)}
    return write_tar(path, blobs | {name: config, "manifest.json": saved})


def skopeo_dir(path: Path, layers: Sequence[Layer], config: bytes | None = None) -> Path:
    """Write an image in skopeo's ``dir`` form."""
    config = config or image_config(layers)
    files = {sha256(blob).removeprefix("sha256:"): blob for blob in (config, *(layer.blob for layer in layers))}
    version = b"Directory Transport Version: 1.1\n"
    return write_files(path, files | {"version": version, "manifest.json": manifest(layers, config)})


def view(
    *layers: Layer,
    interests: Interests | None = None,
    runtime: Mapping[str, Any] | None = None,
    limits: Limits = DEFAULT,
) -> ImageView:
    """Return the view of an image of these layers, read from memory."""
    config = parse_config(image_config(layers, runtime), limits)
    return build_view(config, [blob_layer(layer) for layer in layers], interests or Interests(), limits)


def blob_layer(layer: Layer, **fields: Any) -> BlobLayer:
    """Return a layer as sources give it; ``fields`` replace what is true of it."""

    def opened() -> AbstractContextManager[Readable]:
        return io.BytesIO(layer.blob)

    told: dict[str, Any] = {"open": opened, "media_type": layer.media_type}
    told |= {"name": "the layer", "digest": layer.digest, "size": len(layer.blob), "diff_id": layer.diff_id}
    return BlobLayer(**(told | fields))


def write_files(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files below a directory, and return it."""
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def write_tar(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write files into a tar archive in their order, and return its path."""
    with tarfile.open(path, "w:") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def to_json(document: object) -> bytes:
    """Return compact JSON."""
    return json.dumps(document, separators=(",", ":")).encode()
