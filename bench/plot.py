"""A plot for the README: an inference in multiples of what decompressing the layers takes, as SVG.

It is readable on a light and on a dark page, and needs no font and no script.
"""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from bench.images import INFER, WARM

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 760, 170, 150, 64, 34
BAR, GAP = 12, 14
MOST = 12.0
"""Multiples shown; a bar that is longer ends there, and its label says how long it would be."""
LEAST_BARS, MOST_BARS = 2, 4
TIMES = "\u00d7"
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.quiet { fill: #59636e; }
.title { font-size: 14px; font-weight: 600; }
.axis { stroke: #d1d9e0; }
.one { stroke: #1f2328; stroke-dasharray: 3 3; }
.bar0 { fill: #0969da; } .bar1 { fill: #afb8c1; } .bar2 { fill: #8c959f; } .bar3 { fill: #d0a215; }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc; } .quiet { fill: #9198a1; } .axis { stroke: #3d444d; } .one { stroke: #f0f6fc; }
.bar0 { fill: #4493f8; } .bar1 { fill: #656c76; } .bar2 { fill: #474e57; } .bar3 { fill: #e3b341; }
}
"""


def svg(measured: Sequence[Mapping[str, Any]]) -> str:
    """Return the plot of images as ``Measured.as_json`` gives them."""
    bars = _bars(measured)
    most = min(MOST, max(_times(one, name) for one in measured for name in bars if name in one["medians"]))
    scale = (WIDTH - LEFT - RIGHT) / most
    parts = [_key(bars)]
    top = TOP
    rows = []
    for one in measured:
        rows.append(_group(one, bars, top, scale, most))
        top += max(LEAST_BARS, sum(name in one["medians"] for name in bars)) * BAR + GAP
    parts += [_axis(top, scale, most), *rows]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + BOTTOM}" width="{WIDTH}" '
        f'height="{top + BOTTOM}" role="img" aria-label="Inference in multiples of decompression">\n'
        f"<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _bars(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the commands that are shown: ours, and others but the yardstick and what is the same in Python."""
    rulers = {one["yardstick"] for one in measured} | {"isal in Python", "zstd in Python"}
    others = dict.fromkeys(name for one in measured for name in one["medians"])
    return [INFER, *(name for name in others if name not in {INFER, WARM, *rulers})][:MOST_BARS]


def _times(one: Mapping[str, Any], name: str) -> float:
    return float(one["medians"][name]["wall"] / one["medians"][one["yardstick"]]["wall"])


def _group(one: Mapping[str, Any], bars: Sequence[str], top: float, scale: float, most: float) -> str:
    """Return the bars of one image, with its name on the left and figures on the right."""
    parts = [
        _text(LEFT - 10, top + 10, one["image"], "end"),
        _text(LEFT - 10, top + 24, f"{one['plain'] / 1e6:,.0f} MB", "end", "quiet"),
    ]
    at = top
    for number, name in enumerate(bars):
        if name not in one["medians"]:
            continue
        times = _times(one, name)
        width = min(times, most) * scale
        parts.append(f'<rect class="bar{number}" x="{LEFT}" y="{at}" width="{width:.1f}" height="{BAR - 2}"/>')
        told = f"{times:.1f} {TIMES}"
        if name == INFER:
            told += f": {one['medians'][name]['wall']:.2f} s, {one['medians'][name]['memory']:.0f} MB"
        parts.append(_text(LEFT + width + 6, at + 9, told, "start", "" if name == INFER else "quiet"))
        at += BAR
    return "\n".join(parts)


def _key(bars: Sequence[str]) -> str:
    parts = [_text(12, 22, "Wall time in multiples of decompressing the layers with igzip (zstd: zstd)", css="title")]
    at = 12.0
    for number, name in enumerate(bars):
        told = "compatbuild infer" if name == INFER else name
        parts.append(f'<rect class="bar{number}" x="{at}" y="36" width="10" height="10"/>')
        parts.append(_text(at + 15, 45, told))
        at += 40 + 7 * len(told)
    return "\n".join(parts)


def _axis(bottom: float, scale: float, most: float) -> str:
    parts = []
    for times in range(int(most) + 1):
        x = LEFT + times * scale
        css = "one" if times == 1 else "axis"
        parts.append(f'<line class="{css}" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{bottom}"/>')
        parts.append(_text(x, bottom + 16, f"{times} {TIMES}" if times else "0", "middle", "quiet"))
    return "\n".join(parts)


def _text(x: float, y: float, content: str, anchor: str = "start", css: str = "") -> str:
    attribute = f' class="{css}"' if css else ""
    return f'<text{attribute} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(content)}</text>'
