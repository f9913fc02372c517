from collections.abc import Callable

import pytest

from compatbuild.registry.descriptor import OCI_INDEX, OCI_MANIFEST, Descriptor, canonical_json, describe
from compatbuild.registry.layout import REF_NAME, LayoutStore
from compatbuild.signing import bundle, legacy, manifest, statement
from compatbuild.signing.dsse import pae
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.signatures import Format, find
from tests.builders.signing import (
    CREATED,
    attestation,
    hang_bundle,
    hang_legacy,
    payload,
    push_image,
    push_legacy,
    sign,
    signed,
)

Place = Callable[..., Descriptor]


@pytest.fixture
def image(store: LayoutStore) -> Descriptor:
    return push_image(store, "v1")


def only_reason(store: LayoutStore, image: Descriptor, *keys: PrivateKey) -> str:
    (found,) = find(store, image, [key.public_key for key in keys])
    assert found.counts == (not found.reason)
    return found.reason


def test_an_unsigned_image_has_none(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    assert find(store, image, [key.public_key]) == ()


def test_it_says_which_key_made_it(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    sign(store, image, key, CREATED)
    (found,) = find(store, image, [other_key.public_key, key.public_key])
    assert (found.counts, found.key, found.format) == (True, key.public_key, Format.BUNDLE)


def test_a_signature_by_another_key(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    sign(store, image, key, CREATED)
    assert only_reason(store, image, other_key) == "made by none of the given keys"


def test_an_attestation(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    hang_bundle(store, image, attestation(image.digest, key, "https://example.com/\x1bscan"))
    assert only_reason(store, image, key) == (
        "it is an attestation of type 'https://example.com/\\x1bscan', not a signature"
    )


def test_a_signature_on_something_else(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    hang_bundle(store, image, bundle.build(statement.build("app", "sha256:" + "0" * 64), key))
    assert only_reason(store, image, key).startswith("it is about 'sha256:0000")


def test_a_statement_about_nothing(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    hang_bundle(store, image, bundle.build(statement.build("app", ":"), key))
    assert only_reason(store, image, key) == "it is about ':'"


def test_another_payload_type(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    said = statement.build("app", image.digest)

    class Mislabelling:
        public_key = key.public_key

        def sign(self, data: bytes) -> bytes:
            assert data == pae("application/vnd.in-toto+json", said)
            return key.sign(pae("text/plain", said))

    content = bundle.build(said, Mislabelling()).replace(b"application/vnd.in-toto+json", b"text/plain")
    hang_bundle(store, image, content)
    assert only_reason(store, image, key) == "its payload is 'text/plain'"


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_a_bundle_that_is_none(store: LayoutStore, image: Descriptor, key: PrivateKey, content: bytes) -> None:
    hang_bundle(store, image, content)
    assert only_reason(store, image, key).startswith("not a signature bundle: ")


def test_a_bundle_too_large_to_read(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    hang_bundle(store, image, b" " * (bundle.LIMIT + 1))
    assert "too large" in only_reason(store, image, key)


def test_a_bundle_whose_blob_is_gone(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    artifact = manifest.build(b"gone", image, CREATED)
    store.push_manifest(artifact.manifest.raw, OCI_MANIFEST)
    store.add_referrer(artifact.manifest.descriptor, image.digest)
    assert only_reason(store, image, key)


def test_two_layers_are_not_one_bundle(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    content = bundle.build(statement.build("app", image.digest), key)
    layer = store.push_blob(content, bundle.MEDIA_TYPE).as_json()
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": bundle.MEDIA_TYPE}
    document |= {"config": layer, "layers": [layer, layer], "subject": image.bare().as_json()}
    store.add_referrer(store.push_manifest(canonical_json(document), OCI_MANIFEST), image.digest)
    assert only_reason(store, image, key) == "not exactly one layer with a bundle"


@pytest.mark.parametrize("place", [push_legacy, hang_legacy], ids=["tag", "referrer"])
class TestOlderFormat:
    def test_it_counts(
        self, store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey, place: Place
    ) -> None:
        place(store, image, signed(payload(image.digest), other_key), signed(payload(image.digest) + b" ", key))
        foreign, ours = find(store, image, [key.public_key])
        assert foreign.reason == "made by none of the given keys"
        assert (ours.counts, ours.key, ours.format) == (True, key.public_key, Format.LEGACY)

    def test_another_image(self, store: LayoutStore, image: Descriptor, key: PrivateKey, place: Place) -> None:
        place(store, image, signed(payload("sha256:" + "0" * 64), key))
        assert only_reason(store, image, key).startswith("it is about 'sha256:0000")

    def test_another_purpose(self, store: LayoutStore, image: Descriptor, key: PrivateKey, place: Place) -> None:
        place(store, image, signed(payload(image.digest, "atomic container signature"), key))
        assert only_reason(store, image, key).startswith("what was signed is not cosign's payload: critical.type")

    def test_no_signature_at_all(self, store: LayoutStore, image: Descriptor, key: PrivateKey, place: Place) -> None:
        place(store, image, (payload(image.digest), b""))
        assert only_reason(store, image, key).startswith("this layer is no signature")

    def test_more_than_anyone_needs(self, store: LayoutStore, image: Descriptor, key: PrivateKey, place: Place) -> None:
        one = signed(payload(image.digest), key)
        place(store, image, *[one] * (legacy.MAX_LAYERS + 2))
        found = find(store, image, [key.public_key])
        assert [one.counts for one in found] == [True] * legacy.MAX_LAYERS + [False] * 2
        assert found[-1].reason == "only the first 64 are looked at"


def test_an_index_under_the_older_tag_holds_no_signature(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    index = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    store.push_manifest(index, OCI_INDEX, legacy.tag(image.digest))
    assert only_reason(store, image, key) == "its tag holds an index"


def test_an_older_tag_that_is_there_twice_is_no_error(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    first = push_legacy(store, image, signed(payload(image.digest), key))
    second = store.push_manifest(store.manifest(image.digest).raw, OCI_MANIFEST, "second")
    with store._rewriting() as entries:
        entries[:] = [one.as_json() | {"annotations": {REF_NAME: legacy.tag(image.digest)}} for one in (first, second)]
    assert "2 images" in only_reason(store, image, key)


def test_a_damaged_manifest_under_the_older_tag_is_no_error(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    raw = b'{"schemaVersion": 2, "layers": 5}'
    store.push_blob(raw, OCI_MANIFEST)
    with store._rewriting() as entries:
        entries.append(describe(raw, OCI_MANIFEST).as_json() | {"annotations": {REF_NAME: legacy.tag(image.digest)}})
    assert "malformed" in only_reason(store, image, key)
