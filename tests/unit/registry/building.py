"""Small images, and empty OCI layouts to put them in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compatbuild.registry.descriptor import OCI_CONFIG, OCI_INDEX, OCI_MANIFEST, Descriptor, canonical_json
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.store import Store

SPEC_TEXT = b'version: "v1alpha1"\ncompatibilities:\n- rules:\n  - name: "required"\n'
CREATED = "2026-11-23T10:00:00Z"
LATER = "2026-11-23T11:00:00Z"


def empty_layout(directory: Path) -> LayoutStore:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (directory / "index.json").write_text('{"schemaVersion": 2, "manifests": []}')
    return LayoutStore(directory)


def push_image(store: Store, tag: str | None = None, *, architecture: str = "amd64", mark: str = "") -> Descriptor:
    """Push an image of one layer; images with another mark differ."""
    config = {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": []}, "mark": mark}
    layer = store.push_blob(b"a layer " + mark.encode(), "application/vnd.oci.image.layer.v1.tar")
    return store.push_manifest(
        manifest(store.push_blob(canonical_json(config), OCI_CONFIG), [layer]), OCI_MANIFEST, tag
    )


def push_index(store: Store, tag: str | None, *entries: dict[str, Any]) -> Descriptor:
    raw = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)})
    return store.push_manifest(raw, OCI_INDEX, tag)


def manifest(config: Descriptor, layers: list[Descriptor], **more: Any) -> bytes:
    fields = {"config": config.as_json(), "layers": [layer.as_json() for layer in layers]}
    return canonical_json({"schemaVersion": 2, "mediaType": OCI_MANIFEST, **fields, **more})


def on(platform: str, descriptor: Descriptor, **more: Any) -> dict[str, Any]:
    """Give the index entry of a manifest for ``os/architecture[/variant]``."""
    names = dict(zip(("os", "architecture", "variant"), platform.split("/"), strict=False))
    return descriptor.as_json() | {"platform": names} | more


def index_entries(directory: Path) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = json.loads((directory / "index.json").read_text())["manifests"]
    return entries
