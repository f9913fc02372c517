"""Writing a signature in cosign's older format: one more layer under the tag of the image.

The manifest under ``sha256-HEX.sig`` belongs to all signers. There is no compare-and-swap, so it is written and read
again until our layer is seen to be there beside all the others.
"""

import base64
import json
import random
import time
from typing import Any

from compatbuild.errors import NotFoundError, SigningError
from compatbuild.registry.descriptor import (
    MAX_MANIFEST,
    OCI_CONFIG,
    OCI_MANIFEST,
    Descriptor,
    canonical_json,
    parse_json,
)
from compatbuild.registry.reference import TAG
from compatbuild.registry.store import Store
from compatbuild.signing import legacy

ROUNDS = 60
"""Reads before giving up."""
PAUSE = (0.05, 0.3)
"""Seconds before the manifest is read again, drawn at random so that writers fall out of step."""
SETTLED_READS = 3
"""Reads in a row that must be the same: somebody else may be about to write what they read before us."""


def add(store: Store, digest: str, payload: bytes, signature: bytes) -> Descriptor:
    """Add a signed payload to those under the tag of ``digest``; return the layer.

    SigningError when something else is under the tag, when it is full, or when others keep undoing it.
    """
    tag = legacy.tag(digest)
    if not TAG.fullmatch(tag):
        raise SigningError(f"{digest} has no room for a signature in the older format", why="a tag is too short for it")
    pushed = store.push_blob(payload, legacy.MEDIA_TYPE)
    text = base64.b64encode(signature).decode()
    layer = {**pushed.as_json(), "annotations": {legacy.SIGNATURE: text}}
    seen: list[list[Any]] = []
    for _ in range(ROUNDS):
        present = _layers(store, tag)
        if layer in present:
            seen = [*seen, present] if seen[-1:] == [present] else [present]
            if len(seen) == SETTLED_READS:
                return Descriptor(pushed.media_type, pushed.digest, pushed.size, annotations={legacy.SIGNATURE: text})
            time.sleep(random.uniform(*PAUSE))  # noqa: S311 - spreads writers, hides nothing
            continue
        seen = []
        if len(present) >= legacy.MAX_LAYERS:
            raise SigningError(
                f"{digest} has {len(present)} signatures in the older format",
                why=f"readers look at {legacy.MAX_LAYERS}",
                remedy="sign in the bundle format",
            )
        _write(store, tag, [*present, layer])
    raise SigningError(
        f"{store.name} does not keep the signature under {tag}",
        why=f"it did not come to rest in {ROUNDS} reads: others keep writing it",
        remedy="sign again when nobody else does",
    )


def _layers(store: Store, tag: str) -> list[Any]:
    """Return the layers under the tag as they are in its JSON, which may hold more than we know of."""
    try:
        found = store.resolve(tag)
    except NotFoundError:
        return []
    layers = parse_json(found.raw, MAX_MANIFEST, f"tag {tag} in {store.name}").get("layers")
    if found.descriptor.media_type != OCI_MANIFEST or not isinstance(layers, list):
        raise SigningError(
            f"tag {tag} in {store.name} holds no signatures",
            why=f"it is {found.descriptor.media_type}; nothing was changed",
            remedy="find out who put it there, or sign in the bundle format",
        )
    return layers


def _write(store: Store, tag: str, layers: list[Any]) -> None:
    diff_ids = [layer.get("digest", "") for layer in layers if isinstance(layer, dict)]
    config = {"architecture": "", "config": {}, "os": "", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    described = store.push_blob(canonical_json(config), OCI_CONFIG).as_json()
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described, "layers": layers}
    store.push_manifest(json.dumps(document, separators=(",", ":")).encode(), OCI_MANIFEST, tag)
