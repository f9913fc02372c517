"""Verdicts of verification, with every candidate and why it was taken or not."""

from collections.abc import Sequence
from typing import Any

from compatbuild.report.simple import columns
from compatbuild.report.text import short_digest
from compatbuild.signing.verify import Verified


def as_table(found: Sequence[Verified]) -> str:
    """Return one paragraph a manifest: what was verified, then signatures and candidates."""
    parts = []
    for one in found:
        parts.append(f"verified {one.subject.digest}\n  specification {one.spec.descriptor.digest}\n")
        rows = [
            ("signature", short_digest(s.descriptor.digest), "valid" if s.counts else "not used", s.reason)
            for s in one.examination.image_signatures
        ]
        rows += [
            ("specification", short_digest(c.descriptor.digest), str(c.standing), c.reason)
            for c in one.examination.candidates
        ]
        parts.append("\n" + columns(("kind", "artifact", "standing", "reason"), rows))
    return "\n".join(parts)


def as_value(reference: str, found: Sequence[Verified]) -> dict[str, Any]:
    """Return the verdicts as the JSON value ``compatbuild.verification/v1``."""
    return {
        "schema": "compatbuild.verification/v1",
        "reference": reference,
        "verified": [_one(one) for one in found],
    }


def _one(one: Verified) -> dict[str, Any]:
    return {
        "subject": one.subject.digest,
        "spec": one.spec.descriptor.digest,
        "signatures": [
            {"digest": s.descriptor.digest, "format": str(s.format), "counts": s.counts, "reason": s.reason}
            for s in one.examination.image_signatures
        ],
        "candidates": [
            {"digest": c.descriptor.digest, "standing": str(c.standing), "reason": c.reason}
            for c in one.examination.candidates
        ],
        "nfd_takes": one.examination.nfd_takes,
        "warnings": list(one.warnings),
    }
