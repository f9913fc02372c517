"""cosign's older signatures: a signed JSON text under a tag made of the image's digest.

``specs/SIGNATURE_SPEC.md`` of cosign: every layer of the manifest under ``sha256-HEX.sig`` is one payload ("simple
signing", of containers/image), its signature stands in an annotation, and the exact bytes of the payload are signed.
An experimental mode of cosign 2 hung the same manifest on the image as a referrer instead.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, ValidationError

from compatbuild.errors import VerificationError
from compatbuild.registry.descriptor import Descriptor
from compatbuild.signing import strictjson
from compatbuild.signing.strictjson import Wire

MEDIA_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
ARTIFACT_TYPE = "application/vnd.dev.cosign.artifact.sig.v1+json"
SIGNATURE = "dev.cosignproject.cosign/signature"
CERTIFICATE = "dev.sigstore.cosign/certificate"
TYPE = "cosign container image signature"
LIMIT = 1 << 20  # bytes of a payload, which has about 250 and may carry annotations of the signer's
MAX_LAYERS = 64  # signatures looked at under one tag
MAX_SIGNATURE = 2048  # letters of base64; RSA with 8192 bits has 1368


class _Image(Wire):
    digest: str = Field(alias="docker-manifest-digest")


class _Critical(Wire):
    image: _Image
    # The type is what keeps a signature over some other text from counting as one over an image.
    type: Literal["cosign container image signature"]


class _Payload(Wire):
    critical: _Critical
    optional: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Payload:
    """What a payload says: the digest (``sha256:HEX``) it is about, and the signer's annotations, any JSON."""

    digest: str
    annotations: Mapping[str, Any] = field(default_factory=dict)


def tag(digest: str) -> str:
    """Return the tag that holds the signatures of ``digest``; not to be taken for the fallback tag of its referrers."""
    return f"{digest.replace(':', '-')}.sig"


def signature(layer: Descriptor) -> bytes:
    """Return the signature in a layer's annotation; VerificationError when there is none."""
    text = layer.annotations.get(SIGNATURE, "")
    why = f"media type {layer.media_type!a}, a signature of {len(text)} letters"
    if layer.media_type == MEDIA_TYPE and 0 < len(text) <= MAX_SIGNATURE:
        try:
            return base64.b64decode(text, validate=True)
        except ValueError as error:  # binascii.Error is one, and letters outside ASCII raise the plain one
            why = str(error)
    raise VerificationError("this layer is no signature", why=why, remedy="sign again")


def build(name: str, digest: str, annotations: Mapping[str, str]) -> bytes:
    """Return the payload about the manifest ``digest`` in the repository ``name``, as cosign 3.1.3 writes it."""
    critical = {"identity": {"docker-reference": name}, "image": {"docker-manifest-digest": digest}, "type": TYPE}
    document = {"critical": critical, "optional": dict(sorted(annotations.items())) or None}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def parse(payload: bytes) -> Payload:
    """Return what a payload says; VerificationError when it is no payload of cosign's."""
    try:
        wire = _Payload.model_validate(strictjson.parse(payload, LIMIT))
    except ValidationError as error:
        why = strictjson.first(error)
    except ValueError as error:
        why = str(error)
    else:
        return Payload(wire.critical.image.digest, wire.optional or {})
    raise VerificationError("what was signed is not cosign's payload", why=why, remedy="sign again")
