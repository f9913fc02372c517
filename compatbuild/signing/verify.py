"""Verification: whether an image is its author's, and which specification the same author signed for exactly it.

A signature on the image says nothing about the specification, so both are needed. Anyone with the right to push can
attach a specification; one that is unsigned or somebody else's never wins, and does no harm unless ``strict``.
A deleted newest specification goes unnoticed: name the expected one, or the earliest date that will do, to notice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from compatbuild.errors import CompatError, NotFoundError, UsageError, VerificationError
from compatbuild.registry.artifact import SPEC
from compatbuild.registry.candidates import Candidate
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.store import Store
from compatbuild.signing import signatures
from compatbuild.signing.nfdchoice import nfd_choice
from compatbuild.signing.signatures import Signature, Trusted
from compatbuild.signing.standing import SIGNED, Judged, Standing, judge

MAX_TOLD = 5  # signatures or candidates named in one message; all of them are in the examination
NO_LOG = (
    "a signature by a key is in no transparency log: nobody else can see what was signed, or that it was taken back"
)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a verifier demands: signatures by one of ``trusted`` that carry ``annotations``, and more if need be.

    ``spec_digest`` names the artifact that must be the one in force, ``not_before`` the earliest date it may have;
    ``strict`` makes everything that would be a warning a failure.
    """

    trusted: tuple[Trusted, ...]
    annotations: Mapping[str, str] = field(default_factory=dict)
    spec_digest: str = ""
    not_before: datetime | None = None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Examination:
    """All there is to know before a verdict: every signature on the image, every specification attached to it.

    ``nfd_takes`` is the digest of the artifact NFD's own client would use, empty when it would find none, None for an
    OCI layout, which it cannot read.
    """

    subject: Descriptor
    image_signatures: tuple[Signature, ...]
    candidates: tuple[Judged, ...]
    nfd_takes: str | None

    def as_json(self) -> dict[str, Any]:
        """Return everything that was found, for programs."""
        return {
            "subject": self.subject.digest,
            "image_signatures": [one.as_json() for one in self.image_signatures],
            "candidates": [one.as_json() for one in self.candidates],
            "nfd_takes": self.nfd_takes,
        }


@dataclass(frozen=True, slots=True)
class Verified:
    """The verdict that all is well: ``spec`` is in force, ``content`` its bytes (YAML, not yet decoded)."""

    examination: Examination
    spec: Candidate
    content: bytes
    warnings: tuple[str, ...]

    @property
    def subject(self) -> Descriptor:
        """The manifest or index that was verified; nothing was decided about any other of the same image."""
        return self.examination.subject

    @property
    def image_signatures(self) -> tuple[Signature, ...]:
        """Every signature on it, those that count and those that do not."""
        return self.examination.image_signatures

    @property
    def candidates(self) -> tuple[Judged, ...]:
        """Every specification attached to it."""
        return self.examination.candidates

    @property
    def notes(self) -> tuple[str, ...]:
        """What this verdict cannot promise, to be said plainly."""
        counting = [one for one in self.image_signatures if one.counts]
        return () if counting and all(one.logged for one in counting) else (NO_LOG,)

    def as_json(self) -> dict[str, Any]:
        """Return the verdict and all it rests on, for programs; the specification by its artifact's digest."""
        verdict = {"spec": self.spec.descriptor.digest, "warnings": list(self.warnings), "notes": list(self.notes)}
        return self.examination.as_json() | verdict


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that was found, and what follows: ``verified``, or the ``error`` that says why not."""

    examination: Examination
    verified: Verified | None = None
    error: CompatError | None = None

    def required(self) -> Verified:
        """Return the specification in force; raise the error when there is none that may be believed."""
        if self.verified is None:
            assert self.error is not None
            raise self.error
        return self.verified


def verify(
    store: Store,
    subject: Descriptor,
    trusted: Sequence[Trusted],
    *,
    annotations: Mapping[str, str] | None = None,
    strict: bool = False,
    spec_digest: str = "",
    not_before: datetime | None = None,
    now: datetime | None = None,
) -> Verified:
    """Return the specification that one of ``trusted`` signed for ``subject``, an image of theirs.

    The rest is as in ``Policy``. Errors: VerificationError when it is not so, NotFoundError when no specification is
    attached at all, RegistryError when the store cannot be asked, UsageError when nobody is trusted.
    """
    policy = Policy(tuple(trusted), annotations or {}, spec_digest, not_before, strict)
    return judge_by(policy, store, subject, now).required()


def judge_by(policy: Policy, store: Store, subject: Descriptor, now: datetime | None = None) -> Verdict:
    """Look at everything and decide; only what keeps us from looking is raised (RegistryError, UsageError)."""
    found = examine(store, subject, policy.trusted, annotations=policy.annotations, now=now)
    try:
        spec = decide(found, spec_digest=policy.spec_digest, not_before=policy.not_before)
    except (VerificationError, NotFoundError) as error:
        return Verdict(found, error=error)
    warnings = doubts(found, spec)
    if policy.strict and warnings:
        strict = VerificationError(
            f"{subject.digest} does not pass strict verification",
            why="; ".join(warnings[:MAX_TOLD]),
            remedy="detach what does not belong there, or verify without 'strict'",
        )
        return Verdict(found, error=strict)
    assert spec.layer is not None  # a candidate without exactly one layer is rejected, so never in force
    return Verdict(found, Verified(found, spec, store.blob(spec.layer, SPEC.limit), warnings))


def examine(
    store: Store,
    subject: Descriptor,
    trusted: Sequence[Trusted],
    *,
    annotations: Mapping[str, str] | None = None,
    now: datetime | None = None,
) -> Examination:
    """Look at everything and decide nothing; errors as ``verify`` has them, but for VerificationError."""
    if not trusted:
        raise UsageError("there is no key to verify with", why="none was given", remedy="give a public key")
    return Examination(
        subject,
        signatures.find(store, subject, trusted, annotations),
        judge(store, subject, trusted, now or datetime.now(UTC), annotations),
        None if isinstance(store, LayoutStore) else nfd_choice(store.referrers(subject.digest)),
    )


def decide(found: Examination, *, spec_digest: str = "", not_before: datetime | None = None) -> Candidate:
    """Return the specification in force; VerificationError or NotFoundError when there is none that may be believed."""
    digest = found.subject.digest
    if not found.candidates:
        raise NotFoundError(
            f"no specification is attached to {digest}",
            why="none is listed among its referrers",
            remedy="publish one ('compatbuild publish'), or name the platform or index that has one",
        )
    if not any(one.counts for one in found.image_signatures):
        told = [f"{one.format} {one.descriptor.digest}: {one.reason}" for one in found.image_signatures]
        raise VerificationError(
            f"{digest} is not signed by any of the given keys or identities",
            why=_list(told) or "it has no signature, neither a bundle nor one in cosign's older format",
            remedy="check the key, or sign the image ('compatbuild sign')",
        )
    chosen = _in_force(found.candidates, digest)
    if spec_digest not in {"", chosen.descriptor.digest}:
        raise VerificationError(
            f"the specification in force for {digest} is not the expected one",
            why=f"{chosen.descriptor.digest} is, {spec_digest} was expected: "
            "it was replaced, or a newer one was deleted",
            remedy="find out which of the two the author means",
        )
    if not_before is not None and (chosen.date is None or chosen.date < not_before):
        dated = f"{chosen.date:%Y-%m-%dT%H:%M:%SZ}" if chosen.date else "no date at all"
        raise VerificationError(
            f"the specification in force for {digest} is too old",
            why=f"{chosen.descriptor.digest} has {dated}, {not_before:%Y-%m-%dT%H:%M:%SZ} was demanded: "
            "a newer one may have been deleted",
            remedy="ask the author for a newer one, or demand an earlier date",
        )
    return chosen.candidate


def doubts(found: Examination, spec: Candidate) -> tuple[str, ...]:
    """Return what somebody should know although ``spec`` is in force: one sentence each, none when all is clean."""
    told = [
        f"{one.descriptor.digest} is attached as well and was ignored ({one.standing}): {one.reason}"
        for one in found.candidates
        if one.standing not in SIGNED
    ]
    if found.nfd_takes == "":
        told.append("NFD's own client would find no specification: the registry lists it under another type")
    elif found.nfd_takes not in {None, *_equivalent(found.candidates, spec)}:
        told.append(f"NFD's own client, which checks no signature, would use {found.nfd_takes} instead")
    return tuple(told)


def _equivalent(candidates: Sequence[Judged], spec: Candidate) -> set[str]:
    """Return the digests of the signed artifacts that hold the same specification as the one in force."""
    return {one.descriptor.digest for one in candidates if one.standing in SIGNED and one.candidate.layer == spec.layer}


def _in_force(candidates: Sequence[Judged], digest: str) -> Judged:
    ahead = next((one for one in candidates if one.standing is Standing.FUTURE), None)
    if ahead is not None:
        raise VerificationError(
            f"{digest} has a signed specification with a date in the future",
            why=f"{ahead.descriptor.digest}: {ahead.reason}, so every later one would be overlooked",
            remedy="detach it, and correct the clock of the machine that published it",
        )
    tied = [one.descriptor.digest for one in candidates if one.standing is Standing.TIED]
    if tied:
        raise VerificationError(
            f"{digest} has {len(tied)} signed specifications of the same date",
            why=f"{_list(tied)}: which of them is meant cannot be told",
            remedy="detach the one that is not wanted",
        )
    chosen = next((one for one in candidates if one.standing is Standing.IN_FORCE), None)
    if chosen is None:
        raise VerificationError(
            f"no specification attached to {digest} is signed by any of the given keys or identities",
            why=_list([f"{one.descriptor.digest} ({one.standing}): {one.reason}" for one in candidates]),
            remedy="check the key, or sign the specification ('compatbuild sign')",
        )
    return chosen


def _list(told: Sequence[str]) -> str:
    more = f"; and {len(told) - MAX_TOLD} more" if len(told) > MAX_TOLD else ""
    return "; ".join(told[:MAX_TOLD]) + more
