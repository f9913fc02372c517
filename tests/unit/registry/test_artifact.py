from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from compatbuild.errors import UsageError
from compatbuild.registry.artifact import REPORT, SPEC, build_artifact, format_created, parse_created
from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor, describe
from tests.unit.registry.building import CREATED, SPEC_TEXT

SUBJECT = Descriptor(OCI_MANIFEST, describe(b"x", "").digest, 7, "a/b", {"k": "v"}, None)


def test_the_manifest_of_a_specification() -> None:
    artifact = build_artifact(SPEC, SPEC_TEXT, SUBJECT, {"b": "2", "a": "1"}, CREATED)
    document = json.loads(artifact.manifest.raw)
    assert document == {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.nfd.image-compatibility.v1alpha1",
        "config": {
            "mediaType": "application/vnd.oci.empty.v1+json",
            "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "size": 2,
            "data": "e30=",
        },
        "layers": [
            {
                "mediaType": "application/vnd.nfd.image-compatibility.spec.v1alpha1+yaml",
                "digest": describe(SPEC_TEXT, "").digest,
                "size": len(SPEC_TEXT),
                "annotations": {"org.opencontainers.image.title": "compat.yaml"},
            }
        ],
        "subject": {"mediaType": OCI_MANIFEST, "digest": SUBJECT.digest, "size": 7},
        "annotations": {"a": "1", "b": "2", "org.opencontainers.image.created": CREATED},
    }
    assert artifact.manifest.descriptor.artifact_type == document["artifactType"]
    assert artifact.manifest.descriptor.annotations == document["annotations"]


def test_a_report_has_one_type_for_both() -> None:
    document = json.loads(build_artifact(REPORT, b"{}", SUBJECT, {}, CREATED).manifest.raw)
    assert (
        document["artifactType"] == document["layers"][0]["mediaType"] == "application/vnd.compatbuild.report.v1+json"
    )


def test_the_same_input_gives_the_same_bytes() -> None:
    one = build_artifact(SPEC, SPEC_TEXT, SUBJECT, {"a": "1", "b": "ü"}, CREATED)
    other = build_artifact(
        SPEC, SPEC_TEXT, SUBJECT, {"b": "ü", "a": "1", "org.opencontainers.image.created": "x"}, CREATED
    )
    assert one.manifest.raw == other.manifest.raw


@pytest.mark.parametrize(
    "created",
    ["", "2026-11-23", "2026-11-23T10:00:00+00:00", "2026-11-23T10:00:00.5Z", "2026-13-23T10:00:00Z", CREATED + "\n"],
)
def test_a_date_that_is_written_otherwise(created: str) -> None:
    with pytest.raises(UsageError):
        build_artifact(SPEC, SPEC_TEXT, SUBJECT, {}, created)


def test_too_much_content() -> None:
    with pytest.raises(UsageError, match="too large"):
        build_artifact(SPEC, bytes(SPEC.limit + 1), SUBJECT, {}, CREATED)


def test_dates_of_others() -> None:
    expected = datetime(2026, 11, 23, 10, tzinfo=UTC)
    for text in (CREATED, "2026-11-23T12:00:00+02:00", "2026-11-23T10:00:00.000Z"):
        assert parse_created(text) == expected
    assert format_created(expected) == CREATED
    for nonsense in ("", "yesterday", "2026-11-23", "2026-11-23T10:00:00", "2026-11-23 10:00:00Z"):
        assert parse_created(nonsense) is None
