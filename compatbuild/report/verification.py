"""Verdicts of verification, with every candidate and why it was taken or not."""

from collections.abc import Sequence
from typing import Any

from compatbuild.report.simple import columns
from compatbuild.report.text import short_digest
from compatbuild.signing.verify import Verified


def as_table(found: Sequence[Verified]) -> str:
    """Return one paragraph a manifest: what was verified, then every signature and candidate, and why it counts."""
    return "\n".join(_paragraph(one) for one in found)


def _paragraph(one: Verified) -> str:
    rows = [
        ("signature", short_digest(s.descriptor.digest), "valid" if s.counts else "not used", s.reason)
        for s in one.image_signatures
    ]
    rows += [("specification", short_digest(c.descriptor.digest), c.standing.value, c.reason) for c in one.candidates]
    return (
        f"verified       {one.subject.digest}\n"
        f"specification  {one.spec.descriptor.digest}\n\n"
        f"{columns(('kind', 'artifact', 'standing', 'reason'), rows)}"
    )


def as_value(reference: str, found: Sequence[Verified]) -> dict[str, Any]:
    """Return the verdicts as the JSON value ``compatbuild.verification/v1``."""
    return {
        "schema": "compatbuild.verification/v1",
        "reference": reference,
        "verified": [one.as_json() for one in found],
    }
