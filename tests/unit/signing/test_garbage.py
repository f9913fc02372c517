"""Whatever the bytes are, a parser answers with a value or with this tool's own error, and soon."""

import base64
import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.errors import SigningError, VerificationError
from compatbuild.signing import bundle, cosignkey, derivation, keyfiles, statement

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
LABELS = (
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "EC PRIVATE KEY",
    "RSA PRIVATE KEY",
    "PUBLIC KEY",
    "CERTIFICATE",
    *cosignkey.LABELS,
)


def documents(*names: str) -> st.SearchStrategy[bytes]:
    """JSON objects that have some of the right fields, with anything in them."""
    fields: dict[str, st.SearchStrategy[Any]] = dict.fromkeys(names, JSON)
    return st.fixed_dictionaries({}, optional=fields).map(lambda value: json.dumps(value).encode())


def pem(label: str, body: bytes) -> bytes:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(body).decode()}-----END {label}-----\n".encode()


@settings(deadline=None)
@given(st.binary() | documents("mediaType", "verificationMaterial", "dsseEnvelope"))
def test_bundles(raw: bytes) -> None:
    with suppress(VerificationError):
        bundle.parse(raw)


@settings(deadline=None)
@given(JSON, JSON, JSON)
def test_bundles_that_are_nearly_right(payload: Any, kind: Any, signatures: Any) -> None:
    document = {
        "mediaType": bundle.MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {}},
        "dsseEnvelope": {"payload": payload, "payloadType": kind, "signatures": signatures},
    }
    with suppress(VerificationError):
        bundle.parse(json.dumps(document).encode())


@settings(deadline=None)
@given(st.binary() | documents("_type", "subject", "predicateType", "predicate"))
def test_statements(raw: bytes) -> None:
    with suppress(VerificationError):
        statement.parse(raw)


@settings(deadline=None)
@given(st.binary() | st.builds(pem, st.sampled_from(LABELS), st.binary() | documents("kdf", "cipher", "ciphertext")))
def test_keys(text: bytes) -> None:
    for read in (keyfiles.public_key, lambda text: keyfiles.private_key(text, b"password")):
        with suppress(SigningError):
            read(text)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=64).map(lambda content: b"\x30" + bytes([len(content)]) + content))
def test_key_derivations(der: bytes) -> None:
    with suppress(ValueError):
        derivation.check(der)
