"""The OCI manifest that carries a signature bundle and hangs it on what it signs.

cosign ``specs/BUNDLE_SPEC.md`` and what cosign 3.1.3 pushes: artifact type and layer of the bundle's media type, an
empty config (OCI image-spec v1.1, ``manifest.md``), the signed manifest as subject. Only layer and subject matter to
a verifier; other tools filter on the annotations.
"""

from datetime import UTC, datetime

from compatbuild.registry.descriptor import OCI_EMPTY, OCI_MANIFEST, Descriptor, canonical_json, describe
from compatbuild.signing import bundle, statement

EMPTY = b"{}"
CONTENT = "dev.sigstore.bundle.content"
PREDICATE_TYPE = "dev.sigstore.bundle.predicateType"
CREATED = "org.opencontainers.image.created"


def build(layer: Descriptor, subject: Descriptor, created: datetime, *, predicate_type: str = statement.SIGN) -> bytes:
    """Return the manifest of the bundle that ``layer`` describes; ``created`` is written in UTC, to the second."""
    return canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": bundle.MEDIA_TYPE,
            "config": describe(EMPTY, OCI_EMPTY).as_json(),
            "layers": [layer.bare().as_json()],
            "subject": subject.bare().as_json(),
            "annotations": {
                CONTENT: "dsse-envelope",
                PREDICATE_TYPE: predicate_type,
                CREATED: created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
        }
    )
