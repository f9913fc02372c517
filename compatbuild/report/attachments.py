"""The tree of what is attached to an image."""

from collections.abc import Iterator, Sequence
from typing import Any

from compatbuild.registry.artifact import CREATED, REPORT, SPEC
from compatbuild.registry.overview import Attachment, Overview
from compatbuild.report.text import plain

NAMES = {
    SPEC.artifact_type: "specification",
    REPORT.artifact_type: "report",
    "application/vnd.dev.sigstore.bundle.v0.3+json": "signature",
    "application/vnd.dev.cosign.artifact.sig.v1+json": "signature (older format)",
}


def as_tree(reference: str, found: Sequence[Overview]) -> str:
    """Return an indented tree: image, then index and platforms, then what is attached to each."""
    lines = [plain(reference)]
    for one in found:
        kind = "index" if one.subject.is_index else str(one.subject.platform or "image")
        digest = one.subject.descriptor.digest
        lines.append(f"  {kind}  {digest}{_standing(one, digest)}")
        lines += _branch(one, one.attachments, "    ")
        if not one.attachments:
            lines.append("    nothing attached")
    return "\n".join(lines) + "\n"


def name_of(artifact_type: str) -> str:
    """Return what people call an artifact of a type."""
    return NAMES.get(artifact_type) or plain(artifact_type, 60) or "artifact without a type"


def _standing(overview: Overview, digest: str) -> str:
    """Return how a manifest is signed, and whether NFD takes it; nothing where nobody looked."""
    said = [plain(overview.standing[digest], 200)] if digest in overview.standing else []
    said += ["NFD's client takes this one"] if digest == overview.nfd_takes else []
    return f"  ({'; '.join(said)})" if said else ""


def _branch(overview: Overview, found: Sequence[Attachment], indent: str) -> Iterator[str]:
    for one in found:
        descriptor = one.referrer.descriptor
        name = name_of(descriptor.artifact_type)
        created = descriptor.annotations.get(CREATED, "")
        shown = _standing(overview, descriptor.digest)
        yield f"{indent}{name}  {descriptor.digest}{f'  {plain(created, 40)}' if created else ''}{shown}"
        if one.referrer.rejected:
            yield f"{indent}  not used: {plain(one.referrer.rejected)}"
        yield from _branch(overview, one.attachments, f"{indent}  ")


def as_value(reference: str, found: Sequence[Overview]) -> dict[str, Any]:
    """Return the tree as the JSON value ``compatbuild.attachments/v1``."""
    return {
        "schema": "compatbuild.attachments/v1",
        "reference": reference,
        "subjects": [
            {
                "digest": one.subject.descriptor.digest,
                "kind": "index" if one.subject.is_index else "image",
                "platform": str(one.subject.platform or ""),
                "signed": one.standing.get(one.subject.descriptor.digest, ""),
                "nfd_takes": one.nfd_takes,
                "attachments": [_value(one, inner) for inner in one.attachments],
            }
            for one in found
        ],
    }


def _value(overview: Overview, one: Attachment) -> dict[str, Any]:
    descriptor = one.referrer.descriptor
    return {
        "digest": descriptor.digest,
        "artifact_type": descriptor.artifact_type,
        "created": descriptor.annotations.get(CREATED, ""),
        "rejected": one.referrer.rejected,
        "signed": overview.standing.get(descriptor.digest, ""),
        "attachments": [_value(overview, inner) for inner in one.attachments],
    }
