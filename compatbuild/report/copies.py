"""What a copy brought over, for people and programs."""

from typing import Any

from compatbuild.registry.copy import Copied
from compatbuild.report.attachments import name_of
from compatbuild.report.text import plain


def as_table(target: str, done: Copied) -> str:
    """Return one line a manifest or tag, in the order of work, then one about the blobs."""
    lines = []
    for part in done.parts:
        kind = name_of(part.artifact_type) if part.kind == "attached" else part.kind
        name = f"{plain(part.tag)}  {part.descriptor.digest}" if part.tag else part.descriptor.digest
        lines.append(f"{part.state:9}  {kind}  {name}")
    lines.append(f"{plain(target)}: {'copied' if done.changed else 'nothing to do'}, {done.sent:,} bytes of blobs sent")
    return "\n".join(lines) + "\n"


def as_value(source: str, target: str, done: Copied) -> dict[str, Any]:
    """Return the copy as the JSON value ``compatbuild.copy/v1``."""
    return {
        "schema": "compatbuild.copy/v1",
        "source": source,
        "target": target,
        "digest": done.descriptor.digest,
        "changed": done.changed,
        "sent": done.sent,
        "parts": [
            {
                "kind": part.kind,
                "artifact_type": part.artifact_type,
                "digest": part.descriptor.digest,
                "tag": part.tag,
                "state": part.state,
            }
            for part in done.parts
        ],
        "notes": list(done.notes),
    }
