import json
from datetime import UTC, datetime, timedelta, timezone

from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor, Manifest, parse_manifest
from compatbuild.signing import bundle, manifest

LAYER = Descriptor(bundle.MEDIA_TYPE, "sha256:" + "aa" * 32, 667, annotations={"not": "carried over"})
SUBJECT = Descriptor(OCI_MANIFEST, "sha256:" + "bb" * 32, 551, artifact_type="a/b")
NOON = datetime(2026, 11, 23, 12, 0, 0, 999, UTC)


def test_the_manifest_is_the_one_cosign_pushes() -> None:
    # Copied from a registry after 'cosign sign' 3.1.3, but for the artifactType it repeats inside the config.
    assert json.loads(manifest.build(LAYER, SUBJECT, NOON)) == {
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
                "size": 667,
                "digest": "sha256:" + "aa" * 32,
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


def test_time_is_written_in_utc() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert manifest.build(LAYER, SUBJECT, elsewhere) == manifest.build(LAYER, SUBJECT, NOON)


def test_our_own_reader_takes_it() -> None:
    read = parse_manifest(manifest.build(LAYER, SUBJECT, NOON), OCI_MANIFEST)
    assert isinstance(read, Manifest)
    assert read.layers == (LAYER.bare(),)
    assert read.subject == SUBJECT.bare()
