"""Reports as SPDX 2.3 documents, and those as in-toto statements: what stores of software bills of materials take.

SPDX has no word for what software needs of its host, so findings are annotations of the document: the comment of the
first is the report without its findings, of each further one a finding, as JSON on one line, in the shape that the
report has. Read from the SPDX 2.3 specification (§6 document, §7 package, §11 relationship, §12 annotation).
"""

import json
import uuid
from typing import Any

from compatbuild.model.report import Report
from compatbuild.report.documents import report_bytes, report_value
from compatbuild.version import __version__

PREDICATE = "https://spdx.dev/Document"
"""The predicate type of SPDX (in-toto/attestation, ``spec/predicates/spdx.md``), the only one BuildKit takes."""
STATEMENT = "https://in-toto.io/Statement/v1"
TOOL = f"Tool: compatbuild-{__version__}"
ROOT = "SPDXRef-root"
COMMENT = (
    "What this file system needs of the host it runs on, inferred by compatbuild; the annotations are its report. "
    "This is no list of packages. The image's configuration (entrypoint, environment, labels) was not seen."
)


def statement(report: Report, name: str, created: str) -> dict[str, Any]:
    """Return the report as a statement without a subject, which whoever builds the image adds.

    ``name`` is what the document calls the file system, ``created`` a moment in RFC 3339, UTC, to the second.
    """
    return {
        "_type": STATEMENT,
        "subject": [],
        "predicateType": PREDICATE,
        "predicate": document(report, name, created),
    }


def document(report: Report, name: str, created: str) -> dict[str, Any]:
    """Return the report as an SPDX 2.3 document; its namespace is the same for equal reports of one moment."""
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{name}\0{created}\0{report_bytes(report).decode()}")
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        "documentNamespace": f"urn:uuid:{identity}",
        "creationInfo": {"created": created, "creators": [TOOL]},
        "comment": COMMENT,
        "packages": [_root(report, name)],
        "relationships": [
            {"spdxElementId": "SPDXRef-DOCUMENT", "relationshipType": "DESCRIBES", "relatedSpdxElement": ROOT}
        ],
        "annotations": [_annotation(comment, created) for comment in _comments(report)],
    }


def _root(report: Report, name: str) -> dict[str, Any]:
    """Return the file system as a package; nothing is asserted of where it comes from or of its licences."""
    value: dict[str, Any] = {
        "SPDXID": ROOT,
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
    }
    system = [report.facts[fact].value for fact in ("os.id", "os.version") if fact in report.facts]
    if system:
        value["summary"] = " ".join(map(str, system))
    return value


def _comments(report: Report) -> list[dict[str, Any]]:
    value = report_value(report)
    findings: list[dict[str, Any]] = value.pop("findings")
    return [value, *({"finding": finding} for finding in findings)]


def _annotation(comment: dict[str, Any], created: str) -> dict[str, Any]:
    return {
        "annotationDate": created,
        "annotationType": "OTHER",
        "annotator": TOOL,
        "comment": json.dumps(comment, separators=(",", ":")),
    }
