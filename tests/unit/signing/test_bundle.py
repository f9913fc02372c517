import base64
import hashlib
import json
from typing import Any

import pytest

from compatbuild.errors import VerificationError
from compatbuild.signing import bundle, statement
from compatbuild.signing.dsse import PAYLOAD_TYPE, pae
from compatbuild.signing.keys import PrivateKey

STATEMENT = statement.build("app", "sha256:" + "ab" * 32)


@pytest.fixture(scope="module")
def raw(key: PrivateKey) -> bytes:
    return bundle.build(STATEMENT, key)


def test_the_encoding_is_the_one_of_the_dsse_specification() -> None:
    # The example of secure-systems-lab/dsse, protocol.md ("http://example.com/HelloWorld", "hello world").
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_count_bytes() -> None:
    assert pae("ü", b"") == b"DSSEv1 2 \xc3\xbc 0 "


def test_a_bundle_is_read_back_and_holds_for_its_signer_only(
    raw: bytes, key: PrivateKey, other_key: PrivateKey
) -> None:
    read = bundle.parse(raw)
    assert (read.payload, read.payload_type) == (STATEMENT, PAYLOAD_TYPE)
    assert read.signed_by(key.public_key)
    assert not read.signed_by(other_key.public_key)


def test_the_payload_type_is_signed_too(raw: bytes, key: PrivateKey) -> None:
    document = json.loads(raw)
    document["dsseEnvelope"]["payloadType"] = "text/plain"
    assert not bundle.parse(json.dumps(document).encode()).signed_by(key.public_key)


def test_the_hint_names_the_key_and_decides_nothing(raw: bytes, key: PrivateKey) -> None:
    document = json.loads(raw)
    hint = document["verificationMaterial"]["publicKey"]["hint"]
    assert base64.b64decode(hint) == hashlib.sha256(key.public_key.spki).digest()
    document["verificationMaterial"]["publicKey"] = {}
    assert bundle.parse(json.dumps(document).encode()).signed_by(key.public_key)


def test_log_entries_and_time_stamps_are_no_obstacle(raw: bytes, key: PrivateKey) -> None:
    document = json.loads(raw)
    document["verificationMaterial"] |= {"tlogEntries": [{"logIndex": "1"}], "timestampVerificationData": {}}
    assert bundle.parse(json.dumps(document).encode()).signed_by(key.public_key)


def envelope(**changes: Any) -> dict[str, Any]:
    whole = {"payload": "e30=", "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": "AAAA"}]}
    return {"dsseEnvelope": whole | changes}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"mediaType": "application/vnd.dev.sigstore.bundle+json;version=0.2"}, "mediaType"),
        ({"verificationMaterial": {}}, "verificationMaterial"),
        ({"verificationMaterial": {"publicKey": {}, "certificate": {"rawBytes": "AAAA"}}}, "verificationMaterial"),
        ({"dsseEnvelope": None}, "dsseEnvelope"),
        (envelope(payload="_-_-"), "dsseEnvelope.payload"),
        (envelope(payload=None), "dsseEnvelope.payload"),
        (envelope(payloadType=1), "dsseEnvelope.payloadType"),
        (envelope(signatures=[]), "dsseEnvelope.signatures"),
        (envelope(signatures=[{"sig": "AAAA"}] * 2), "dsseEnvelope.signatures"),
        (envelope(signatures=[{"sig": ""}]), "dsseEnvelope.signatures.0.sig"),
        (envelope(signatures=[{"sig": base64.b64encode(bytes(1025)).decode()}]), "dsseEnvelope.signatures.0.sig"),
    ],
)
def test_a_bundle_of_another_kind_is_refused_with_the_place(raw: bytes, changes: dict[str, Any], place: str) -> None:
    with pytest.raises(VerificationError, match="not a signature bundle") as caught:
        bundle.parse(json.dumps(json.loads(raw) | changes).encode())
    assert caught.value.why.startswith(f"{place}: ")


def test_a_bundle_made_with_a_certificate_is_no_key_s(raw: bytes, key: PrivateKey) -> None:
    document = json.loads(raw) | {"verificationMaterial": {"certificate": {"rawBytes": "AAAA"}}}
    read = bundle.parse(json.dumps(document).encode())
    assert read.certified
    assert not read.signed_by(key.public_key)


def test_two_envelopes_in_one_bundle_are_refused(raw: bytes) -> None:
    doubled = raw.replace(b'"dsseEnvelope":', b'"dsseEnvelope":{},"dsseEnvelope":')
    with pytest.raises(VerificationError) as caught:
        bundle.parse(doubled)
    assert "twice" in caught.value.why


def test_a_bundle_over_the_limit_is_not_read() -> None:
    with pytest.raises(VerificationError) as caught:
        bundle.parse(b" " * (bundle.LIMIT + 1))
    assert "limit" in caught.value.why
