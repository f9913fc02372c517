"""The in-toto statement: which digest a signature is about, and what it says of it.

in-toto attestation framework, ``spec/v1/statement.md``; cosign 3.1 signs an image as a statement with predicate type
``https://sigstore.dev/cosign/sign/v1`` and an empty predicate.
"""

import json
from dataclasses import dataclass
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
    """What was signed: the predicate's type, and the subjects' digests (``sha256:HEX``)."""

    predicate_type: str
    digests: frozenset[str]


class _Subject(Wire):
    digest: dict[str, str]


class _Statement(Wire):
    # v0.1 is what 'cosign attest' still writes; both mean the same here.
    type: Literal["https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"] = Field(alias="_type")
    subject: Annotated[tuple[_Subject, ...], Field(min_length=1, max_length=MAX_SUBJECTS, strict=False)]
    predicate_type: str = Field(alias="predicateType")


def build(name: str, digest: str, *, predicate_type: str = SIGN, predicate: dict[str, Any] | None = None) -> bytes:
    """Return the statement about the thing ``name`` (a repository) with ``digest`` (``sha256:HEX``).

    The name says nothing to a verifier, but sigstore-python refuses a subject without one.
    """
    algorithm, _, value = digest.partition(":")
    document = {
        "_type": TYPE,
        "subject": [{"name": name, "digest": {algorithm: value}}],
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
        pairs = (pair for subject in wire.subject for pair in subject.digest.items())
        return Statement(wire.predicate_type, frozenset(f"{algorithm}:{value}" for algorithm, value in pairs))
    raise VerificationError("what was signed is not an in-toto statement", why=why, remedy="sign again")
