"""Reports of given requirements and facts, without an image."""

from collections.abc import Mapping, Sequence
from zlib import crc32

from pydantic import JsonValue

from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import Fact, ImageIdentity, Report, Skipped, Tool
from compatbuild.model.requirement import AnyRequirement

EVIDENCE = (Evidence(detector="test", path="/usr/bin/app", statement="It is there"),)


def report_of(
    *requirements: AnyRequirement,
    facts: Mapping[str, JsonValue] | None = None,
    hints: Mapping[str, JsonValue] | None = None,
    skipped: Sequence[Skipped] = (),
    reference: str = "image:v1",
    knowledge: str = "2026-11-23",
) -> Report:
    """Return the report of an image that needs all of these; ``hints`` are facts that nobody is sure of.

    The finding of a requirement is called as the requirement is, or by what it says.
    """
    stated = {name: _fact(value, Confidence.PROVEN) for name, value in (facts or {}).items()}
    stated |= {name: _fact(value, Confidence.HINT) for name, value in (hints or {}).items()}
    return Report(
        tool=Tool(version="1.0", knowledge=knowledge),
        image=ImageIdentity(source="oci-dir", reference=reference, digest="sha256:" + "0" * 64, platform="linux/amd64"),
        facts=stated,
        findings=tuple(map(_finding, requirements)),
        skipped=tuple(skipped),
    )


def _finding(requirement: AnyRequirement) -> Finding:
    text = requirement.model_dump_json(exclude={"comment"})
    name = requirement.id if requirement.id != "author" else f"need-{crc32(text.encode())}"
    return Finding(id=name, title="A need", confidence=Confidence.PROVEN, requirement=requirement, evidence=EVIDENCE)


def _fact(value: JsonValue, confidence: Confidence) -> Fact:
    return Fact(value=value, confidence=confidence, findings=("need-0",))
