"""``dkms.conf``: which modules a source tree builds on the host it comes to, and which kernels it refuses (dkms(8)).

The file is a shell script. Only its plain assignments count; what stands inside ``if``, ``case`` or a loop depends on
the kernel it is built for, and nothing is evaluated but ``$NAME`` of an assignment above.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from compatbuild.image.interests import FileInterest

INTEREST = FileInterest("/usr/src/*/dkms.conf")
"""Where dkms looks for source trees."""

MAX_LINES = 5_000
"""Lines read of one file; lttng-modules has the longest with some four hundred."""
MAX_ITEMS = 200
"""Modules and options taken from one file."""
MAX_TEXT = 200
"""Characters of a value that is taken."""

_ASSIGNMENT = re.compile(r"([A-Z_]{1,40})(?:\[[^\]]{0,20}\])?=(.*)", re.DOTALL)
_VARIABLE = re.compile(r"\$(?:\{(\w{1,40})\}|(\w{1,40}))")
_OPTION = re.compile(r"(!?)(?:CONFIG_)?([A-Za-z0-9_]{1,64})")
_REQUIRES = re.compile(r"BUILD_EXCLUSIVE_KERNEL=\"REQUIRES CONFIG_([A-Za-z0-9_]{1,64})")
"""How Debian's files refuse a kernel without an option: a pattern that no release matches."""

_VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){0,2}")
_MODULE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OPENS = frozenset("if case for while until".split())
_CLOSES = frozenset("fi esac done".split())


@dataclass(frozen=True, slots=True)
class DkmsConf:
    """One source tree.

    ``options`` says of a kernel option (without ``CONFIG_``) whether it must be set or must not; ``conditional`` are
    options that some kernels must have. ``kernel_min`` and ``kernel_max`` bound the kernels it builds for, both
    included, empty without a bound.
    """

    name: str
    version: str = ""
    modules: tuple[str, ...] = ()
    options: Mapping[str, bool] = field(default_factory=dict)
    conditional: tuple[str, ...] = ()
    kernel_min: str = ""
    kernel_max: str = ""


def parse(content: bytes) -> DkmsConf:
    """Read a file; what is no plain assignment is passed over."""
    text = content.decode("utf-8", "replace")
    values: dict[str, str] = {}
    modules: list[str] = []
    for name, words in _assignments(text):
        value = _expanded(words, values)
        if value is None:
            continue
        if name == "BUILT_MODULE_NAME" and _MODULE.fullmatch(value):
            modules.append(value)
        values[name] = value
    return DkmsConf(
        name=values.get("PACKAGE_NAME", ""),
        version=values.get("PACKAGE_VERSION", ""),
        modules=tuple(dict.fromkeys(modules))[:MAX_ITEMS],
        options=_options(values.get("BUILD_EXCLUSIVE_CONFIG", "")),
        conditional=tuple(dict.fromkeys(match[1] for match in _REQUIRES.finditer(text)))[:MAX_ITEMS],
        kernel_min=_version(values.get("BUILD_EXCLUSIVE_KERNEL_MIN", "")),
        kernel_max=_version(values.get("BUILD_EXCLUSIVE_KERNEL_MAX", "")),
    )


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the assignments that are made whatever the kernel, one a line, as names and the words assigned."""
    depth = 0
    for line in text.replace("\\\n", " ").splitlines()[:MAX_LINES]:
        words = line.strip().split(None, 1)
        first = words[0].rstrip(";") if words else ""
        depth += (first in _OPENS) - (first in _CLOSES)
        if first in _OPENS and line.rstrip().endswith(tuple(_CLOSES)):  # all on one line
            depth -= 1
        match = _ASSIGNMENT.match(line.strip())
        if match is not None and depth <= 0:
            yield match[1], match[2]


def _expanded(value: str, known: Mapping[str, str]) -> str | None:
    """Return the first word of a value with its variables put in; None if it needs a shell, or is too long."""
    try:
        words = shlex.split(value[: 4 * MAX_TEXT], comments=True)
    except ValueError:
        return None
    text = _VARIABLE.sub(lambda m: known.get(m[1] or m[2], m[0]), words[0] if words else "")
    return text if len(text) <= MAX_TEXT and "$" not in text and "`" not in text and text.isprintable() else None


def _options(text: str) -> dict[str, bool]:
    found = [match for word in text.split()[:MAX_ITEMS] if (match := _OPTION.fullmatch(word))]
    return {match[2]: not match[1] for match in found}


def _version(text: str) -> str:
    match = _VERSION.match(text)
    return match[0] if match else ""
