"""A JSON object with a long list in it, read entry by entry: what is in memory is one entry, not the document.

Format: RFC 8259 in UTF-8, without what Python takes beyond it (NaN, a byte order mark), and with no key twice.
"""

import codecs
import json
import re
from collections.abc import Iterator
from typing import Any

from compatbuild.errors import ImageError

MAX_VALUE = 1024 * 1024
"""Characters of one entry; what a file has most of, its extended attributes, Linux keeps below 64 KiB."""
REFILL = 256 * 1024
"""Characters read at once, where there are so many."""
_LETTER = re.compile(r"[^ \t\n\r]")


class JsonStream:
    """The text of a document that arrives in pieces; ImageError (its ``what`` is a cause) when it is malformed.

    ``fields`` are those of the document that have been passed, without the list.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._values = json.JSONDecoder(object_pairs_hook=_unique_keys, parse_constant=_no_number)
        self._text = ""
        self._at = 0
        self._ended = False
        self.fields: dict[str, Any] = {}

    def entries(self, name: str) -> Iterator[Any]:
        """Yield what the list of that name holds, in order."""
        self._next("{")
        while True:
            key = self._value()
            if not isinstance(key, str) or key in self.fields:
                raise ImageError("it is not JSON, or has a key twice")
            self._next(":")
            self.fields[key] = None
            if key == name:
                yield from self._list()
            else:
                self.fields[key] = self._value()
            if self._next(",}") == "}":
                break
        if self._peek():
            raise ImageError("it goes on after its end")

    def _list(self) -> Iterator[Any]:
        self._next("[")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self._value()
            if self._next(",]") == "]":
                return

    def _value(self) -> Any:
        """Return the next value, reading on until all of it is there."""
        self._peek()
        while True:
            try:
                value, end = self._values.raw_decode(self._text, self._at)
            except (ValueError, RecursionError) as error:
                if self._ended or len(self._text) - self._at > MAX_VALUE or isinstance(error, RecursionError):
                    raise ImageError("it is not JSON, or an entry of it is too long") from error
            else:
                if end < len(self._text) or self._ended:  # a number that ends with the text may go on
                    self._at = end
                    return value
            self._refill()

    def _next(self, letters: str) -> str:
        """Take the next character that is no blank; it has to be one of some."""
        letter = self._peek()
        if not letter or letter not in letters:
            raise ImageError(f"it is not JSON: {letters!r} was expected")
        self._at += 1
        return letter

    def _peek(self) -> str:
        """Return the next character that is no blank, and stop before it; nothing at the end."""
        while True:
            found = _LETTER.search(self._text, self._at)
            self._at = found.start() if found else len(self._text)
            if found or self._ended:
                return self._text[self._at : self._at + 1]
            self._refill()

    def _refill(self) -> None:
        """Read on, dropping what is behind."""
        parts, length = [self._text[self._at :]], 0
        self._at = 0
        try:
            while length < REFILL and not self._ended:
                piece = next(self._pieces, None)
                self._ended = piece is None
                parts.append(self._utf8.decode(piece or b"", final=self._ended))
                length += len(parts[-1])
        except UnicodeDecodeError as error:
            raise ImageError("it is not UTF-8") from error
        self._text = "".join(parts)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        raise ImageError("an entry of it has a key twice")
    return document


def _no_number(name: str) -> float:
    raise ImageError(f"{name} is no number")
