"""Descriptors, manifests and indexes: hostile JSON in, frozen records out, the exact bytes always at hand.

Formats: OCI image-spec v1.1 (``descriptor.md``, ``manifest.md``, ``image-index.md``) and docker's image manifest
version 2, schema 2. A document that could be read as either kind is refused (CVE-2021-41190).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compatbuild.registry.digest import ContentError, digest_of, is_digest
from compatbuild.registry.platform import Platform

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_EMPTY = "application/vnd.oci.empty.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
MANIFEST_TYPES = (OCI_MANIFEST, DOCKER_MANIFEST)
INDEX_TYPES = (OCI_INDEX, DOCKER_INDEX)

MAX_MANIFEST = 4 << 20
"""Bytes of a manifest; what registries should take at least (distribution-spec, "Pushing Manifests")."""
MAX_INDEX = 8 << 20
"""Bytes of an image index: 10,000 entries with room for annotations."""
MAX_ENTRIES = 10_000
"""Layers of a manifest, or manifests of an index."""
MAX_SIZE = (1 << 63) - 1
"""A descriptor's size is an int64."""
MAX_FEATURES = 100
"""``os.features`` of a platform."""
MAX_MEDIA_TYPE = 255
"""Characters of a media type (RFC 6838 §4.2 allows 127 on either side of the slash)."""


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What some content is, its digest and its size in bytes; ``data`` may carry the content itself."""

    media_type: str
    digest: str
    size: int
    artifact_type: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    platform: Platform | None = None
    data: str = ""

    def same_content(self, other: "Descriptor") -> bool:
        """Whether media type, digest and size agree: the part of a descriptor that binds."""
        return (self.media_type, self.digest, self.size) == (other.media_type, other.digest, other.size)

    def bare(self) -> "Descriptor":
        """Return media type, digest and size only, as a ``subject`` is written."""
        return Descriptor(self.media_type, self.digest, self.size)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON object, without what is empty."""
        entry: dict[str, Any] = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        if self.data:
            entry["data"] = self.data
        if self.artifact_type:
            entry["artifactType"] = self.artifact_type
        if self.annotations:
            entry["annotations"] = dict(sorted(self.annotations.items()))
        if self.platform is not None:
            names = {"os": self.platform.os, "architecture": self.platform.architecture}
            names |= {"variant": self.platform.variant} if self.platform.variant else {}
            features = {"os.features": list(self.platform.features)} if self.platform.features else {}
            entry["platform"] = names | features
        return entry


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest: an image, or an artifact with an ``artifact_type`` and perhaps a ``subject``."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Index:
    """An image index, docker's manifest list included."""

    manifests: tuple[Descriptor, ...]
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ManifestBytes:
    """A manifest or index exactly as stored, and the descriptor that follows from those bytes."""

    raw: bytes
    descriptor: Descriptor

    def parse(self) -> Manifest | Index:
        """Return what the bytes say; ContentError when they are not what the media type promises."""
        return parse_manifest(self.raw, self.descriptor.media_type)


def describe(raw: bytes, media_type: str) -> Descriptor:
    """Return the descriptor of some bytes."""
    return Descriptor(media_type, digest_of(raw), len(raw))


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """Return JSON with sorted keys and no blanks: equal documents give equal bytes."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def parse_json(raw: bytes, limit: int, what: str) -> dict[str, Any]:
    """Parse a JSON object of at most ``limit`` bytes in UTF-8; ContentError for anything else, repeated keys included.

    What Python takes beyond RFC 8259 and other tools do not is no JSON either: UTF-16, a byte order mark, NaN.
    """
    if len(raw) > limit:
        raise _malformed(what, f"it has {len(raw)} bytes, more than the {limit} looked at")
    try:
        document = json.loads(raw.decode(), object_pairs_hook=_unique_keys, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _malformed(what, f"it is not JSON: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise _malformed(what, "it is not a JSON object")
    return document


def media_type_of(raw: bytes, offered: str = "") -> str:
    """Return the media type of a manifest from its own words or its shape; ``offered`` is the sender's word for it.

    ContentError when the sender and the document disagree, or when it has layers and manifests at once.
    """
    document = parse_json(raw, MAX_INDEX, "the manifest")
    shape = OCI_INDEX if "manifests" in document else OCI_MANIFEST
    stated = document.get("mediaType", "")
    known = offered in MANIFEST_TYPES + INDEX_TYPES
    if stated and known and stated != offered:
        raise _malformed("the manifest", f"it was sent as {offered} and calls itself {str(stated)[:80]!r}")
    media_type = stated or (offered if known else shape)
    parse_manifest(raw, media_type)
    return str(media_type)


def parse_manifest(raw: bytes, media_type: str) -> Manifest | Index:
    """Parse a manifest or an index sent under a media type; ContentError when it is malformed or over a limit."""
    if media_type not in MANIFEST_TYPES + INDEX_TYPES:
        raise _malformed("the manifest", f"media type {str(media_type)[:80]!r} is neither OCI's nor docker's schema 2")
    is_index = media_type in INDEX_TYPES
    what = "the image index" if is_index else "the image manifest"
    document = parse_json(raw, MAX_INDEX if is_index else MAX_MANIFEST, what)
    _require_one_reading(document, what)
    if document.get("schemaVersion") != 2:
        raise _malformed(what, f"schemaVersion is {str(document.get('schemaVersion'))[:20]}, not 2")
    if document.get("mediaType", media_type) != media_type:
        raise _malformed(what, f"it was sent as {media_type} and calls itself {str(document['mediaType'])[:80]!r}")
    if {"layers", "manifests"} <= document.keys():
        raise _malformed(what, "it holds both layers and manifests, and could be read as two things")
    artifact_type, annotations = _text(document, "artifactType", what), _annotations(document, what)
    subject = parse_descriptor(document["subject"], what) if document.get("subject") is not None else None
    if is_index:
        return Index(_descriptors(document, "manifests", what), artifact_type, subject, annotations)
    config = parse_descriptor(document.get("config"), what)
    return Manifest(config, _descriptors(document, "layers", what), artifact_type, subject, annotations)


def parse_descriptor(entry: object, what: str) -> Descriptor:
    """Parse one descriptor found in ``what``; ContentError when it is malformed. Unknown keys are left out."""
    if not isinstance(entry, dict):
        raise _malformed(what, "a descriptor is not an object")
    _require_one_reading(entry, what)
    media_type, digest, size = entry.get("mediaType"), entry.get("digest"), entry.get("size")
    if not isinstance(media_type, str) or not 0 < len(media_type) <= MAX_MEDIA_TYPE:
        raise _malformed(what, "a descriptor has no media type")
    if not isinstance(digest, str) or not is_digest(digest):
        raise _malformed(what, f"{str(digest)[:80]!r} is not a sha256 or sha512 digest")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 <= size <= MAX_SIZE:
        raise _malformed(what, f"{str(size)[:40]!r} is not a size")
    return Descriptor(
        media_type,
        digest,
        size,
        artifact_type=_text(entry, "artifactType", what),
        annotations=_annotations(entry, what),
        platform=_platform(entry.get("platform"), what),
    )


def _descriptors(document: Mapping[str, Any], key: str, what: str) -> tuple[Descriptor, ...]:
    entries = document.get(key)
    if not isinstance(entries, list):
        raise _malformed(what, f"it has no list of {key}")
    if len(entries) > MAX_ENTRIES:
        raise _malformed(what, f"it lists {len(entries)} {key}, more than the {MAX_ENTRIES} looked at")
    return tuple(parse_descriptor(entry, what) for entry in entries)


def _annotations(entry: Mapping[str, Any], what: str) -> Mapping[str, str]:
    annotations = entry.get("annotations")
    if annotations is None:
        return {}
    if not isinstance(annotations, dict) or not all(isinstance(value, str) for value in annotations.values()):
        raise _malformed(what, "annotations are not texts by name")
    return annotations


def _platform(entry: object, what: str) -> Platform | None:
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise _malformed(what, "a platform is not an object")
    features = entry.get("os.features") or []
    if not isinstance(features, list) or len(features) > MAX_FEATURES:
        raise _malformed(what, "os.features are not a short list")
    if not all(isinstance(name, str) and len(name) <= MAX_MEDIA_TYPE for name in features):
        raise _malformed(what, "os.features are not short texts")
    names = {key: _text(entry, key, what) for key in ("os", "architecture", "variant")}
    return Platform(**names, features=tuple(features))


def _text(entry: Mapping[str, Any], key: str, what: str) -> str:
    value = entry.get(key)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > MAX_MEDIA_TYPE:
        raise _malformed(what, f"{key} is not a short text")
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ValueError("a key occurs twice")
    return document


def _require_one_reading(document: Mapping[str, Any], what: str) -> None:
    """Refuse keys that differ in case only: tools in Go take ``Layers`` for ``layers``, the last of them wins."""
    if len({key.casefold() for key in document}) != len(document):
        raise _malformed(what, "two of its keys differ in case only, and tools differ on which one counts")


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _malformed(what: str, why: str) -> ContentError:
    return ContentError(
        f"{what} is malformed", why=why, remedy="push it again with a current tool, or name another image"
    )
