"""The statement about a specification: what it says, when it is made, and that it never counts as a signature."""

import json

import pytest

from compatbuild.errors import SigningError, SpecError
from compatbuild.registry.attach import specs
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.layout import LayoutStore
from compatbuild.signing import attestation, statement
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.sign import SignOptions, attest
from compatbuild.signing.signatures import find
from tests.builders.signing import (
    CREATED,
    LATER,
    SPEC_TEXT,
    attach_spec,
    payload,
    push_image,
    push_legacy,
    sign,
    signed,
)


@pytest.fixture
def image(store: LayoutStore) -> Descriptor:
    return push_image(store, "v1")


def said_of(store: LayoutStore, image: Descriptor, text: bytes = SPEC_TEXT) -> bytes:
    attach_spec(store, image, text=text)
    return attestation.build("app", image.digest, specs(store, image)[0], text)


def test_it_says_what_the_specification_says_and_which_it_is(store: LayoutStore, image: Descriptor) -> None:
    said = json.loads(said_of(store, image))
    assert said["predicateType"] == "urn:compatbuild:attestation:image-compatibility:v1"
    assert said["subject"] == [{"name": "app", "digest": {"sha256": image.digest.removeprefix("sha256:")}}]
    (artifact,) = specs(store, image)
    assert said["predicate"] == {
        "spec": {"version": "v1alpha1", "compatibilities": [{"rules": [{"name": "required"}]}]},
        "artifact": artifact.descriptor.bare().as_json(),
    }


def test_a_specification_nfd_could_not_read_is_not_attested(store: LayoutStore, image: Descriptor) -> None:
    with pytest.raises(SpecError):
        said_of(store, image, b"\tversion")


def test_it_is_made_once_and_is_no_signature(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    said = said_of(store, image)
    sign(store, image, key, CREATED)
    assert attest(store, image, key, CREATED, said=said).state == "created"
    assert attest(store, image, key, LATER, said=said).state == "unchanged"
    assert [one.counts for one in find(store, image, [key.public_key])].count(True) == 1
    sign(store, image, other_key, CREATED)
    assert attest(store, image, other_key, CREATED, said=said).state == "created"  # by another author


def test_it_is_refused_without_a_bundle_signature_of_the_same_author(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    said = said_of(store, image)
    sign(store, image, other_key, CREATED)
    with pytest.raises(SigningError, match="gets no attestation"):
        attest(store, image, key, CREATED, said=said)


def test_it_is_refused_where_it_would_hide_an_older_signature(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    said = said_of(store, image)
    push_legacy(store, image, signed(payload(image.digest), key))
    with pytest.raises(SigningError, match="gets no attestation"):
        attest(store, image, key, CREATED, said=said)
    assert attest(store, image, key, CREATED, said=said, options=SignOptions(force=True)).state == "created"
    assert statement.SIGN != attestation.PREDICATE_TYPE
