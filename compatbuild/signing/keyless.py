"""Signatures made with a certificate instead of a key: whether one holds, and whom its certificate names.

sigstore-python verifies (Fulcio's certificate chain, the certificate's log, the time stamp or the log's promise, the
entry in the transparency log, the signature); this module says what is demanded of the identity, reads the roots of
trust and compares what was verified with what we read. Nothing here opens a connection.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.errors import NotFoundError, UsageError, VerificationError
from compatbuild.signing import strictjson
from compatbuild.signing.bundle import LIMIT, Bundle
from compatbuild.signing.extras import needs
from compatbuild.signing.identity import Identity

if TYPE_CHECKING:
    from cryptography import x509
    from sigstore.models import TrustedRoot

EXTRA = "keyless"
ROOT_LIMIT = 4 << 20  # bytes of a trusted root; the public one has 7 KiB
# Fulcio's certificate extensions (oid-info.md in its documentation, v1.8): who vouched for the identity, in the raw
# form and in DER; and the kind of alternative name that is neither address nor URI.
ISSUER_V1, ISSUER_V2, OTHER_NAME = (f"1.3.6.1.4.1.57264.1.{last}" for last in (1, 8, 7))


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of whom it was given to."""

    identity: str
    issuer: str


@dataclass(frozen=True, slots=True)
class Proof:
    """What a verified bundle proves: who signed, and that it was no later than ``time``."""

    certificate: Certificate
    time: datetime


def verify(envelope: Bundle, identities: Sequence[Identity]) -> tuple[Identity, Proof]:
    """Return which of the identities signed a bundle, and the proof; VerificationError when none did.

    SigningError without the extra that verifies certificates.
    """
    with needs(EXTRA, "verifying a keyless signature"):
        from sigstore.models import Bundle as SigstoreBundle  # noqa: PLC0415 - heavy, and an extra
        from sigstore.verify import Verifier  # noqa: PLC0415
    faults = []
    for identity in identities:
        root = trusted_root(identity.trusted_root)
        try:
            bundle = SigstoreBundle.from_json(_normal(envelope.raw))
            named = certificate(bundle.signing_certificate)
            if not identity.fits(named.identity, named.issuer):
                faults.append(f"it says it was made by {named.identity[:200]!a} (issuer {named.issuer[:200]!a})")
                continue
            verifier = Verifier(trusted_root=root)
            verified = verifier.verify_dsse(bundle, _Anyone())
            times = verifier._establish_time(bundle)  # noqa: SLF001 - the only way to the times that were verified
        except VerificationError:
            raise
        except Exception as error:  # noqa: BLE001 - a stranger's bundle: whatever went wrong, it was not verified
            raise VerificationError("the certificate or what proves its time does not hold", why=_said(error)) from None
        if verified != (envelope.payload_type, envelope.payload):
            raise VerificationError("two readers of one bundle disagree")
        return identity, Proof(named, min(one.time for one in times))
    raise VerificationError("made by none of the given identities", why="; ".join(dict.fromkeys(faults)))


class _Anyone:
    """A policy of sigstore-python's that leaves the identity to us: it was compared before."""

    def verify(self, cert: "x509.Certificate") -> None:
        """Accept."""


def certificate(cert: "x509.Certificate") -> Certificate:
    """Return the identity and issuer in a certificate of Fulcio's; VerificationError when there is not one of each."""
    from cryptography import x509  # noqa: PLC0415 - not for those who verify with keys

    issuers = {}
    for extension in cert.extensions:
        oid, value = extension.oid.dotted_string, getattr(extension.value, "value", b"")
        if oid in {ISSUER_V1, ISSUER_V2} and isinstance(value, bytes):
            issuers[oid] = _utf8string(value) if oid == ISSUER_V2 else value.decode("utf-8", "replace")
    try:
        alternative = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        alternative = x509.SubjectAlternativeName([])
    names = [
        *alternative.get_values_for_type(x509.UniformResourceIdentifier),
        *alternative.get_values_for_type(x509.RFC822Name),
        *(
            _utf8string(one.value)
            for one in alternative.get_values_for_type(x509.OtherName)
            if one.type_id.dotted_string == OTHER_NAME
        ),
    ]
    issuer = issuers.get(ISSUER_V2) or issuers.get(ISSUER_V1)
    if len(names) != 1 or not issuer or len(list(alternative)) != 1:
        raise VerificationError("the certificate does not name exactly one identity and its issuer")
    return Certificate(names[0], issuer)


@cache
def trusted_root(path: Path | None) -> "TrustedRoot":
    """Return the roots of trust in a file; without one, the public ones as last fetched or shipped, never fetched now.

    Errors: NotFoundError without the file, UsageError when it is none.
    """
    from sigstore.errors import Error  # noqa: PLC0415
    from sigstore.models import ClientTrustConfig, TrustedRoot  # noqa: PLC0415

    if path is None:
        return ClientTrustConfig.production(offline=True).trusted_root
    from sigstore_models.trustroot.v1 import TrustedRoot as Inner  # noqa: PLC0415

    try:
        return TrustedRoot(Inner.from_json(_root_json(path)))
    except (Error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(
            f"{path} is no trusted root", why=_said(error), remedy="make it with 'cosign trusted-root create'"
        ) from None


def _root_json(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            document = strictjson.parse(file.read(ROOT_LIMIT + 1), ROOT_LIMIT)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why=str(error.strerror), remedy="check the path") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}", why=str(error.strerror), remedy="name a readable file") from None
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 - as everything else that is wrong with it
    # cosign leaves out names that the authority's certificate does not have; sigstore-python insists on the field.
    for kind in ("certificateAuthorities", "timestampAuthorities"):
        for authority in document.get(kind) or []:
            subject = authority.setdefault("subject", {})
            subject.setdefault("commonName", "")
            subject.setdefault("organization", "")
    return json.dumps(document).encode()


def _normal(raw: bytes) -> bytes:
    """Return a bundle with what proto3 leaves out of JSON because it is zero, and sigstore-python insists on."""
    document = strictjson.parse(raw, LIMIT)
    entries = document["verificationMaterial"].get("tlogEntries")
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict):
            continue  # sigstore-python says what is wrong with it
        entry.setdefault("logIndex", "0")
        if isinstance(proof := entry.get("inclusionProof"), dict):
            proof.setdefault("logIndex", "0")
            proof.setdefault("hashes", [])
    return json.dumps(document).encode()


def _utf8string(der: bytes) -> str:
    """Return the text of a DER UTF8String (X.690 §8.23); VerificationError when it is something else."""
    if len(der) >= 2 and der[0] == 0x0C:
        length, start = der[1], 2
        if length & 0x80:
            octets = length & 0x7F
            length, start = int.from_bytes(der[2 : 2 + octets]), 2 + octets
        if start + length == len(der):
            return der[start:].decode("utf-8", "replace")
    raise VerificationError("the certificate has a name that is no text")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
