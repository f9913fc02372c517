"""A badge for a README: on how many of the hosts that were asked about an image runs, as one small SVG."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

from compatbuild.checking.verdicts import Checked, Verdict, worst
from compatbuild.report.counts import told
from compatbuild.report.text import plain

LABEL = "runs on"
NOUNS = {"profile": ("OS", "OSes"), "node": ("node", "nodes"), "features": ("node", "nodes")}
GOOD, MIXED, BAD = "#0b5a4b", "#7a4f00", "#a63603"
"""White text has a contrast of at least 4.5 on each (WCAG 2.1, 1.4.3); what they say stands in words too."""

LETTER = 6.3  # units a letter is wide at 11 units; textLength makes every font keep to it
PAD = 8
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" viewBox="0 0 {width} 20" role="img" \
aria-label="{title}">
<title>{title}</title>
<clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#3b4148"/><rect x="{left}" width="{right}" height="20" \
fill="{colour}"/></g>
<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11">
<text x="{middle}" y="14" textLength="{label_length}">{label}</text>
<text x="{centre}" y="14" textLength="{message_length}">{message}</text>
</g>
</svg>
"""


def badge(checked: Sequence[Checked]) -> str:
    """Return the badge; of several images, a host counts by the worst of its verdicts."""
    verdicts = [worst(*(host.verdict for host in hosts)) for hosts in zip(*(one.hosts for one in checked), strict=True)]
    counts = {verdict: verdicts.count(verdict) for verdict in reversed(Verdict) if verdict in verdicts}
    message = _message(counts, _noun(checked, len(verdicts)))
    names = plain(checked[0].subject.name, 100) if len(checked) == 1 else f"{len(checked)} images"
    title = f"{names} {'runs' if len(checked) == 1 else 'run'} on {message}: {told(counts)}"
    return _draw(message, title, _colour(counts))


def _noun(checked: Sequence[Checked], number: int) -> str:
    nouns = {NOUNS.get(host.kind, ("host", "hosts")) for one in checked for host in one.hosts}
    singular, plural = nouns.pop() if len(nouns) == 1 else ("host", "hosts")
    return singular if number == 1 else plural


def _message(counts: Mapping[Verdict, int], noun: str) -> str:
    """Say on how many hosts it runs; where it depends on the node, that it may be more."""
    sure = counts.get(Verdict.COMPATIBLE, 0)
    possible = sure + counts.get(Verdict.DEPENDS, 0)
    number = f"{sure}" if possible == sure else f"{sure} to {possible}" if sure else f"up to {possible}"
    return f"{number} of {sum(counts.values())} {noun}"


def _colour(counts: Mapping[Verdict, int]) -> str:
    if set(counts) <= {Verdict.COMPATIBLE}:
        return GOOD
    return BAD if set(counts) <= {Verdict.INCOMPATIBLE} else MIXED


def _draw(message: str, title: str, colour: str) -> str:
    label_length, message_length = (round(LETTER * len(text)) for text in (LABEL, message))
    left, right = label_length + 2 * PAD, message_length + 2 * PAD
    return SVG.format(
        width=left + right,
        left=left,
        right=right,
        middle=left / 2,
        centre=left + right / 2,
        label=LABEL,
        label_length=label_length,
        message=message,
        message_length=message_length,
        title=escape(title, {'"': "&quot;"}),
        colour=colour,
    )
