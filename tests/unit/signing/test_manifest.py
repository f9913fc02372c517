import json

from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor, describe
from compatbuild.signing import bundle, manifest

CONTENT = b'{"mediaType":"..."}'
SUBJECT = Descriptor(OCI_MANIFEST, "sha256:" + "bb" * 32, 551, artifact_type="a/b", annotations={"not": "carried over"})
NOON = "2026-11-23T12:00:00Z"


def test_the_manifest_is_the_one_cosign_pushes() -> None:
    # Copied from a registry after 'cosign sign' 3.1.3, but for the artifactType it repeats inside the config.
    assert json.loads(manifest.build(CONTENT, SUBJECT, NOON).manifest.raw) == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "size": 2,
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        },
        "layers": [
            {
                "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
                "size": len(CONTENT),
                "digest": describe(CONTENT, "").digest,
            }
        ],
        "annotations": {
            "dev.sigstore.bundle.content": "dsse-envelope",
            "dev.sigstore.bundle.predicateType": "https://sigstore.dev/cosign/sign/v1",
            "org.opencontainers.image.created": "2026-11-23T12:00:00Z",
        },
        "subject": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "size": 551,
            "digest": "sha256:" + "bb" * 32,
        },
    }


def test_the_descriptor_says_what_listings_show() -> None:
    artifact = manifest.build(CONTENT, SUBJECT, NOON, predicate_type="https://example.com/other")
    described = artifact.manifest.descriptor
    assert described.bare() == describe(artifact.manifest.raw, OCI_MANIFEST)
    assert described.artifact_type == bundle.MEDIA_TYPE
    assert described.annotations["dev.sigstore.bundle.predicateType"] == "https://example.com/other"
    assert (artifact.layer, artifact.layer_media_type) == (CONTENT, bundle.MEDIA_TYPE)
