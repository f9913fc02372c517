"""The in-toto statement: which digest a signature is about, and what it says of it.

in-toto attestation framework, ``spec/v1/statement.md``; cosign 3.1 signs an image as a statement with predicate type
``https://sigstore.dev/cosign/sign/v1`` and an empty predicate.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from compatbuild.errors import VerificationError
from compatbuild.signing import strictjson
from compatbuild.signing.strictjson import Wire

SIGN = "https://sigstore.dev/cosign/sign/v1"
TYPE = "https://in-toto.io/Statement/v1"
LIMIT = 1 << 20  # bytes; a signing statement has about 300
MAX_SUBJECTS = 256


@dataclass(frozen=True, slots=True)
class Statement:
    """What was signed: the predicate's type, the subjects' digests (``sha256:HEX``), and what is noted of each."""

    predicate_type: str
    digests: frozenset[str]
    notes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def annotations(self, digest: str) -> Mapping[str, Any]:
        """Return the annotations of the subject with a digest: any JSON, as a stranger may have signed them."""
        return self.notes.get(digest, {})


class _Subject(Wire):
    digest: dict[str, str]
    annotations: dict[str, Any] | None = None


class _Statement(Wire):
    # v0.1 is what 'cosign attest' still writes; both mean the same here.
    type: Literal["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"] = Field(alias="_type")
    subject: Annotated[tuple[_Subject, ...], Field(min_length=1, max_length=MAX_SUBJECTS, strict=False)]
    predicate_type: str = Field(alias="predicateType")


def build(
    name: str,
    digest: str,
    *,
    annotations: Mapping[str, str] | None = None,
    predicate_type: str = SIGN,
    predicate: dict[str, Any] | None = None,
) -> bytes:
    """Return the statement about the thing ``name`` (a repository) with ``digest`` (``sha256:HEX``).

    The name says nothing to a verifier, but sigstore-python refuses a subject without one. ``annotations`` stand where
    ``cosign sign -a`` puts them.
    """
    algorithm, _, value = digest.partition(":")
    subject: dict[str, Any] = {"name": name, "digest": {algorithm: value}}
    if annotations:
        subject["annotations"] = dict(sorted(annotations.items()))
    document = {
        "_type": TYPE,
        "subject": [subject],
        "predicateType": predicate_type,
        "predicate": predicate or {},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def parse(payload: bytes) -> Statement:
    """Return what a statement says; VerificationError when it is none, or a doubtful one."""
    try:
        wire = _Statement.model_validate(strictjson.parse(payload, LIMIT))
    except ValidationError as error:
        why = strictjson.first(error)
    except ValueError as error:
        why = str(error)
    else:
        pairs = [
            (f"{algorithm}:{value}", subject.annotations or {})
            for subject in wire.subject
            for algorithm, value in subject.digest.items()
        ]
        noted = {digest: annotations for digest, annotations in pairs if annotations}
        return Statement(wire.predicate_type, frozenset(digest for digest, _ in pairs), noted)
    raise VerificationError("what was signed is not an in-toto statement", why=why, remedy="sign again")
