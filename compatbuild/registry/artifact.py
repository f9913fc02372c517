"""The manifests of the artifacts we attach: the same content, annotations and subject give the same bytes.

Shape: OCI image-spec v1.1 ``manifest.md``, "Guidelines for Artifact Usage": ``artifactType``, the empty config with its
two bytes inline (as oras writes it), exactly one layer, and the ``subject``. NFD takes ``layers[0]`` of the artifact of
that type that was created last (node-feature-discovery v0.19.0, ``pkg/client-nfd/compat/artifact-client``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from compatbuild.errors import UsageError
from compatbuild.model.report import REPORT_MEDIA_TYPE
from compatbuild.nfd.spec import SPEC_ARTIFACT_TYPE, SPEC_LAYER_MEDIA_TYPE
from compatbuild.registry.descriptor import OCI_EMPTY, OCI_MANIFEST, Descriptor, ManifestBytes, canonical_json, describe

CREATED = "org.opencontainers.image.created"
TITLE = "org.opencontainers.image.title"
EMPTY = b"{}"
EMPTY_CONFIG = replace(describe(EMPTY, OCI_EMPTY), data="e30=")
"""The empty descriptor of the image specification, content included."""
_CREATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


@dataclass(frozen=True, slots=True)
class ArtifactKind:
    """A kind of artifact: its name, its types, the file name of its layer, and the most bytes of one that are read."""

    name: str
    artifact_type: str
    layer_media_type: str
    title: str
    limit: int


SPEC = ArtifactKind("specification", SPEC_ARTIFACT_TYPE, SPEC_LAYER_MEDIA_TYPE, "compat.yaml", 1 << 20)
REPORT = ArtifactKind("report", REPORT_MEDIA_TYPE, REPORT_MEDIA_TYPE, "report.json", 32 << 20)


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact ready to be pushed; the manifest's descriptor has its type and annotations, as listings show them."""

    manifest: ManifestBytes
    layer: bytes
    layer_media_type: str


def build_artifact(
    kind: ArtifactKind, content: bytes, subject: Descriptor, annotations: Mapping[str, str], created: str
) -> Artifact:
    """Build the artifact that attaches ``content`` to ``subject``; ``created`` is RFC 3339 in UTC to the second.

    UsageError when ``created`` is written otherwise, or the content is larger than readers take.
    """
    if not _CREATED.fullmatch(created) or parse_created(created) is None:
        raise UsageError(f"{created!r} is no time of creation", why="it is not YYYY-MM-DDTHH:MM:SSZ")
    if len(content) > kind.limit:
        why = f"{len(content)} bytes, at most {kind.limit} are read"
        raise UsageError(f"{kind.title} is too large to attach", why=why, remedy="leave out what is not needed")
    layer = replace(describe(content, kind.layer_media_type), annotations={TITLE: kind.title})
    everything = {**annotations, CREATED: created}
    raw = canonical_json(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "artifactType": kind.artifact_type,
            "config": EMPTY_CONFIG.as_json(),
            "layers": [layer.as_json()],
            "subject": subject.bare().as_json(),
            "annotations": everything,
        }
    )
    descriptor = replace(describe(raw, OCI_MANIFEST), artifact_type=kind.artifact_type, annotations=everything)
    return Artifact(ManifestBytes(raw, descriptor), content, kind.layer_media_type)


def format_created(moment: datetime) -> str:
    """Return a moment as ``created`` is written."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_created(text: str) -> datetime | None:
    """Return the moment of somebody's ``created`` annotation (RFC 3339), None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo and "T" in text.upper() else None
