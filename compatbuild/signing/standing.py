"""How each specification attached to an image stands: in force, older, unsigned, somebody else's, or no good at all."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from compatbuild.registry.artifact import format_created
from compatbuild.registry.attach import LEEWAY, specs
from compatbuild.registry.candidates import Candidate
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.store import Store
from compatbuild.signing import signatures
from compatbuild.signing.signatures import Signature, Trusted

WORKERS = 8  # candidates looked at side by side: each costs a few round trips to the registry
MAX_REASONS = 3  # of a candidate's signatures, told in one line


class Standing(StrEnum):
    """What a specification is to somebody who trusts certain keys."""

    IN_FORCE = "in force"
    OLDER = "older"
    TIED = "tied"
    FUTURE = "future"
    UNSIGNED = "unsigned"
    FOREIGN = "foreign"
    REJECTED = "rejected"


SIGNED = frozenset({Standing.IN_FORCE, Standing.OLDER, Standing.TIED})


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate with the signatures on it, how it stands, and why."""

    candidate: Candidate
    standing: Standing
    reason: str
    signatures: tuple[Signature, ...] = ()

    @property
    def descriptor(self) -> Descriptor:
        """The artifact's manifest."""
        return self.candidate.descriptor

    @property
    def date(self) -> datetime | None:
        """When it was signed, where a log or a time stamp vouches for that, else the date that was signed with it."""
        attested = [one.time for one in self.signatures if one.counts and one.time]
        return max(attested, default=self.candidate.created)

    def as_json(self) -> dict[str, Any]:
        """Return the row for programs; ``created`` is empty without a readable date."""
        return {
            "digest": self.descriptor.digest,
            "created": format_created(self.candidate.created) if self.candidate.created else "",
            "standing": self.standing.value,
            "reason": self.reason,
            "signatures": [one.as_json() for one in self.signatures],
        }


def judge(
    store: Store,
    subject: Descriptor,
    trusted: Sequence[Trusted],
    now: datetime,
    annotations: Mapping[str, str] | None = None,
) -> tuple[Judged, ...]:
    """Return every specification attached to ``subject``, newest first, then those that are none.

    Of those signed by one of ``trusted``, with the ``annotations`` demanded, the newest is in force; when several that
    differ are newest, all are tied.
    """

    def signatures_of(candidate: Candidate) -> tuple[Signature, ...]:
        return () if candidate.rejected else signatures.find(store, candidate.descriptor, trusted, annotations)

    attached = specs(store, subject)
    with ThreadPoolExecutor(WORKERS) as pool:
        hung = tuple(pool.map(signatures_of, attached))
    found = tuple(_judge(candidate, those, now) for candidate, those in zip(attached, hung, strict=True))
    newest = [one for one in found if one.standing is Standing.IN_FORCE]
    newest = [one for one in newest if one.candidate.created == newest[0].candidate.created]
    differ = len({one.candidate.layer.digest for one in newest if one.candidate.layer}) > 1
    return tuple(one if one.standing is not Standing.IN_FORCE else _ranked(one, newest, differ=differ) for one in found)


def _judge(candidate: Candidate, found: tuple[Signature, ...], now: datetime) -> Judged:
    """Judge a candidate by itself; a good one is in force until it is compared with the others."""
    if candidate.rejected:
        return Judged(candidate, Standing.REJECTED, candidate.rejected)
    if not found:
        return Judged(candidate, Standing.UNSIGNED, "it has no signature")
    if not any(one.counts for one in found):
        reasons = "; ".join(one.reason for one in found[:MAX_REASONS])
        return Judged(candidate, Standing.FOREIGN, f"no signature counts: {reasons}", found)
    if candidate.created is not None and candidate.created > now + LEEWAY:
        return Judged(candidate, Standing.FUTURE, f"its date {candidate.created:%Y-%m-%dT%H:%M:%SZ} lies ahead", found)
    return Judged(candidate, Standing.IN_FORCE, "the newest that is signed", found)


def _ranked(one: Judged, newest: list[Judged], *, differ: bool) -> Judged:
    """Return how a good candidate stands among the good ones, of which ``newest`` share the latest date."""
    if one not in newest:
        return replace(one, standing=Standing.OLDER, reason="a newer one is signed")
    if differ:
        return replace(one, standing=Standing.TIED, reason="another one that is signed has the same date")
    if one is not newest[0]:
        return replace(one, standing=Standing.OLDER, reason="the same specification is attached twice")
    return one
