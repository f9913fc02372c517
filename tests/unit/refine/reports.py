"""Reports for templates: findings with requirements, some of them about images that mean no good."""

from typing import Any

from compatbuild.model.finding import Confidence, Evidence, Finding
from compatbuild.model.report import Fact, ImageIdentity, Report, Tool
from compatbuild.refine.context import Context, build_context
from compatbuild.refine.gitfacts import GitFacts

GIT = GitFacts(commit="0123abc" * 5, branch="main", describe="v1.2-3-g0123abc", remote="https://git.example/app.git")


def finding(
    id_: str, requirement: dict[str, Any] | None = None, *, confidence: str = "proven", title: str = "A need"
) -> Finding:
    """Return a finding; its requirement is given as in a document."""
    evidence = (Evidence(detector="test", path="/opt/app", statement="it is there"),)
    return Finding.model_validate(
        {
            "id": id_,
            "title": title,
            "confidence": Confidence(confidence),
            "requirement": requirement,
            "facts": {"cuda.driver.min": "525.60.13"} if requirement and "driver" in requirement else {},
            "evidence": evidence,
        }
    )


def report(*findings: Finding, reference: str = "my/app:1.2") -> Report:
    """Return a report of these findings."""
    facts = {
        name: Fact(value=value, confidence=Confidence.PROVEN, findings=(one.id,))
        for one in findings
        for name, value in one.facts.items()
    }
    return Report(
        tool=Tool(version="1.0", knowledge="2026-11-01"),
        image=ImageIdentity(source="oci-dir", reference=reference, platform="linux/amd64"),
        facts=facts,
        findings=findings,
    )


USUAL = report(
    finding("cuda.driver-min", {"driver": ">=525.60.13"}, title="NVIDIA driver"),
    finding("kernel.min", {"kernel": ">=5.10"}),
    finding("rdma.hint", {"module": ["ib_core"]}, confidence="hint"),
    finding("gpu.compute", {"compute": ">=7.0"}, confidence="likely"),
)


def context(of: Report = USUAL, git: GitFacts = GIT) -> Context:
    """Return the variables for a report, with given facts of git."""
    built = build_context(of)
    built["git"] = git
    return built
