"""The sigstore bundle, version 0.3: JSON around one DSSE envelope, and what there is to verify it with.

sigstore protobuf-specs v0.5.1, ``sigstore_bundle.proto`` and ``envelope.proto``, in the JSON mapping of proto3: byte
strings in standard base64. Entries of a transparency log and time stamps may be there; with a key nobody has to look
at them.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from compatbuild.errors import VerificationError
from compatbuild.signing import strictjson
from compatbuild.signing.dsse import PAYLOAD_TYPE, pae
from compatbuild.signing.keys import PublicKey, Signer
from compatbuild.signing.strictjson import Base64, Wire

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
LIMIT = 2 << 20  # bytes; a signing bundle has about 1 KiB, and the statement inside may have 1 MiB, 4/3 of it in base64
MAX_SIGNATURE = 1024  # bytes; RSA with 8192 bits

Witness = Callable[[bytes, bytes, PublicKey], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Bundle:
    """A DSSE envelope: ``payload`` of ``payload_type`` and the signature over both.

    ``certified`` says that it was made with a certificate and not with a key; ``raw`` is the whole bundle.
    """

    payload_type: str
    payload: bytes
    signature: bytes
    certified: bool = False
    raw: bytes = field(default=b"", repr=False)

    def signed_by(self, key: PublicKey) -> bool:
        """Tell whether the owner of ``key`` signed the payload as what ``payload_type`` says."""
        return not self.certified and key.verifies(self.signature, pae(self.payload_type, self.payload))


class _Signature(Wire):
    sig: Annotated[Base64, Field(min_length=1, max_length=MAX_SIGNATURE)]


class _Envelope(Wire):
    payload: Base64
    payload_type: str = Field(alias="payloadType")
    # The bundle's specification allows exactly one.
    signatures: Annotated[tuple[_Signature, ...], Field(min_length=1, max_length=1, strict=False)]


class _Material(Wire):
    # Only which of them is there counts: the protobuf allows exactly one.
    public_key: dict[str, Any] | None = Field(alias="publicKey", default=None)
    certificate: dict[str, Any] | None = None
    chain: dict[str, Any] | None = Field(alias="x509CertificateChain", default=None)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(one is not None for one in (self.public_key, self.certificate, self.chain)) != 1:
            raise ValueError("not exactly one of publicKey, certificate and x509CertificateChain")
        return self


class _Bundle(Wire):
    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"] = Field(alias="mediaType")
    verification_material: _Material = Field(alias="verificationMaterial")
    dsse_envelope: _Envelope = Field(alias="dsseEnvelope")


def build(statement: bytes, signer: Signer, witness: Witness | None = None) -> bytes:
    """Sign an in-toto statement and return the bundle. SigningError when the signer refuses.

    ``witness`` is given the signed bytes, the signature and the key, and returns further fields of the verification
    material: entries in a log, time stamps.
    """
    signed = pae(PAYLOAD_TYPE, statement)
    signature = signer.sign(signed)
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {
            "publicKey": {"hint": signer.public_key.hint},
            **(witness(signed, signature, signer.public_key) if witness else {}),
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(statement).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode()}],
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def parse(raw: bytes) -> Bundle:
    """Return the envelope in a bundle; VerificationError when it is anything else.

    Nothing is checked yet: the hint in the bundle is only a hint, so who signed is for ``Bundle.signed_by`` to say, or
    for whoever knows certificates.
    """
    try:
        wire = _Bundle.model_validate(strictjson.parse(raw, LIMIT))
    except ValidationError as error:
        why = strictjson.first(error)
    except ValueError as error:
        why = str(error)
    else:
        envelope, certified = wire.dsse_envelope, wire.verification_material.public_key is None
        return Bundle(envelope.payload_type, envelope.payload, envelope.signatures[0].sig, certified, raw)
    raise VerificationError("not a signature bundle", why=why, remedy="sign again")
