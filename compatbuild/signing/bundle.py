"""The sigstore bundle, version 0.3, of a signature by a key: JSON around one DSSE envelope.

sigstore protobuf-specs v0.5.1, ``sigstore_bundle.proto`` and ``envelope.proto``, in the JSON mapping of proto3: byte
strings in standard base64. Entries of a transparency log and time stamps may be there; with a key nobody looks at them.
"""

import base64
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from compatbuild.errors import VerificationError
from compatbuild.signing import strictjson
from compatbuild.signing.dsse import PAYLOAD_TYPE, pae
from compatbuild.signing.keys import PublicKey, Signer
from compatbuild.signing.strictjson import Base64, Wire

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
LIMIT = 2 << 20  # bytes; a signing bundle has about 1 KiB, and the statement inside may have 1 MiB, 4/3 of it in base64
MAX_SIGNATURE = 1024  # bytes; RSA with 8192 bits


@dataclass(frozen=True, slots=True)
class Bundle:
    """A DSSE envelope: ``payload`` of ``payload_type`` and the signature over both."""

    payload_type: str
    payload: bytes
    signature: bytes

    def signed_by(self, key: PublicKey) -> bool:
        """Tell whether the owner of ``key`` signed the payload as what ``payload_type`` says."""
        return key.verifies(self.signature, pae(self.payload_type, self.payload))


class _Signature(Wire):
    sig: Annotated[Base64, Field(min_length=1, max_length=MAX_SIGNATURE)]


class _Envelope(Wire):
    payload: Base64
    payload_type: str = Field(alias="payloadType")
    # The bundle's specification allows exactly one.
    signatures: Annotated[tuple[_Signature, ...], Field(min_length=1, max_length=1, strict=False)]


class _KeyMaterial(Wire):
    # Only that it is there counts: a bundle made with a certificate has ``certificate`` or ``x509CertificateChain``.
    public_key: dict[str, Any] = Field(alias="publicKey")


class _Bundle(Wire):
    media_type: Literal["application/vnd.dev.sigstore.bundle.v0.3+json"] = Field(alias="mediaType")
    verification_material: _KeyMaterial = Field(alias="verificationMaterial")
    dsse_envelope: _Envelope = Field(alias="dsseEnvelope")


def build(statement: bytes, signer: Signer) -> bytes:
    """Sign an in-toto statement and return the bundle. SigningError when the signer refuses."""
    signature = signer.sign(pae(PAYLOAD_TYPE, statement))
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {"publicKey": {"hint": signer.public_key.hint}},
        "dsseEnvelope": {
            "payload": base64.b64encode(statement).decode(),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": base64.b64encode(signature).decode()}],
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def parse(raw: bytes) -> Bundle:
    """Return the envelope in a bundle that was made with a key; VerificationError when it is anything else.

    Nothing is checked yet: the hint in the bundle is only a hint, so who signed is for ``Bundle.signed_by`` to say.
    """
    try:
        envelope = _Bundle.model_validate(strictjson.parse(raw, LIMIT)).dsse_envelope
    except ValidationError as error:
        why = strictjson.first(error)
    except ValueError as error:
        why = str(error)
    else:
        return Bundle(envelope.payload_type, envelope.payload, envelope.signatures[0].sig)
    raise VerificationError("not a signature bundle made with a key", why=why, remedy="sign with a key")
