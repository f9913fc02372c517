"""The report of one inference: the durable file from which a specification can be derived again."""

from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from compatbuild.errors import UsageError
from compatbuild.model.base import Model
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.requirement import AnyRequirement

REPORT_SCHEMA: Literal["compatbuild.report/v1"] = "compatbuild.report/v1"
REPORTS_SCHEMA: Literal["compatbuild.reports/v1"] = "compatbuild.reports/v1"
REPORT_MEDIA_TYPE = "application/vnd.compatbuild.report.v1+json"


class Tool(Model):
    """What made the report: tool version and the date of the knowledge base."""

    name: Literal["compatbuild"] = "compatbuild"
    version: str
    knowledge: str


class ImageIdentity(Model):
    """Which image the report is about.

    ``source`` is the scheme it was read through (``oci-dir``), ``reference`` what the user typed behind it, ``digest``
    the manifest digest (empty where there is no manifest, as for a bare directory), ``platform`` ``os/arch[/variant]``.
    """

    source: str
    reference: str
    digest: str = ""
    platform: str


class BaseImage(Model):
    """The image that this one is built on.

    ``reference`` is where it was read from, ``digest`` that of its manifest (empty where there is none), ``layers`` how
    many of the image's layers are its own. ``specification`` and ``report`` are the digests of the artifacts in force
    that are attached to it, **signed or not**, empty where there are none; ``requirements`` are those of that report.
    """

    reference: str
    digest: str = ""
    layers: int = Field(ge=1)
    specification: str = ""
    report: str = ""
    requirements: tuple[AnyRequirement, ...] = ()


class Fact(Model):
    """A fact's merged value, the confidence of its strongest finding, and the ids of all findings that state it."""

    value: JsonValue
    confidence: Confidence
    findings: tuple[str, ...]


class Skipped(Model):
    """Something that was not looked at, and why: a detector that failed, a layer that is not distributed."""

    what: str
    why: str


class Report(Model):
    """The whole report; ``model_dump(mode="json", by_alias=True)`` is the document of design §6.

    ``base`` is there only where it is known what the image is built on.
    """

    schema_: Literal["compatbuild.report/v1"] = Field(default=REPORT_SCHEMA, alias="schema")
    tool: Tool
    image: ImageIdentity
    base: BaseImage | None = Field(default=None, exclude_if=lambda base: base is None)
    facts: dict[str, Fact] = Field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    limits: tuple[str, ...] = ()


class PlatformReports(Model):
    """The reports on all images of an index, in the order of their platforms.

    ``digest`` is the index's, empty where there is but one image; ``skipped`` are platforms that were not read.
    """

    schema_: Literal["compatbuild.reports/v1"] = Field(default=REPORTS_SCHEMA, alias="schema")
    source: str
    reference: str
    digest: str = ""
    reports: tuple[Report, ...]
    skipped: tuple[Skipped, ...] = ()


def parse_report(data: bytes, name: str) -> Report:
    """Return the report that some JSON is; UsageError when it is none."""
    try:
        return Report.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"{name} is not a report of compatbuild",
            why=f"{place}: {first['msg']}",
            remedy="make one with `compatbuild infer SOURCE -o json=report.json`",
        ) from error
