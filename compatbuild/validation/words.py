"""Words for people: near names, and texts of unknown length."""

import difflib
from collections.abc import Iterable

MAX_SHOWN = 60
"""Characters of an author's text quoted in a message."""

_CUTOFF = 0.75  # difflib's ratio; 0.6, its default, calls `mode` and `model_name` near


def shown(text: str) -> str:
    """Quote a text for a message: printable, on one line, not too long."""
    cut = text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"
    return "`" + "".join(char if char.isprintable() else "�" for char in cut) + "`"


def nearest(word: str, names: Iterable[str]) -> str | None:
    """Return the name that ``word`` is probably a slip of, or None. Case, ``-``, ``_`` and ``.`` do not count."""
    if len(word) > 2 * MAX_SHOWN:
        return None
    folded = {_fold(name): name for name in sorted(names, reverse=True)}
    close = difflib.get_close_matches(_fold(word), folded, n=1, cutoff=_CUTOFF)
    return folded[close[0]] if close else None


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return `` (did you mean `X`?)``, or nothing when no name is near."""
    near = nearest(word, names)
    return f" (did you mean {shown(near)}?)" if near is not None else ""


def listed(names: Iterable[str]) -> str:
    """Return names as a list in a sentence."""
    return ", ".join(f"`{name}`" for name in names)


def _fold(word: str) -> str:
    return word.casefold().replace("-", "").replace("_", "").replace(".", "")
