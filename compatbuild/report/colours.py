"""Whether what is printed may have colours, by the variables that other programs go by too."""

import os
from typing import TextIO


def coloured(stream: TextIO | None) -> bool:
    """Say whether a stream gets colours.

    ``NO_COLOR`` (https://no-color.org) wins over all; ``FORCE_COLOR`` and ``CLICOLOR_FORCE`` give a pipe colours, and
    ``CLICOLOR=0`` takes them from a terminal (https://bixense.com/clicolors).
    """
    said = os.environ.get
    if said("NO_COLOR"):
        return False
    if said("FORCE_COLOR") or said("CLICOLOR_FORCE", "0") not in {"", "0"}:
        return True
    return bool(stream and stream.isatty()) and said("TERM") != "dumb" and said("CLICOLOR") != "0"
