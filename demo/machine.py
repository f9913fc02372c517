"""What the demo asks of the machine it runs on, and how it says no."""

import os
import platform
import sys

from compatbuild.errors import CompatError


class DemoError(CompatError):
    """The demo cannot be assembled here: wrong machine, no package index, a library that is missing."""

    code = "demo"


def require_platform() -> None:
    """Raise DemoError unless this is Linux on x86-64 with the GNU C library, which the pinned wheels are built for."""
    libc = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
    if sys.platform == "linux" and platform.machine() == "x86_64" and libc:
        return
    raise DemoError(
        "The demo's image cannot be assembled on this machine",
        why=f"its wheels are built for Linux on x86-64 with glibc; this is {platform.platform()}",
        remedy="Run make demo on such a machine; compatbuild itself works on any image: compatbuild infer --help",
    )
