"""Evidence and findings: what a detector saw, where, and what follows from it."""

from enum import StrEnum

from pydantic import Field, JsonValue

from compatbuild.model.base import Model
from compatbuild.model.requirement import AnyRequirement


class Confidence(StrEnum):
    """How sure a finding is, strongest first. Only proven and likely findings enter a specification."""

    PROVEN = "proven"  # the program cannot work without it
    LIKELY = "likely"  # its default path needs it
    HINT = "hint"  # optional, has a fallback, or the file may be unused


class Severity(StrEnum):
    """What a finding means to the author; a separate axis from confidence."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    INFO = "info"


class Evidence(Model):
    """One thing a person can look at.

    ``layer`` is the diff ID of the layer that holds ``path``, or empty for the image config; ``path`` is absolute in
    the image, or a config field such as ``config.Env``; ``locator`` narrows it down (``DT_NEEDED``, ``offset 4096``,
    ``NVIDIA_REQUIRE_CUDA``); ``statement`` says in one sentence what is there. Never a secret.
    """

    detector: str
    layer: str = ""
    path: str
    locator: str = ""
    statement: str = Field(min_length=1, max_length=2000)


class Finding(Model):
    """What a detector concludes. It cannot be constructed without evidence.

    ``facts`` maps stable fact names (``compatbuild.model.facts``) to their JSON values; ``requirement`` is what the
    host must offer, if anything; ``docs`` is the page about the detector. ``id`` names the conclusion
    (``cuda.driver-min``), not the detector, and is stable. ``inherited`` says that all of its evidence is unchanged
    from a known base image; it is written only where it holds.
    """

    id: str = Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$")
    title: str
    confidence: Confidence
    severity: Severity = Severity.INFO
    requirement: AnyRequirement | None = None
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    evidence: tuple[Evidence, ...] = Field(min_length=1)
    docs: str = ""
    inherited: bool = Field(default=False, exclude_if=lambda inherited: not inherited)
