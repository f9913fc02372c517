import json
from datetime import UTC, datetime

import pytest

from compatbuild.errors import NotFoundError, RegistryError, UsageError, VerificationError
from compatbuild.registry.artifact import SPEC, build_artifact
from compatbuild.registry.attach import push_artifact
from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor, canonical_json
from compatbuild.registry.layout import LayoutStore
from compatbuild.signing import verify as verification
from compatbuild.signing.keys import PrivateKey, PublicKey
from compatbuild.signing.standing import Standing
from compatbuild.signing.verify import Examination, Verified, doubts, examine, verify
from tests.builders.signing import (
    CREATED,
    FAR,
    LATER,
    SPEC_TEXT,
    attach_spec,
    payload,
    publish,
    push_image,
    push_legacy,
    sign,
    signed,
)

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OTHER_TEXT = SPEC_TEXT + b"# another\n"


@pytest.fixture
def image(store: LayoutStore) -> Descriptor:
    return push_image(store, "v1")


@pytest.fixture
def public(key: PrivateKey) -> PublicKey:
    return key.public_key


def standings(found: Examination | Verified) -> list[str]:
    return [one.standing for one in found.candidates]


def test_the_signed_specification_is_returned(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    spec = publish(store, image, key)
    found = verify(store, image, [key.public_key], strict=True, now=NOW)
    assert (found.subject, found.content, found.warnings) == (image, SPEC_TEXT, ())
    assert found.spec.descriptor.digest == spec.digest
    assert [one.counts for one in found.image_signatures] == [True]
    (row,) = found.candidates
    assert (row.standing, row.reason) == (Standing.IN_FORCE, "the newest that is signed")
    assert [one.counts for one in row.signatures] == [True]


def test_programs_get_all_of_it(store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey) -> None:
    spec = publish(store, image, key)
    sign(store, image, other_key, CREATED)
    evil = attach_spec(store, image, LATER)
    found = json.loads(json.dumps(verify(store, image, [key.public_key], now=NOW).as_json()))
    assert (found["subject"], found["spec"], found["nfd_takes"]) == (image.digest, spec.digest, None)
    assert {one["key"]: one["counts"] for one in found["image_signatures"]} == {
        key.public_key.fingerprint: True,
        "": False,
    }
    unsigned, ours = found["candidates"]
    assert (unsigned["digest"], unsigned["standing"], unsigned["created"]) == (evil.digest, "unsigned", LATER)
    assert ours["signatures"][0] == {
        "format": "bundle",
        "digest": store.referrers(spec.digest)[0].digest,
        "key": key.public_key.fingerprint,
        "identity": "",
        "issuer": "",
        "time": "",
        "logged": False,
        "counts": True,
        "reason": "",
    }
    assert evil.digest in found["warnings"][0]
    assert "transparency log" in found["notes"][0]


def test_several_keys_may_be_trusted(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    sign(store, image, other_key, CREATED)
    sign(store, attach_spec(store, image), key, CREATED)
    found = verify(store, image, [key.public_key, other_key.public_key], now=NOW)
    assert found.image_signatures[0].key == other_key.public_key
    assert found.candidates[0].signatures[0].key == key.public_key


def test_without_a_key_nothing_is_verified(store: LayoutStore, image: Descriptor) -> None:
    with pytest.raises(UsageError, match="no key"):
        verify(store, image, [])


def test_nothing_attached_is_not_found(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    sign(store, image, key, CREATED)
    with pytest.raises(NotFoundError, match="no specification is attached") as caught:
        verify(store, image, [key.public_key])
    assert caught.value.exit_code == 3


def test_an_image_that_is_not_signed_is_not_verified(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    sign(store, attach_spec(store, image), key, CREATED)
    with pytest.raises(VerificationError, match="is not signed by any of the given keys") as caught:
        verify(store, image, [key.public_key], now=NOW)
    assert caught.value.exit_code == 13
    assert "no signature" in caught.value.why


def test_an_image_signed_by_somebody_else_is_not_verified(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    publish(store, image, key)
    with pytest.raises(VerificationError) as caught:
        verify(store, image, [other_key.public_key], now=NOW)
    assert "made by none of the given keys" in caught.value.why


def test_an_image_signed_the_older_way_is_verified(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    push_legacy(store, image, signed(payload(image.digest), key))
    sign(store, attach_spec(store, image), key, CREATED)
    assert verify(store, image, [key.public_key], strict=True, now=NOW).content == SPEC_TEXT


def test_a_specification_signed_the_older_way_is_verified(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    sign(store, image, key, CREATED)
    spec = attach_spec(store, image)
    push_legacy(store, spec, signed(payload(spec.digest), key))
    assert verify(store, image, [key.public_key], strict=True, now=NOW).content == SPEC_TEXT


def test_the_newest_that_is_signed_wins(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key, CREATED)
    publish(store, image, key, LATER, OTHER_TEXT)
    found = verify(store, image, [key.public_key], strict=True, now=NOW)
    assert found.content == OTHER_TEXT
    assert standings(found) == [Standing.IN_FORCE, Standing.OLDER]


@pytest.mark.parametrize("created", [LATER, CREATED, "2020-01-01T00:00:00Z"])
@pytest.mark.parametrize("standing", [Standing.FOREIGN, Standing.UNSIGNED])
def test_what_strangers_attach_never_wins_and_is_told(
    store: LayoutStore, image: Descriptor, every_key: dict[str, PrivateKey], created: str, standing: Standing
) -> None:
    key, other_key = every_key["ecdsa-p256"], every_key["ed25519"]
    publish(store, image, key)
    theirs = attach_spec(store, image, created, OTHER_TEXT)
    if standing is Standing.FOREIGN:
        sign(store, theirs, other_key, created)
    found = verify(store, image, [key.public_key], now=NOW)
    assert found.content == SPEC_TEXT
    assert any(theirs.digest in warning for warning in found.warnings)
    assert standing in standings(found)
    with pytest.raises(VerificationError, match="strict") as caught:
        verify(store, image, [key.public_key], strict=True, now=NOW)
    assert theirs.digest in caught.value.why


def test_only_what_strangers_attached_is_not_enough(
    store: LayoutStore, image: Descriptor, key: PrivateKey, other_key: PrivateKey
) -> None:
    sign(store, image, key, CREATED)
    attach_spec(store, image)
    sign(store, attach_spec(store, image, LATER), other_key, LATER)
    with pytest.raises(VerificationError, match="is signed by any of the given keys") as caught:
        verify(store, image, [key.public_key], now=NOW)
    assert "unsigned" in caught.value.why
    assert "foreign" in caught.value.why


def test_two_of_the_same_date_cannot_be_told_apart(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key, CREATED)
    publish(store, image, key, LATER)
    publish(store, image, key, LATER, OTHER_TEXT)
    with pytest.raises(VerificationError, match="2 signed specifications of the same date"):
        verify(store, image, [key.public_key], now=NOW)
    found = examine(store, image, [key.public_key], now=NOW)
    assert standings(found) == [Standing.TIED, Standing.TIED, Standing.OLDER]


def test_older_ones_of_the_same_date_do_no_harm(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key, CREATED)
    publish(store, image, key, CREATED, OTHER_TEXT)
    publish(store, image, key, LATER)
    assert verify(store, image, [key.public_key], strict=True, now=NOW).content == SPEC_TEXT


def test_the_same_specification_twice_is_no_ambiguity(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key)
    twin = build_artifact(SPEC, SPEC_TEXT, image, {"built": "twice"}, CREATED)
    sign(store, push_artifact(store, twin, image)[1], key, CREATED)
    found = verify(store, image, [key.public_key], strict=True, now=NOW)
    assert found.content == SPEC_TEXT
    assert sorted(standings(found)) == [Standing.IN_FORCE, Standing.OLDER]


def test_an_undated_specification_is_the_oldest(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    sign(store, image, key, CREATED)
    layer = store.push_blob(OTHER_TEXT, SPEC.layer_media_type).as_json()
    document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": SPEC.artifact_type, "config": layer}
    document |= {"layers": [layer], "subject": image.bare().as_json()}
    undated = store.push_manifest(canonical_json(document), OCI_MANIFEST)
    store.add_referrer(undated, image.digest)
    sign(store, undated, key, CREATED)
    assert verify(store, image, [key.public_key], strict=True, now=NOW).content == OTHER_TEXT
    publish(store, image, key, "1999-01-01T00:00:00Z")
    assert verify(store, image, [key.public_key], strict=True, now=NOW).content == SPEC_TEXT


def test_five_minutes_ahead_are_a_clock_that_is_wrong(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key, CREATED)
    publish(store, image, key, "2026-11-23T12:04:59Z", OTHER_TEXT)
    assert verify(store, image, [key.public_key], strict=True, now=NOW).content == OTHER_TEXT


def test_more_than_five_minutes_ahead_are_not(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key, CREATED)
    publish(store, image, key, "2026-11-23T12:05:01Z", OTHER_TEXT)
    with pytest.raises(VerificationError, match="a date in the future") as caught:
        verify(store, image, [key.public_key], now=NOW)
    assert "lies ahead" in caught.value.why
    found = examine(store, image, [key.public_key], now=NOW)
    assert standings(found) == [Standing.FUTURE, Standing.IN_FORCE]


def test_a_signed_specification_of_the_future_alone_is_an_error(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    publish(store, image, key, FAR)
    with pytest.raises(VerificationError) as caught:
        verify(store, image, [key.public_key], now=NOW)
    assert "2090-01-01T00:00:00Z lies ahead" in caught.value.why


def test_the_expected_specification_is_demanded(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    old = publish(store, image, key, CREATED)
    new = publish(store, image, key, LATER, OTHER_TEXT)
    assert verify(store, image, [key.public_key], spec_digest=new.digest, now=NOW).content == OTHER_TEXT
    with pytest.raises(VerificationError, match="not the expected one"):
        verify(store, image, [key.public_key], spec_digest=old.digest, now=NOW)
    store.remove_referrer(new.digest, image.digest)
    assert verify(store, image, [key.public_key], now=NOW).content == SPEC_TEXT
    with pytest.raises(VerificationError, match="not the expected one") as caught:
        verify(store, image, [key.public_key], spec_digest=new.digest, now=NOW)
    assert "a newer one was deleted" in caught.value.why


def test_the_clock_of_the_machine_counts_when_no_other_is_given(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    publish(store, image, key, FAR)
    assert standings(examine(store, image, [key.public_key])) == [Standing.FUTURE]


def test_a_content_that_is_gone_is_no_verdict(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key)
    found = verify(store, image, [key.public_key], now=NOW)
    assert found.spec.layer is not None
    store._blob(found.spec.layer.digest).unlink()
    with pytest.raises((RegistryError, NotFoundError)):
        verify(store, image, [key.public_key], now=NOW)


def test_a_content_that_was_altered_is_noticed(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    publish(store, image, key)
    found = verify(store, image, [key.public_key], now=NOW)
    assert found.spec.layer is not None
    store._blob(found.spec.layer.digest).write_bytes(SPEC_TEXT.replace(b"required", b"Required"))
    with pytest.raises(RegistryError, match="does not have its digest"):
        verify(store, image, [key.public_key], now=NOW)


def test_what_nfd_would_do_instead_is_told(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    spec = publish(store, image, key)
    found = verify(store, image, [key.public_key], now=NOW)
    rows = found.candidates

    def told(takes: str | None) -> tuple[str, ...]:
        return doubts(Examination(image, found.image_signatures, rows, takes), found.spec)

    assert told(None) == told(spec.digest) == ()
    assert "would use sha256:00 instead" in told("sha256:00")[0]
    assert "would find no specification" in told("")[0]


def test_a_long_list_is_cut_in_messages(store: LayoutStore, image: Descriptor, key: PrivateKey) -> None:
    sign(store, image, key, CREATED)
    for day in range(1, 8):
        attach_spec(store, image, f"2026-11-0{day}T00:00:00Z")
    with pytest.raises(VerificationError) as caught:
        verify(store, image, [key.public_key], now=NOW)
    assert caught.value.why.endswith("; and 2 more")
    assert caught.value.why.count("(unsigned)") == verification.MAX_TOLD
