"""The in-toto attestation of a specification: what an image needs of its host, as a statement about the image.

For policy engines that read attestations and no OCI artifacts. The signed specification itself stays what counts.
"""

from compatbuild.nfd.decode import decode
from compatbuild.nfd.spec import SPEC_VERSION
from compatbuild.nfd.wire import strictly
from compatbuild.registry.candidates import Candidate
from compatbuild.signing import statement

PREDICATE_TYPE = "urn:compatbuild:attestation:image-compatibility:v1"
"""A name, not a place; another shape of the predicate gets another version."""


def build(name: str, digest: str, spec: Candidate, content: bytes) -> bytes:
    """Return the statement about the image ``digest`` in the repository ``name``.

    The predicate is ``{"spec": the specification as JSON, "artifact": {"mediaType", "digest", "size"}}``. SpecError
    when NFD could not read the specification.
    """
    document = strictly(decode(content)).model_dump(mode="json", exclude_defaults=True)
    predicate = {"spec": {"version": SPEC_VERSION, **document}, "artifact": spec.descriptor.bare().as_json()}
    return statement.build(name, digest, predicate_type=PREDICATE_TYPE, predicate=predicate)
