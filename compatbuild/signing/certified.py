"""Signing without a key: a certificate for some minutes that names who signs, from sigstore's authority (Fulcio).

Who signs is what the machine can prove of itself: by the identity token of GitHub Actions, GitLab CI and others, or by
the one in ``SIGSTORE_ID_TOKEN``. sigstore-python asks for the certificate, the log entry and the time stamp.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.errors import NotFoundError, SigningError, UsageError, VerificationError
from compatbuild.signing import bundle, keyless
from compatbuild.signing.extras import needs
from compatbuild.signing.identity import Identity

if TYPE_CHECKING:
    from sigstore.sign import Signer as SigstoreSigner
    from sigstore.sign import SigningContext

AUDIENCE = "sigstore"
TOKEN_VARIABLE = "SIGSTORE_ID_TOKEN"  # noqa: S105 - the variable's name, as cosign and GitLab have it
REMEDY = "run it where an identity token is to be had (docs/signing.md), or sign with a key"


@dataclass(frozen=True, slots=True)
class KeylessSigner:
    """Whoever the certificate names, until it expires; ``identity`` is what a verifier has to ask for."""

    identity: Identity
    _signer: "SigstoreSigner" = field(repr=False, compare=False)

    def bundle(self, said: bytes) -> bytes:
        """Return the bundle of a signed in-toto statement, logged and stamped; SigningError when it would not hold."""
        import sigstore.errors  # noqa: PLC0415 - heavy, and an extra
        from sigstore.dsse import Statement  # noqa: PLC0415

        try:
            raw = self._signer.sign_dsse(Statement(said)).to_json().encode()
        except (sigstore.errors.Error, OSError, ValueError) as error:
            raise SigningError(
                "the keyless signature could not be made", why=_said(error), remedy="try again"
            ) from None
        try:
            keyless.verify(bundle.parse(raw), (self.identity,))
        except VerificationError as error:
            raise SigningError(
                "the keyless signature would not be accepted",
                why=f"{error.what}: {error.why}",
                remedy="check that the trusted root belongs to the services of the signing configuration",
            ) from None
        return raw


def open_signer(signing_config: Path | None = None, trusted_root: Path | None = None) -> KeylessSigner:
    """Prove who we are and get a certificate for it.

    The files describe the services and their roots of trust, as ``cosign signing-config`` and ``cosign trusted-root``
    write them; without both, the public ones. Errors: SigningError without the extra, without an identity or when a
    service refuses; UsageError when one of the files is no such file or is given without the other.
    """
    with needs(keyless.EXTRA, "signing without a key"):
        import sigstore.errors  # noqa: PLC0415 - heavy, and an extra
        from sigstore.oidc import ExpiredIdentity, IdentityToken  # noqa: PLC0415
    token = _token()  # first: without one there is no reason to ask anybody
    context = _context(signing_config, trusted_root)
    try:
        with context.signer(IdentityToken(token, AUDIENCE)) as signer:
            named = keyless.certificate(signer._signing_cert())  # noqa: SLF001 - what it got, without signing anything
    except (sigstore.errors.Error, ExpiredIdentity, VerificationError, OSError, ValueError) as error:
        raise SigningError("there is no certificate to sign with", why=_said(error), remedy=REMEDY) from None
    return KeylessSigner(Identity(named.identity, named.issuer, trusted_root=trusted_root), signer)


def _context(signing_config: Path | None, trusted_root: Path | None) -> "SigningContext":
    import sigstore.errors  # noqa: PLC0415
    from sigstore.models import ClientTrustConfig, SigningConfig  # noqa: PLC0415
    from sigstore.sign import SigningContext  # noqa: PLC0415

    if bool(signing_config) != bool(trusted_root):
        raise UsageError(
            "a signing configuration and a trusted root belong together",
            why="only one of --signing-config and --trusted-root was given",
            remedy="give both, or neither for the public services",
        )
    if signing_config is None or trusted_root is None:
        try:
            return SigningContext.from_trust_config(ClientTrustConfig.production())
        except sigstore.errors.Error as error:
            raise SigningError("sigstore's public services cannot be asked", why=_said(error), remedy=REMEDY) from None
    root = keyless.trusted_root(trusted_root)
    try:
        services = SigningConfig.from_file(str(signing_config))
        return SigningContext(
            fulcio=services.get_fulcio(),
            rekor=services.get_tlogs()[0],
            trusted_root=root,
            tsa_clients=services.get_tsas(),
        )
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {signing_config}", why=str(error.strerror)) from None
    except (sigstore.errors.Error, OSError, ValueError, LookupError) as error:
        raise UsageError(
            f"{signing_config} is no signing configuration",
            why=_said(error),
            remedy="make it with 'cosign signing-config create'",
        ) from None


def _token() -> str:
    """Return what proves who this machine is; SigningError when there is nothing. It is a secret: never print it."""
    from id import AmbientCredentialError, detect_credential  # noqa: PLC0415

    if told := os.environ.get(TOKEN_VARIABLE, "").strip():
        return told
    if os.environ.get("GITHUB_ACTIONS") == "true" and not os.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        raise SigningError(
            "this run of GitHub Actions has no identity to sign with",
            why="GitHub gives no token to pull requests from forks, nor to jobs without 'permissions: id-token: write'",
            remedy="add that permission to the job; in pull requests from forks publish without --sign",
        )
    try:
        found = detect_credential(AUDIENCE)
    except AmbientCredentialError as error:
        raise SigningError("the identity token cannot be had", why=_said(error), remedy=REMEDY) from None
    if not found:
        raise SigningError(
            "there is no identity to sign with",
            why=f"{TOKEN_VARIABLE} is not set, and no CI system that gives tokens was recognised",
            remedy=REMEDY,
        )
    return found


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
