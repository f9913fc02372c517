from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compatbuild.registry.descriptor import (
    DOCKER_MANIFEST,
    MAX_ENTRIES,
    MAX_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    Descriptor,
    Index,
    Manifest,
    ManifestBytes,
    canonical_json,
    describe,
    media_type_of,
    parse_descriptor,
    parse_manifest,
)
from compatbuild.registry.digest import ContentError, check_digest, digest_of, is_digest
from compatbuild.registry.platform import Platform

CONFIG = describe(b"{}", OCI_CONFIG).as_json()


def image(**more: Any) -> bytes:
    return canonical_json({"schemaVersion": 2, "config": CONFIG, "layers": [], **more})


def test_a_manifest_is_read() -> None:
    subject = describe(b"image", OCI_MANIFEST)
    raw = image(mediaType=OCI_MANIFEST, artifactType="a/b", subject=subject.as_json(), annotations={"k": "v"})
    manifest = ManifestBytes(raw, describe(raw, OCI_MANIFEST)).parse()
    assert manifest == Manifest(describe(b"{}", OCI_CONFIG), (), "a/b", subject, {"k": "v"})


def test_an_index_is_read() -> None:
    entry = describe(b"image", OCI_MANIFEST).as_json() | {
        "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}
    }
    index = parse_manifest(canonical_json({"schemaVersion": 2, "manifests": [entry]}), OCI_INDEX)
    assert isinstance(index, Index)
    assert index.manifests[0].platform == Platform("linux", "arm", "v7")
    assert index.manifests[0].as_json() == entry


@pytest.mark.parametrize(
    ("raw", "media_type"),
    [
        (image(manifests=[]), OCI_MANIFEST),
        (image(manifests=[]), OCI_INDEX),
        (image(mediaType=OCI_INDEX), OCI_MANIFEST),
        (image(mediaType=7), OCI_MANIFEST),
        (image(), OCI_INDEX),
        (image(), "application/json"),
        (image(schemaVersion=1), OCI_MANIFEST),
        (image(layers=[{}]), OCI_MANIFEST),
        (image(layers={}), OCI_MANIFEST),
        (image(config=None), OCI_MANIFEST),
        (image(annotations={"a": 1}), OCI_MANIFEST),
        (image(annotations=[]), OCI_MANIFEST),
        (image(subject={}), OCI_MANIFEST),
        (image(artifactType=[]), OCI_MANIFEST),
        (image(layers=[CONFIG | {"digest": "sha256:../../x"}]), OCI_MANIFEST),
        (image(layers=[CONFIG | {"size": -1}]), OCI_MANIFEST),
        (image(layers=[CONFIG | {"size": True}]), OCI_MANIFEST),
        (image(layers=[CONFIG | {"size": 1 << 63}]), OCI_MANIFEST),
        (image(layers=[CONFIG | {"size": 1.0}]), OCI_MANIFEST),
        (image(layers=[CONFIG | {"mediaType": ""}]), OCI_MANIFEST),
        (image(layers=[CONFIG | {"platform": "linux"}]), OCI_MANIFEST),
        (image(layers=[CONFIG] * (MAX_ENTRIES + 1)), OCI_MANIFEST),
        (b" " * MAX_MANIFEST + image(), OCI_MANIFEST),
        (b"[" * 200_000, OCI_MANIFEST),
        (b"[]", OCI_MANIFEST),
        (b"<html>", OCI_MANIFEST),
        (b"\xff\xfe", OCI_MANIFEST),
        (b'{"schemaVersion": 2, "schemaVersion": 2, "layers": []}', OCI_MANIFEST),
        (b'{"schemaVersion": ' + b"9" * 5000 + b"}", OCI_MANIFEST),
        (b"", OCI_MANIFEST),
    ],
)
def test_what_is_malformed_is_refused(raw: bytes, media_type: str) -> None:
    with pytest.raises(ContentError) as caught:
        parse_manifest(raw, media_type)
    assert caught.value.why


def test_the_media_type_is_the_documents_own() -> None:
    assert media_type_of(image()) == OCI_MANIFEST
    assert media_type_of(image(), DOCKER_MANIFEST) == DOCKER_MANIFEST
    assert media_type_of(image(mediaType=DOCKER_MANIFEST), "application/octet-stream") == DOCKER_MANIFEST
    assert media_type_of(b'{"schemaVersion": 2, "manifests": []}', "application/json") == OCI_INDEX
    with pytest.raises(ContentError, match="malformed"):
        media_type_of(image(mediaType=OCI_MANIFEST), DOCKER_MANIFEST)


def test_a_descriptor_binds_by_type_digest_and_size() -> None:
    one = describe(b"x", OCI_MANIFEST)
    assert one.same_content(Descriptor(OCI_MANIFEST, one.digest, 1, "type", {"a": "b"}))
    assert not one.same_content(Descriptor(DOCKER_MANIFEST, one.digest, 1))
    assert not one.same_content(Descriptor(OCI_MANIFEST, one.digest, 2))
    assert Descriptor(OCI_MANIFEST, one.digest, 1, "type", {"a": "b"}).bare() == one


def test_digests() -> None:
    assert is_digest(digest_of(b"x", "sha512"))
    assert not is_digest("sha256:" + "AB" * 32)
    assert not is_digest("sha256:" + "ab" * 32 + "\n")
    assert not is_digest(None)
    check_digest(b"x", digest_of(b"x"), "it")
    with pytest.raises(ContentError, match="it does not have its digest"):
        check_digest(b"y", digest_of(b"x"), "it")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "mediaType",
        "digest",
        "size",
        "annotations",
        "platform",
        "artifactType",
        "layers",
        "config",
        "manifests",
        "subject",
    ]
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(FIELDS, JSON))
def test_any_document_is_read_or_refused(document: dict[str, Any]) -> None:
    raw = json.dumps(document | {"schemaVersion": 2}).encode()
    for call in (
        lambda: parse_manifest(raw, OCI_MANIFEST),
        lambda: media_type_of(raw),
        lambda: parse_descriptor(document, "x"),
    ):
        with contextlib.suppress(ContentError):
            call()
