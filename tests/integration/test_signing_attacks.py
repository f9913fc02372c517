"""What somebody with the right to push, but without the key, can try; in both kinds of registry and in a directory."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from compatbuild.errors import NotFoundError, VerificationError
from compatbuild.registry import referrers
from compatbuild.registry.artifact import parse_created
from compatbuild.registry.descriptor import OCI_INDEX, Descriptor, Index, Manifest, canonical_json
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.referrers import fallback_tag
from compatbuild.registry.store import Store
from compatbuild.signing import bundle, keys
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.standing import Standing
from compatbuild.signing.verify import Verified, examine, verify
from tests.builders.signing import (
    CREATED,
    FAR,
    LATER,
    SPEC_TEXT,
    attach_spec,
    attestation,
    hang_bundle,
    publish,
    push_image,
    sign,
)
from tests.builders.stores import KINDS, Place, place

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
EVIL = SPEC_TEXT + b"# evil\n"
COUNT = itertools.count()  # of repositories: one a test


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "SETTLE_PAUSE", (0.001, 0.002))


@pytest.fixture(scope="module", params=[pytest.param(kind, marks=pytest.mark.peer) for kind in KINDS[:2]] + ["layout"])
def somewhere(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("stores")) as running:
        yield running


@pytest.fixture
def store(somewhere: Place) -> Store:
    return somewhere.store(f"app-{next(COUNT)}")


@pytest.fixture
def image(store: Store) -> Descriptor:
    return push_image(store, "v1")


@pytest.fixture(scope="module")
def author() -> PrivateKey:
    return keys.generate()


@pytest.fixture(scope="module")
def attacker() -> PrivateKey:
    return keys.generate()


def check(store: Store, image: Descriptor, author: PrivateKey) -> Verified:
    return verify(store, image, [author.public_key], now=NOW)


def refused(store: Store, image: Descriptor, author: PrivateKey) -> VerificationError:
    with pytest.raises(VerificationError) as caught:
        check(store, image, author)
    return caught.value


def test_a_specification_without_a_signature(store: Store, image: Descriptor, author: PrivateKey) -> None:
    sign(store, image, author, CREATED)
    attach_spec(store, image)
    assert "unsigned" in refused(store, image, author).why


def test_a_later_one_without_a_signature(store: Store, image: Descriptor, author: PrivateKey) -> None:
    publish(store, image, author)
    evil = attach_spec(store, image, FAR, EVIL)
    found = check(store, image, author)
    assert found.content == SPEC_TEXT
    assert any(evil.digest in warning and "unsigned" in warning for warning in found.warnings)


def test_nfd_would_take_the_evil_one_and_we_say_so(store: Store, image: Descriptor, author: PrivateKey) -> None:
    publish(store, image, author)
    evil = attach_spec(store, image, FAR, EVIL)
    found = check(store, image, author)
    told = [warning for warning in found.warnings if "NFD's own client" in warning]
    if isinstance(store, LayoutStore):
        assert (found.examination.nfd_takes, told) == (None, [])
    else:
        assert found.examination.nfd_takes == evil.digest
        assert evil.digest in told[0]


def test_one_signed_by_another_key(store: Store, image: Descriptor, author: PrivateKey, attacker: PrivateKey) -> None:
    sign(store, image, author, CREATED)
    publish(store, image, attacker, LATER, EVIL)
    assert "made by none of the given keys" in refused(store, image, author).why


def test_an_image_with_an_attestation_only(store: Store, image: Descriptor, author: PrivateKey) -> None:
    sign(store, attach_spec(store, image), author, CREATED)
    hang_bundle(store, image, attestation(image.digest, author, "https://slsa.dev/provenance/v1"))
    assert "attestation" in refused(store, image, author).why


def test_a_specification_with_an_attestation_only(store: Store, image: Descriptor, author: PrivateKey) -> None:
    sign(store, image, author, CREATED)
    spec = attach_spec(store, image)
    hang_bundle(store, spec, attestation(spec.digest, author, "https://slsa.dev/provenance/v1"))
    assert "attestation" in refused(store, image, author).why


def test_the_image_s_own_signature_moved_onto_the_specification(
    store: Store, image: Descriptor, author: PrivateKey
) -> None:
    made = sign(store, image, author, CREATED)
    carrier = store.manifest(made.descriptor.digest).parse()
    assert isinstance(carrier, Manifest)
    content = store.blob(carrier.layers[0], bundle.LIMIT)
    hang_bundle(store, attach_spec(store, image, LATER, EVIL), content)
    assert f"it is about '{image.digest}'" in refused(store, image, author).why


def test_the_specification_s_signature_listed_for_another_one(
    store: Store, image: Descriptor, author: PrivateKey, somewhere: Place
) -> None:
    """The carrier itself names the good specification; only a list can claim otherwise."""
    spec = publish(store, image, author)
    evil = attach_spec(store, image, LATER, EVIL)
    (signature,) = store.referrers(spec.digest)
    forge_listing(somewhere, store, evil, signature)
    found = check(store, image, author)
    assert found.content == SPEC_TEXT
    assert Standing.IN_FORCE not in {one.standing for one in found.candidates if one.descriptor.digest == evil.digest}


def test_the_signed_specification_of_another_image_in_a_forged_list(
    store: Store, image: Descriptor, author: PrivateKey, somewhere: Place
) -> None:
    other = push_image(store, "v2", mark="other")
    spec = publish(store, other, author, LATER, EVIL)
    sign(store, image, author, CREATED)
    forge_listing(somewhere, store, image, spec)
    if somewhere.kind == "api":  # the registry lists by the manifests' own subjects: nothing to forge
        with pytest.raises(NotFoundError):
            check(store, image, author)
        return
    assert "another subject" in refused(store, image, author).why
    publish(store, image, author)
    assert check(store, image, author).content == SPEC_TEXT


def test_two_that_are_signed(store: Store, image: Descriptor, author: PrivateKey) -> None:
    publish(store, image, author, LATER, SPEC_TEXT)
    publish(store, image, author, CREATED, EVIL)
    found = verify(store, image, [author.public_key], strict=True, now=NOW)
    assert found.content == SPEC_TEXT
    assert [one.standing for one in found.candidates] == [Standing.IN_FORCE, Standing.OLDER]


def test_a_signed_one_with_another_date_is_another_one(store: Store, image: Descriptor, author: PrivateKey) -> None:
    """The date is inside what is signed: made newer, it is unsigned."""
    publish(store, image, author, CREATED, EVIL)
    publish(store, image, author, LATER)
    renewed = attach_spec(store, image, "2026-11-23T11:30:00Z", EVIL)
    found = check(store, image, author)
    assert found.content == SPEC_TEXT
    assert {one.descriptor.digest: one.standing for one in found.candidates}[renewed.digest] is Standing.UNSIGNED


def test_the_newest_deleted_shows_only_to_who_expects_it(store: Store, image: Descriptor, author: PrivateKey) -> None:
    publish(store, image, author, CREATED, EVIL)
    newest = publish(store, image, author, LATER)
    store.remove_referrer(newest.digest, image.digest)
    assert check(store, image, author).content == EVIL
    with pytest.raises(VerificationError, match="not the expected one"):
        verify(store, image, [author.public_key], spec_digest=newest.digest, now=NOW)
    demanded = parse_created(LATER)
    with pytest.raises(VerificationError, match="too old"):
        verify(store, image, [author.public_key], not_before=demanded, now=NOW)


def test_a_dangling_entry_is_told(store: Store, image: Descriptor, author: PrivateKey, somewhere: Place) -> None:
    """What a fallback registry keeps of a specification that was deleted by hand."""
    publish(store, image, author)
    newest = publish(store, image, author, LATER, EVIL)
    store.delete_manifest(newest.digest)
    found = check(store, image, author)
    assert found.content == SPEC_TEXT
    if somewhere.kind == "fallback":
        assert any(newest.digest in warning and "gone" in warning for warning in found.warnings)


def test_the_attacker_s_own_image_does_not_pass(store: Store, author: PrivateKey, attacker: PrivateKey) -> None:
    evil = push_image(store, "v1", mark="evil")
    publish(store, evil, attacker)
    assert "none of the given keys" in refused(store, evil, author).why
    assert not any(one.counts for one in examine(store, evil, [author.public_key], now=NOW).image_signatures)


def forge_listing(somewhere: Place, store: Store, subject: Descriptor, entry: Descriptor) -> None:
    """Let a list of referrers claim that ``entry`` refers to ``subject``, as far as the kind of place has one."""
    try:
        present = store.resolve(fallback_tag(subject.digest)).parse()
    except NotFoundError:
        present = Index(())
    assert isinstance(present, Index)
    entries = [one.as_json() for one in (*present.manifests, entry)]
    index = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    store.push_manifest(index, OCI_INDEX, fallback_tag(subject.digest))
