"""Verdicts as JUnit XML, which Jenkins and most other CI systems show: a suite an image, a test a host.

The elements are those of Jenkins' own schema (``junit-4.xsd`` of dtkit), in the order that it asks for.
"""

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

from compatbuild.checking.verdicts import Checked, HostVerdict, Verdict
from compatbuild.report.text import plain
from compatbuild.report.verdicts_sarif import told

OPEN = frozenset({Verdict.UNKNOWN, Verdict.DEPENDS})
"""Verdicts that are neither a success nor a failure: such a test counts as skipped."""


def document(checked: Sequence[Checked]) -> str:
    """Return the XML; a host on which an image does not run is a failure, and one that leaves it open is skipped."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
    for one in checked:
        verdicts = [host.verdict for host in one.hosts]
        counts = {
            "tests": len(verdicts),
            "failures": verdicts.count(Verdict.INCOMPATIBLE),
            "errors": 0,
            "skipped": sum(verdict in OPEN for verdict in verdicts),
        }
        numbers = "".join(f' {name}="{count}"' for name, count in counts.items())
        lines.append(f"  <testsuite name={_attribute(one.subject.name)}{numbers}>")
        lines += [_case(host) for host in one.hosts]
        lines.append("  </testsuite>")
    return "\n".join([*lines, "</testsuites>"]) + "\n"


def _case(host: HostVerdict) -> str:
    head = f"    <testcase classname={_attribute(f'compatbuild.{host.kind}')} name={_attribute(host.name)}"
    if host.verdict is Verdict.COMPATIBLE:
        return f"{head}/>"
    rule, text = told(host.deciding)
    if host.verdict in OPEN:
        return f"{head}>\n      <skipped>{escape(plain(f'{host.verdict}: {text}'))}</skipped>\n    </testcase>"
    failure = f"<failure type={_attribute(rule.id)} message={_attribute(text)}/>"
    return f"{head}>\n      {failure}\n    </testcase>"


def _attribute(text: str) -> str:
    return quoteattr(plain(text))
