"""Who signs and how, whom to trust and what to demand: from options and settings to the records of the signing room."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from compatbuild.cli import settings
from compatbuild.cli.output import tell
from compatbuild.errors import UsageError

if TYPE_CHECKING:
    from compatbuild.signing.sign import Author, SignOptions
    from compatbuild.signing.signatures import Trusted
    from compatbuild.signing.verify import Policy

FORMATS = {"bundle": ("bundle",), "legacy": ("legacy",), "both": ("bundle", "legacy")}


def author(sign: str | None, signing_config: Path | None = None, trusted_root: Path | None = None) -> "Author | None":
    """Return who signs, by ``--sign`` or the settings; None when neither names anybody.

    What others will stumble over with the key is said.
    """
    sign = sign or settings.sign()
    if sign is None:
        return None
    found = _author(sign, signing_config, trusted_root)
    for warning in _warnings(found):
        tell(f"warning: {warning}")
    return found


def _warnings(found: "Author") -> "tuple[str, ...]":
    from compatbuild.signing.certified import KeylessSigner

    return () if isinstance(found, KeylessSigner) else found.public_key.warnings


def _author(sign: str, signing_config: Path | None, trusted_root: Path | None) -> "Author":
    kind, _, name = sign.partition(":")
    if kind == "key" and name:
        return _key(Path(name))
    if kind == "kms" and name:
        from compatbuild.cli.password import ask_password
        from compatbuild.signing.services import open_key

        return open_key(name, lambda secret: ask_password(f"The {secret} for {name}").decode())
    if sign == "keyless":
        from compatbuild.signing.certified import open_signer

        return open_signer(signing_config, trusted_root)
    raise UsageError(
        f"cannot sign with {sign!r}",
        why="it is not key:FILE, kms:URI or keyless",
        remedy="use --sign key:FILE; `compatbuild key generate` makes one",
    )


def _key(path: Path) -> "Author":
    """Return the private key in a file; its password is COSIGN_PASSWORD, else it is asked for when one is needed."""
    from compatbuild.cli.password import ask_password
    from compatbuild.signing import keyfiles

    pem = keyfiles.read(path)
    return keyfiles.private_key(
        pem, ask_password("Password of the private key") if keyfiles.is_encrypted(pem) else None
    )


def how(
    formats: str, annotations: list[str] | None, timestamp_url: str, rekor_url: str, *, attest: bool, force: bool
) -> "SignOptions":
    """Return how to sign."""
    from compatbuild.signing.sign import SignOptions
    from compatbuild.signing.signatures import Format
    from compatbuild.signing.witness import Witnesses

    if formats not in FORMATS:
        raise UsageError(
            f"there is no signature format {formats!r}",
            why=f"known are {', '.join(FORMATS)}",
            remedy="use --signature-format bundle",
        )
    wanted = tuple(Format(one) for one in FORMATS[formats])
    return SignOptions(wanted, pairs(annotations), Witnesses(timestamp_url, rekor_url), attest, force)


def pairs(annotations: list[str] | None) -> dict[str, str]:
    """Return annotations typed as NAME=VALUE."""
    found: dict[str, str] = {}
    for one in annotations or ():
        name, equals, value = one.partition("=")
        if not name or not equals or name in found:
            raise UsageError(
                f"{one!r} is no annotation",
                why=f"{name!r} was given twice" if name in found else "it is not NAME=VALUE",
                remedy="use -a NAME=VALUE, once a name",
            )
        found[name] = value
    return found


def trusted(
    keys: Sequence[Path] | None,
    identity: str = "",
    issuer: str = "",
    identity_regexp: str = "",
    issuer_regexp: str = "",
    trusted_root: Path | None = None,
) -> "tuple[Trusted, ...]":
    """Return whom to trust: what was typed, or else what the settings name."""
    from compatbuild.signing import keyfiles
    from compatbuild.signing.identity import Identity

    stated = settings.settings().verify
    root = trusted_root or settings.file(stated.trusted_root)
    named: list[Identity] = []
    if any((identity, issuer, identity_regexp, issuer_regexp)):
        named = [Identity(identity, issuer, identity_regexp, issuer_regexp, root)]
    elif not keys:
        named = [
            Identity(one.identity, one.issuer, one.identity_regexp, one.issuer_regexp, root)
            for one in stated.identities
        ]
        keys = [settings.settings().file(name) for name in (stated.key, *stated.keys) if name]
    return (*(keyfiles.load_public_key(path) for path in keys or ()), *named)


def policy(
    whom: "tuple[Trusted, ...]",
    *,
    annotations: list[str] | None = None,
    spec_digest: str = "",
    not_before: str = "",
    strict: bool = False,
) -> "Policy | None":
    """Return what is demanded, None when nobody is trusted; what was not typed, the settings may say."""
    from compatbuild.signing.verify import Policy

    if not whom:
        return None
    stated = settings.settings().verify
    return Policy(
        whom,
        pairs(annotations) or stated.annotations,
        spec_digest,
        moment(not_before or stated.not_before),
        strict or stated.strict,
    )


def moment(text: str) -> datetime | None:
    """Return a date, or a date with a time and its zone (RFC 3339); None for an empty text."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or (found.tzinfo is None and len(text) != len("2026-11-23")):
        raise UsageError(
            f"{text!r} is no date",
            why="it is neither YYYY-MM-DD nor YYYY-MM-DDTHH:MM:SSZ",
            remedy="write it so; a time needs its zone",
        )
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
