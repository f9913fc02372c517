"""Reports to render, and names as a hostile image has them."""

import unicodedata
from typing import Any

from compatbuild.model.finding import Evidence, Finding
from compatbuild.model.report import ImageIdentity, Report, Tool
from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor

HOSTILE = "a\x1b[31mb\x9b2Jc\rd\ne\u202ef\u2066g\x7f|`<b>**_h\\|\u2028\U000e0041"
"""Terminal commands in both their forms, line ends, reordering, markup, and what shows nothing."""
DIGEST = "sha256:" + "0123456789abcdef" * 4
OTHER = "sha256:" + "fedcba9876543210" * 4


def harmless(text: str) -> bool:
    """Whether a terminal prints all of a text, in the order it is in, and obeys none of it."""
    return all(c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text)


def evidence(path: str = "/usr/bin/app", statement: str = "It is there", locator: str = "") -> Evidence:
    return Evidence(detector="d", layer=DIGEST, path=path, locator=locator, statement=statement)


def finding(name: str = "a", *found: Evidence, confidence: str = "likely", **fields: Any) -> Finding:
    """Return a finding, about a CPU level unless its requirement is said to be something else, or None."""
    told = {"title": f"Title of {name}", "severity": "required", "requirement": {"cpu": "x86-64-v2"}} | fields
    return Finding.model_validate({"id": name, "confidence": confidence, "evidence": found or (evidence(),), **told})


def report(*findings: Finding, **fields: Any) -> Report:
    image = ImageIdentity(source="oci-dir", reference="image:v1", digest=DIGEST, platform="linux/amd64")
    told: dict[str, Any] = {"tool": Tool(version="1", knowledge="2026-11-23"), "image": image}
    return Report(findings=findings, **(told | fields))


def hostile_report(text: str = HOSTILE) -> Report:
    """Return a report that holds a text in every place an image's author can reach."""
    found = finding("a", evidence(text, text, text), title=text, facts={"os.id": text})
    image = ImageIdentity(source="dir", reference=text, digest=text, platform=text)
    skipped = [{"what": text, "why": text}]
    facts = {"os.id": {"value": text, "confidence": "likely", "findings": ["a"]}}
    hint = finding("b", evidence(text, text, text), title=text, confidence="hint")
    return report(found, hint, image=image, skipped=skipped, limits=(text,), facts=facts)


def descriptor(digest: str = DIGEST, **fields: Any) -> Descriptor:
    return Descriptor(OCI_MANIFEST, digest, 7, **fields)
