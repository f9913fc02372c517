"""Text from images and registries, made safe to show."""

import unicodedata

_ESCAPED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move a cursor, reorder text or show nothing: controls, formats (bidi), separators."""


def plain(text: str, limit: int = 2000) -> str:
    """Return a text on one line with control and bidirectional characters written as escapes, cut at ``limit``."""
    if len(text) <= limit and text.isprintable():  # which no text with a character of those categories is
        return text
    shown = "".join(
        char if unicodedata.category(char) not in _ESCAPED_CATEGORIES else char.encode("unicode_escape").decode()
        for char in text[: limit + 1]
    )
    return shown if len(text) <= limit else f"{shown[: limit - 1]}…"


def short_digest(digest: str) -> str:
    """Return a digest as people compare it: algorithm and twelve digits."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}" if value else digest
