"""Reports as documents for programs: JSON and YAML of the same value."""

import json
import re
from typing import Any

from compatbuild.model.report import Report
from compatbuild.model.requirement import Requirement

_OBEYED = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e0fff]"
)
"""Characters that JSON may hold as they are, and that move a cursor, reorder the text around them or show nothing.

Fixed here, since a report's bytes are its identity and Python's own tables grow from release to release.
"""


def report_value(report: Report) -> dict[str, Any]:
    """Return the report as the JSON value of design §6; fields at their defaults are left out of requirements only."""
    value = report.model_dump(mode="json", by_alias=True)
    for written, finding in zip(value["findings"], report.findings, strict=True):
        if finding.requirement is not None:
            written["requirement"] = _short(finding.requirement)
    if report.base is not None:
        value["base"]["requirements"] = [_short(requirement) for requirement in report.base.requirements]
    return value


def _short(requirement: Requirement) -> dict[str, Any]:
    return requirement.model_dump(mode="json", exclude_defaults=True)


def report_bytes(report: Report) -> bytes:
    """Return the canonical bytes of a report, the same for equal reports: the layer of a report artifact."""
    return to_json(report_value(report)).encode()


def to_json(value: Any) -> str:
    """Return indented JSON ending in a newline; readable beyond ASCII, but for what a terminal obeys."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _OBEYED.sub(lambda found: json.dumps(found[0])[1:-1], text) + "\n"


def to_yaml(value: Any) -> str:
    """Return YAML of the same value, keys in the order given."""
    import yaml  # noqa: PLC0415 - only this output needs it

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=False, width=110)
    return text
