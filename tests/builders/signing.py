"""Images with specifications and signatures on them, well-meant and forged, in any store."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from compatbuild.registry.artifact import EMPTY, SPEC, build_artifact
from compatbuild.registry.attach import push_artifact
from compatbuild.registry.descriptor import OCI_CONFIG, OCI_EMPTY, OCI_MANIFEST, Descriptor, canonical_json
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.store import Store
from compatbuild.signing import bundle, legacy, manifest, statement
from compatbuild.signing import sign as signing
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.sign import Signed, SignOptions

SPEC_TEXT = b'version: "v1alpha1"\ncompatibilities:\n- rules:\n  - name: "required"\n'
CREATED = "2026-11-23T10:00:00Z"
LATER = "2026-11-23T11:00:00Z"
FAR = "2090-01-01T00:00:00Z"


def empty_layout(directory: Path) -> LayoutStore:
    """Make an OCI layout with nothing in it."""
    directory.mkdir(parents=True)
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    (directory / "index.json").write_text('{"schemaVersion": 2, "manifests": []}')
    return LayoutStore(directory)


def push_image(store: Store, tag: str | None = None, *, mark: str = "") -> Descriptor:
    """Push an image of one layer; images with another mark differ."""
    layer = store.push_blob(b"a layer " + mark.encode(), "application/vnd.oci.image.layer.v1.tar")
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": [layer.digest]}}
    fields = {"config": store.push_blob(canonical_json(config), OCI_CONFIG).as_json(), "layers": [layer.as_json()]}
    return store.push_manifest(
        canonical_json({"schemaVersion": 2, "mediaType": OCI_MANIFEST, **fields}), OCI_MANIFEST, tag
    )


def attach_spec(store: Store, image: Descriptor, created: str = CREATED, text: bytes = SPEC_TEXT) -> Descriptor:
    """Attach a specification with any date, as anyone with the right to push can."""
    return push_artifact(store, build_artifact(SPEC, text, image, {}, created), image)[1]


def sign(store: Store, subject: Descriptor, key: PrivateKey, created: str, *, force: bool = False) -> Signed:
    """Sign in the bundle format."""
    (signed,) = signing.sign(store, subject, key, created, SignOptions(force=force))
    return signed


def publish(
    store: Store, image: Descriptor, key: PrivateKey, created: str = CREATED, text: bytes = SPEC_TEXT
) -> Descriptor:
    """Attach a specification, sign it and the image; give the specification's artifact."""
    spec = attach_spec(store, image, created, text)
    sign(store, spec, key, created)
    sign(store, image, key, created)
    return spec


def hang_bundle(store: Store, subject: Descriptor, content: bytes) -> Descriptor:
    """Hang any bundle on any manifest."""
    return push_artifact(store, manifest.build(content, subject, CREATED), subject)[1]


def attestation(digest: str, key: PrivateKey, predicate_type: str) -> bytes:
    """Give the bundle of a statement about a digest that is no signature."""
    return bundle.build(statement.build("app", digest, predicate_type=predicate_type, predicate={"a": 1}), key)


def push_legacy(store: Store, subject: Descriptor, *payloads: tuple[bytes, bytes]) -> Descriptor:
    """Put payloads and their signatures under cosign's older tag, as cosign does."""
    return store.push_manifest(_legacy(store, payloads), OCI_MANIFEST, legacy.tag(subject.digest))


def hang_legacy(store: Store, subject: Descriptor, *payloads: tuple[bytes, bytes]) -> Descriptor:
    """Hang payloads and their signatures on a manifest, as an experimental mode of cosign 2 did."""
    document = json.loads(_legacy(store, payloads))
    document |= {"artifactType": legacy.ARTIFACT_TYPE, "subject": subject.bare().as_json()}
    document["config"] = store.push_blob(EMPTY, OCI_EMPTY).as_json()
    pushed = store.push_manifest(canonical_json(document), OCI_MANIFEST)
    store.add_referrer(pushed, subject.digest)
    return pushed


def payload(digest: str, kind: str = "cosign container image signature") -> bytes:
    image = {"docker-manifest-digest": digest}
    critical = {"identity": {"docker-reference": "registry.example/app"}, "image": image, "type": kind}
    return json.dumps({"critical": critical, "optional": None}).encode()


def signed(content: bytes, key: PrivateKey) -> tuple[bytes, bytes]:
    """Give a payload and the signature of a key over it."""
    return content, key.sign(content)


def _legacy(store: Store, payloads: tuple[tuple[bytes, bytes], ...]) -> bytes:
    layers = []
    for content, signature in payloads:
        layer = store.push_blob(content, legacy.MEDIA_TYPE).as_json()
        layers.append(layer | {"annotations": {legacy.SIGNATURE: base64.b64encode(signature).decode()}})
    rootfs = {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]}
    config = store.push_blob(canonical_json({"rootfs": rootfs}), OCI_CONFIG)
    fields = {"config": config.as_json(), "layers": layers}
    return canonical_json({"schemaVersion": 2, "mediaType": OCI_MANIFEST, **fields})
