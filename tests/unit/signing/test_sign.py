import json
from collections.abc import Callable

import pytest

from compatbuild.errors import SigningError, UsageError
from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor, Manifest
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.store import Store, Via
from compatbuild.signing import bundle, legacy, statement
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.signatures import Format
from tests.builders.signing import (
    CREATED,
    FAR,
    LATER,
    attach_spec,
    attestation,
    hang_bundle,
    hang_legacy,
    payload,
    push_image,
    push_legacy,
    sign,
    signed,
)

Place = Callable[[Store, Descriptor, tuple[bytes, bytes]], Descriptor]


def bundles(store: LayoutStore, subject: Descriptor) -> list[Descriptor]:
    return [one for one in store.referrers(subject.digest) if one.artifact_type == bundle.MEDIA_TYPE]


def test_a_signature_hangs_on_its_subject(store: LayoutStore, key: PrivateKey) -> None:
    image = push_image(store, "v1")
    made = sign(store, image, key, CREATED)
    assert (made.state, made.via, made.subject) == ("created", Via.LAYOUT, image)
    assert [one.digest for one in bundles(store, image)] == [made.descriptor.digest]
    carrier = store.manifest(made.descriptor.digest).parse()
    assert isinstance(carrier, Manifest)
    envelope = bundle.parse(store.blob(carrier.layers[0], bundle.LIMIT))
    assert envelope.signed_by(key.public_key)
    assert json.loads(envelope.payload)["subject"][0]["name"] == "layout"
    assert statement.parse(envelope.payload).digests == {image.digest}


def test_signing_twice_changes_nothing(store: LayoutStore, key: PrivateKey) -> None:
    image = push_image(store, "v1")
    first = sign(store, image, key, CREATED)
    second = sign(store, image, key, LATER)
    assert second.state == "unchanged"
    assert second.descriptor.digest == first.descriptor.digest
    assert len(bundles(store, image)) == 1


def test_a_second_key_signs_beside_the_first(store: LayoutStore, key: PrivateKey, other_key: PrivateKey) -> None:
    image = push_image(store, "v1")
    sign(store, image, key, CREATED)
    assert sign(store, image, other_key, CREATED).state == "created"
    assert len(bundles(store, image)) == 2


def test_an_artifact_is_signed_like_an_image(store: LayoutStore, key: PrivateKey) -> None:
    image = push_image(store, "v1")
    spec = attach_spec(store, image)
    sign(store, spec, key, CREATED)
    assert len(bundles(store, spec)) == 1
    assert not bundles(store, image)


def test_an_attestation_by_the_same_key_is_no_signature(store: LayoutStore, key: PrivateKey) -> None:
    image = push_image(store, "v1")
    hang_bundle(store, image, attestation(image.digest, key, "https://example.com/scan"))
    assert sign(store, image, key, CREATED).state == "created"


def test_a_signature_moved_from_elsewhere_is_no_signature(store: LayoutStore, key: PrivateKey) -> None:
    image, other = push_image(store, "v1"), push_image(store, "v2", mark="other")
    hang_bundle(store, image, bundle.build(statement.build("app", other.digest), key))
    assert sign(store, image, key, CREATED).state == "created"


@pytest.mark.parametrize("place", [push_legacy, hang_legacy])
def test_a_signature_in_the_older_format_is_not_hidden(
    store: LayoutStore, key: PrivateKey, other_key: PrivateKey, place: Place
) -> None:
    image = push_image(store, "v1")
    place(store, image, signed(payload(image.digest), other_key))
    with pytest.raises(SigningError, match="older format only") as caught:
        sign(store, image, key, CREATED)
    assert "force" in caught.value.remedy
    assert not bundles(store, image)
    assert sign(store, image, key, CREATED, force=True).state == "created"
    assert sign(store, image, key, CREATED).state == "unchanged"


@pytest.mark.parametrize("place", [push_legacy, hang_legacy])
def test_our_own_signature_in_the_older_format_is_enough(store: LayoutStore, key: PrivateKey, place: Place) -> None:
    image = push_image(store, "v1")
    place(store, image, signed(payload(image.digest), key))
    made = sign(store, image, key, CREATED)
    assert (made.state, made.via, made.format) == ("unchanged", Via.TAG, Format.LEGACY)
    assert not bundles(store, image)
    assert sign(store, image, key, CREATED, force=True).format is Format.BUNDLE


def test_where_a_bundle_hides_the_older_signature_already_nothing_is_lost(
    store: LayoutStore, key: PrivateKey, other_key: PrivateKey
) -> None:
    image = push_image(store, "v1")
    push_legacy(store, image, signed(payload(image.digest), key))
    hang_bundle(store, image, attestation(image.digest, other_key, "https://example.com/scan"))
    assert sign(store, image, key, CREATED).state == "created"


def test_the_specification_of_an_image_signed_the_older_way_is_signed_as_usual(
    store: LayoutStore, key: PrivateKey
) -> None:
    image = push_image(store, "v1")
    push_legacy(store, image, signed(payload(image.digest), key))
    spec = attach_spec(store, image)
    assert sign(store, spec, key, CREATED).state == "created"
    assert not bundles(store, image)


def test_a_date_that_is_none_is_refused(store: LayoutStore, key: PrivateKey) -> None:
    with pytest.raises(UsageError, match="no time of creation"):
        sign(store, push_image(store, "v1"), key, "yesterday")


def test_the_date_is_written_in_utc_and_only_informs(store: LayoutStore, key: PrivateKey) -> None:
    image = push_image(store, "v1")
    made = sign(store, image, key, "2026-11-23T13:00:00+02:00")
    carrier = store.manifest(made.descriptor.digest).parse()
    assert carrier.annotations["org.opencontainers.image.created"] == LATER
    assert sign(store, image, key, FAR).state == "unchanged"


def test_a_digest_too_long_for_a_tag_has_no_older_signature(store: LayoutStore, key: PrivateKey) -> None:
    subject = Descriptor(OCI_MANIFEST, "sha512:" + "ab" * 64, 500)
    assert len(legacy.tag(subject.digest)) > 128
    assert sign(store, subject, key, CREATED).state == "created"
