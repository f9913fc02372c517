"""Verdicts of verification, with every candidate and why it was taken or not."""

from collections.abc import Sequence
from typing import Any

from compatbuild.report.simple import columns
from compatbuild.report.text import plain, short_digest
from compatbuild.signing.signatures import Signature, Trusted
from compatbuild.signing.verify import Verdict


def as_table(found: Sequence[Verdict]) -> str:
    """Return one paragraph a manifest: the verdict, then every signature and candidate, and why it counts or not."""
    return "\n".join(_paragraph(one) for one in found)


def _paragraph(one: Verdict) -> str:
    examined = one.examination
    rows = [
        ("signature", short_digest(s.descriptor.digest), "valid" if s.counts else "not used", _reason(s))
        for s in examined.image_signatures
    ]
    rows += [
        ("specification", short_digest(c.descriptor.digest), c.standing.value, plain(c.reason))
        for c in examined.candidates
    ]
    head = (
        f"verified       {examined.subject.digest}\nspecification  {one.verified.spec.descriptor.digest}\n"
        if one.verified
        else f"not verified   {examined.subject.digest}\n"
    )
    return head + (f"\n{columns(('kind', 'artifact', 'standing', 'reason'), rows)}" if rows else "")


def _reason(one: Signature) -> str:
    """Return why a signature does not count, or else what makes it count."""
    if not one.counts:
        return plain(one.reason)
    made = f"by {one.certificate.identity}" if one.certificate else f"{one.format.value}, by the key"
    return plain(made + (f", signed {one.time:%Y-%m-%dT%H:%M:%SZ}" if one.time else ""))


def warnings(found: Sequence[Verdict], whom: Sequence[Trusted]) -> tuple[str, ...]:
    """Return what somebody should know although the verdict is good, and of those who are trusted; each once."""
    told = [text for one in found if one.verified for text in one.verified.warnings]
    return tuple(dict.fromkeys([*told, *(text for one in whom for text in one.warnings)]))


def notes(found: Sequence[Verdict]) -> tuple[str, ...]:
    """Return what the verdicts cannot promise; each once."""
    return tuple(dict.fromkeys(text for one in found if one.verified for text in one.verified.notes))


def as_value(reference: str, found: Sequence[Verdict]) -> dict[str, Any]:
    """Return the verdicts as the JSON value ``compatbuild.verification/v1``."""
    return {
        "schema": "compatbuild.verification/v1",
        "reference": reference,
        "verified": [one.verified.as_json() for one in found if one.verified],
        "refused": [one.examination.as_json() | {"error": one.error.as_json()} for one in found if one.error],
    }
