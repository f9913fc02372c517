"""The gzip-compressed layers of an image in an OCI layout."""

import json
from pathlib import Path
from typing import Any

REF_NAME = "org.opencontainers.image.ref.name"


def gzip_layers(layout: Path, tag: str) -> list[Path]:
    """Return the layers' files, lowest first; LookupError when there is no such tag or a layer is not gzip."""
    listed = json.loads((layout / "index.json").read_text(encoding="utf-8"))["manifests"]
    tagged = [entry for entry in listed if entry.get("annotations", {}).get(REF_NAME) == tag]
    if not tagged:
        raise LookupError(f"{layout} holds no image with the tag {tag}")
    layers = json.loads(_blob(layout, tagged[0]).read_text(encoding="utf-8"))["layers"]
    if strange := [layer["mediaType"] for layer in layers if not layer["mediaType"].endswith("gzip")]:
        raise LookupError(f"{layout} has a layer that is not gzip: {strange[0]}")
    return [_blob(layout, layer) for layer in layers]


def _blob(layout: Path, descriptor: dict[str, Any]) -> Path:
    algorithm, _, digest = str(descriptor["digest"]).partition(":")
    return layout / "blobs" / algorithm / digest
