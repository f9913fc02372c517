"""The kernel release and os-release as NFD publishes them.

Sources: node-feature-discovery v0.19.0 ``source/kernel/version.go`` and ``source/system/system.go``.
"""

import re
from collections.abc import Mapping

_FORBIDDEN = re.compile(r"[^-A-Za-z0-9_.]")
_KERNEL = re.compile(r"(?P<major>[0-9]+)(\.(?P<minor>[0-9]+))?(\.(?P<revision>[0-9]+))?(-.*)?")
_VERSION_ID = re.compile(r"(?P<major>[0-9]+)(\.(?P<minor>[0-9]+))?(\..*)?")
_LINE = re.compile(r"(\w+)=(.+)", re.ASCII)


def kernel_version(release: str) -> dict[str, str]:
    """Give the elements of ``kernel.version`` for what ``uname -r`` prints.

    Foreign characters become ``_``, the ends are trimmed, and a release such as ``6.6.57.1-8.azl3`` has ``full`` alone.
    """
    full = _FORBIDDEN.sub("_", release).strip("-_.")
    found = _KERNEL.fullmatch(full)
    return {"full": full} | ({name: value or "" for name, value in found.groupdict().items()} if found else {})


def os_release(fields: Mapping[str, str]) -> dict[str, str]:
    """Give the elements of ``system.osrelease``: the fields, and the parts of a VERSION_ID that is a number."""
    found = _VERSION_ID.fullmatch(fields.get("VERSION_ID", ""))
    parts = found.groupdict() if found else {}
    return {**fields, **{f"VERSION_ID.{name}": value for name, value in parts.items() if value}}


def parse_os_release(text: str) -> dict[str, str]:
    """Read the fields of an os-release file; quotes around a value are dropped, other lines are passed over."""
    found = (_LINE.match(line) for line in text.splitlines())
    return {one[1]: one[2].strip("\"'") for one in found if one}
