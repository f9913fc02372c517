"""The layers of an image in an OCI layout, as files."""

import json
from pathlib import Path
from typing import Any

REF_NAME = "org.opencontainers.image.ref.name"
GZIP, ZSTD = "gzip", "zstd"


def layer_files(layout: Path, tag: str) -> tuple[str, list[Path]]:
    """Return how the layers are compressed (GZIP or ZSTD), and their files, lowest first.

    LookupError when there is no such tag, or they are not all compressed in one of these ways.
    """
    listed = json.loads((layout / "index.json").read_text(encoding="utf-8"))["manifests"]
    tagged = [entry for entry in listed if entry.get("annotations", {}).get(REF_NAME) == tag]
    if not tagged:
        raise LookupError(f"{layout} holds no image with the tag {tag}")
    layers = json.loads(_blob(layout, tagged[0]).read_text(encoding="utf-8"))["layers"]
    kinds = {layer["mediaType"].rpartition("+")[2] for layer in layers}
    if len(kinds) != 1 or not kinds <= {GZIP, ZSTD}:
        raise LookupError(f"{layout} has layers that are not all gzip or all zstd: {', '.join(sorted(kinds))}")
    return kinds.pop(), [_blob(layout, layer) for layer in layers]


def _blob(layout: Path, descriptor: dict[str, Any]) -> Path:
    algorithm, _, digest = str(descriptor["digest"]).partition(":")
    return layout / "blobs" / algorithm / digest
