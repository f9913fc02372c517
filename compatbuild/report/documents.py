"""Reports as documents for programs: JSON and YAML of the same value."""

import json
from typing import Any

from compatbuild.model.report import Report


def report_value(report: Report) -> dict[str, Any]:
    """Return the report as the JSON value of design §6; fields at their defaults are left out of requirements only."""
    value = report.model_dump(mode="json", by_alias=True)
    for written, finding in zip(value["findings"], report.findings, strict=True):
        if finding.requirement is not None:
            written["requirement"] = finding.requirement.model_dump(mode="json", exclude_defaults=True)
    return value


def report_bytes(report: Report) -> bytes:
    """Return the canonical bytes of a report, the same for equal reports: the layer of a report artifact."""
    return to_json(report_value(report)).encode()


def to_json(value: Any) -> str:
    """Return indented JSON ending in a newline; characters beyond ASCII stay readable, controls are escaped."""
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def to_yaml(value: Any) -> str:
    """Return YAML of the same value, keys in the order given."""
    import yaml  # noqa: PLC0415 - only this output needs it

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=False, width=110)
    return text
