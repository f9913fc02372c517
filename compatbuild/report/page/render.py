"""Fill the page's template: style and script stand in the page, and its policy lets a browser use only these two."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from compatbuild.checking.verdicts import Checked, Verdict
from compatbuild.report.page.contents import contents
from compatbuild.report.text import plain
from compatbuild.version import __version__

MEANINGS = {
    Verdict.COMPATIBLE: "it runs there",
    Verdict.DEPENDS: "on what a node has loaded by then, or on hardware and drivers, of which an operating system says "
    "nothing",
    Verdict.UNKNOWN: "nobody knows: the host does not tell",
    Verdict.INCOMPATIBLE: "it does not run there",
}
"""What docs/check.md says of each verdict, in short."""


@dataclass(frozen=True, slots=True)
class Assets:
    """The parts of a page that are files of this package."""

    template: str
    style: str
    script: str

    @classmethod
    def shipped(cls) -> "Assets":
        """Read the files beside this module."""
        here = files(__package__)
        return cls(*((here / name).read_text(encoding="utf-8") for name in ("page.html.j2", "page.css", "page.js")))


def html(checked: Sequence[Checked], assets: Assets | None = None) -> str:
    """Return the page: images by hosts, and why.

    Every text that comes from images, hosts and specifications is escaped and its control characters are written out.
    """
    return filled(
        assets or Assets.shipped(),
        meanings={verdict.value: meaning for verdict, meaning in MEANINGS.items()},
        page=contents(checked),
    )


def filled(assets: Assets, **values: Any) -> str:
    """Fill a page's template; texts among the values are escaped, and their control characters are written out."""
    page: str = _template(assets.template).render(
        policy=policy(assets),
        style=as_it_is(assets.style),
        script=as_it_is(assets.script),
        version=__version__,
        **values,
    )
    return page


def policy(assets: Assets) -> str:
    """Return the Content-Security-Policy (W3C CSP 3): nothing is loaded, and only this style and this script count."""
    return (
        f"default-src 'none'; style-src '{_hash(assets.style)}'; script-src '{_hash(assets.script)}'; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def as_it_is(text: str) -> Any:
    """Return a text that is put into a page as it is: a file of this package, or data in which no markup can be."""
    from markupsafe import Markup  # noqa: PLC0415 - comes with jinja2

    return Markup(text)  # noqa: S704 - see above; scripts run by the hashes of the policy only


def _template(text: str) -> Any:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - only this output needs it

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(text)


def _visible(value: object) -> object:
    """Write out the control characters of every text that is put into the page, before it is escaped."""
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
