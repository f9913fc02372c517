"""What ``modprobe`` is asked to load on a command line (modprobe(8))."""

import posixpath
from collections.abc import Sequence

WITH_VALUE = ("-C", "--config", "-d", "--dirname", "-S", "--set-version")
"""Options that take the next word."""


def probed(words: Sequence[str]) -> list[str]:
    """Return the modules that a command line loads: the first word after the options, with ``-a`` every one."""
    if posixpath.basename(words[0]) != "modprobe" or {"-r", "--remove"} & set(words):
        return []
    names, every, arguments = [], False, list(words[1:])
    while arguments:
        word = arguments.pop(0)
        if word in WITH_VALUE:
            del arguments[:1]
        elif word in ("-a", "--all"):
            every = True
        elif not word.startswith("-"):
            names.append(word)
    return names if every else names[:1]
