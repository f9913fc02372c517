"""What a template knows: requirements, findings, facts, the image, what it is built on, and git."""

from pathlib import Path
from typing import TypedDict

from pydantic import JsonValue

from compatbuild.inference.resolve import requirements
from compatbuild.model.finding import Finding
from compatbuild.model.report import BaseImage, ImageIdentity, Report
from compatbuild.model.requirement import AnyRequirement
from compatbuild.refine.gitfacts import GitFacts, git_facts


class Context(TypedDict):
    """The variables of a template; ``templates/README.md`` describes them for authors."""

    requirements: tuple[AnyRequirement, ...]
    findings: tuple[Finding, ...]
    facts: dict[str, JsonValue]
    image: ImageIdentity
    base: BaseImage | None
    git: GitFacts


def build_context(report: Report, directory: Path | None = None) -> Context:
    """Return the variables for a report.

    ``requirements`` are those of proven and likely findings, merged; hints are among ``findings`` only. ``directory``
    is where git is asked, by default the current one.
    """
    return Context(
        requirements=requirements(report.findings),
        findings=report.findings,
        facts={name: fact.value for name, fact in report.facts.items()},
        image=report.image,
        base=report.base,
        git=git_facts(directory or Path.cwd()),
    )
