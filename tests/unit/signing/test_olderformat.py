"""Signatures in cosign's older format: added beside those of others, once, and never over something else."""

import json

import pytest

from compatbuild.errors import NotFoundError, SigningError, UsageError
from compatbuild.registry.descriptor import OCI_INDEX, OCI_MANIFEST, Descriptor, Manifest, canonical_json
from compatbuild.registry.layout import LayoutStore
from compatbuild.signing import legacy, olderformat
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.sign import SignOptions, sign
from compatbuild.signing.signatures import Format, find
from tests.builders.signing import CREATED, LATER, payload, push_image, push_legacy, signed

LEGACY = SignOptions((Format.LEGACY,))


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(olderformat, "PAUSE", (0.0, 0.0))


@pytest.fixture
def image(store: LayoutStore) -> Descriptor:
    return push_image(store, "v1")


def layers(store: LayoutStore, image: Descriptor) -> list[Descriptor]:
    found = store.resolve(legacy.tag(image.digest)).parse()
    assert isinstance(found, Manifest)
    return list(found.layers)


def test_the_payload_is_byte_for_byte_what_cosign_writes() -> None:
    digest = "sha256:" + "ab" * 32
    head = '{"critical":{"identity":{"docker-reference":"127.0.0.1:5000/app"},"image":{"docker-manifest-digest":"'
    tail = '"},"type":"cosign container image signature"},"optional":'
    assert legacy.build("127.0.0.1:5000/app", digest, {}).decode() == f"{head}{digest}{tail}null}}"
    assert legacy.build("127.0.0.1:5000/app", digest, {"b": "2", "a": "1"}).decode().endswith('{"a":"1","b":"2"}}')


def test_it_is_written_once(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    assert [one.state for one in sign(store, image, key, CREATED, LEGACY)] == ["created"]
    assert [one.state for one in sign(store, image, key, LATER, LEGACY)] == ["unchanged"]
    assert len(layers(store, image)) == 1
    assert [(one.format, one.counts) for one in find(store, image, [key.public_key])] == [(Format.LEGACY, True)]


def test_others_keep_theirs_as_they_were(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    push_legacy(store, image, signed(payload(image.digest), other_key))
    raw = json.loads(store.resolve(legacy.tag(image.digest)).raw)
    sign(store, image, key, CREATED, LEGACY)
    now = json.loads(store.resolve(legacy.tag(image.digest)).raw)
    assert now["layers"][:1] == raw["layers"]
    assert len(now["layers"]) == 2
    config = json.loads(store.blob(store.resolve(legacy.tag(image.digest)).parse().config, 1 << 20))  # type: ignore[union-attr]  # a manifest
    assert config["rootfs"]["diff_ids"] == [layer["digest"] for layer in now["layers"]]


def test_it_is_no_image_of_the_layout(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    sign(store, image, key, CREATED, LEGACY)
    assert store.resolve("").descriptor.digest == image.digest


def test_a_full_tag_is_not_written_to(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    push_legacy(store, image, *[signed(payload(image.digest), other_key)] * legacy.MAX_LAYERS)
    with pytest.raises(SigningError, match="64 signatures"):
        sign(store, image, key, CREATED, LEGACY)


def test_something_else_under_the_tag_is_left_alone(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    index = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    pushed = store.push_manifest(index, OCI_INDEX, legacy.tag(image.digest))
    with pytest.raises(SigningError, match="holds no signatures"):
        sign(store, image, key, CREATED, LEGACY)
    assert store.resolve(legacy.tag(image.digest)).descriptor.digest == pushed.digest


def test_a_writer_that_always_undoes_it_is_an_error(
    store: LayoutStore, image: Descriptor, key: PrivateKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(olderformat, "_write", lambda *_: None)
    with pytest.raises(SigningError, match="does not keep the signature"):
        sign(store, image, key, CREATED, LEGACY)
    with pytest.raises(NotFoundError):
        store.resolve(legacy.tag(image.digest))


def test_a_digest_without_room_for_a_tag(store: LayoutStore, key: PrivateKey) -> None:
    with pytest.raises(SigningError, match="no room"):
        sign(store, Descriptor(OCI_MANIFEST, "sha512:" + "ab" * 64, 500), key, CREATED, LEGACY)


def test_annotations_are_bounded() -> None:
    with pytest.raises(UsageError, match="too many"):
        SignOptions(annotations={str(number): "" for number in range(65)})
