"""The OCI manifest that carries a signature bundle and hangs it on what it signs.

cosign ``specs/BUNDLE_SPEC.md`` and what cosign 3.1.3 pushes: artifact type and layer of the bundle's media type, an
empty config (OCI image-spec v1.1, ``manifest.md``), the signed manifest as subject. Only layer and subject matter to
a verifier; other tools filter on the annotations.
"""

from dataclasses import replace

from compatbuild.registry.artifact import CREATED, EMPTY_CONFIG, Artifact
from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor, ManifestBytes, canonical_json, describe
from compatbuild.signing import bundle, statement

CONTENT = "dev.sigstore.bundle.content"
PREDICATE_TYPE = "dev.sigstore.bundle.predicateType"


def build(content: bytes, subject: Descriptor, created: str, *, predicate_type: str = statement.SIGN) -> Artifact:
    """Return the artifact that hangs the bundle ``content`` on ``subject``; ``created`` is RFC 3339 in UTC."""
    annotations = {CONTENT: "dsse-envelope", PREDICATE_TYPE: predicate_type, CREATED: created}
    raw = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": bundle.MEDIA_TYPE,
            "config": EMPTY_CONFIG.bare().as_json(),
            "layers": [describe(content, bundle.MEDIA_TYPE).as_json()],
            "subject": subject.bare().as_json(),
            "annotations": annotations,
        }
    )
    descriptor = replace(describe(raw, OCI_MANIFEST), artifact_type=bundle.MEDIA_TYPE, annotations=annotations)
    return Artifact(ManifestBytes(raw, descriptor), content, bundle.MEDIA_TYPE)
