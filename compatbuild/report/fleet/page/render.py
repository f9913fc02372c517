"""Fill the page's template with a fleet."""

from collections.abc import Iterable
from importlib.resources import files

from compatbuild.fleet.rows import Header, Row
from compatbuild.fleet.tally import WORDS
from compatbuild.report.fleet.page.data import Data
from compatbuild.report.page import render
from compatbuild.report.page.render import Assets, as_it_is, filled

CLASSES = {"compatible": "yes", "depends": "dep", "unknown": "unk", "incompatible": "no", "error": "err"}


def shipped() -> Assets:
    """Read the files beside this module; the style is the matrix's, and what a fleet needs besides."""
    here = files(__package__)
    template, style, script = (
        (here / name).read_text(encoding="utf-8") for name in ("page.html.j2", "page.css", "page.js")
    )
    return Assets(template, Assets.shipped().style + style, script)


def html(header: Header, rows: Iterable[Row], assets: Assets | None = None) -> str:
    """Return the page of a fleet: every image in it, what decides, and who uses it."""
    data = Data.of(header, rows)
    return filled(
        assets or shipped(),
        data=as_it_is(data.script()),
        hosts=len(data.hosts),
        images=data.tally.images,
        counts={word: data.tally.verdicts[word] for word in WORDS[::-1] if data.tally.verdicts[word]},
        meanings={verdict.value: meaning for verdict, meaning in render.MEANINGS.items()},
        classes=CLASSES,
        names=[host.name for host in header.hosts],
        options=header.options,
    )
