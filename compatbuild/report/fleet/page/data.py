"""What the page's script works on: rows as short arrays, and what many of them share once.

Images of one family have the same verdicts for the same reasons: a *pattern* holds those, a verdict a host as a letter
(place in ``WORDS``), and the reasons with the numbers of their hosts. Texts stand once, and are named by number.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from compatbuild.fleet.rows import Header, Row, User
from compatbuild.fleet.tally import WORDS, Tally, rank, word
from compatbuild.report.text import plain

MAX_TEXT = 500
MAX_USERS = 200
"""Users of one image that the page names; the rest are counted."""


@dataclass
class Data:
    """The page's data as it grows; ``tally`` are the counts over all rows."""

    hosts: tuple[str, ...]
    tally: Tally = field(default_factory=Tally)
    _texts: dict[str, int] = field(default_factory=dict)
    _patterns: dict[str, int] = field(default_factory=dict)
    _rows: list[tuple[tuple[int, int, str], str]] = field(default_factory=list)

    @classmethod
    def of(cls, header: Header, rows: Iterable[Row]) -> "Data":
        """Take in all rows; each is kept as the text it becomes."""
        data = cls(tuple(host.name for host in header.hosts))
        numbers = {name: number for number, name in enumerate(data.hosts)}
        for row in rows:
            data.tally.add(row)
            data._rows.append((rank(row), _compact(data._row(row, numbers))))
        data._rows.sort()
        return data

    def script(self) -> str:
        """Return the data as JSON that may stand in an HTML page: no ``<`` is in it."""
        hosts = _compact([plain(name, MAX_TEXT) for name in self.hosts])
        patterns, texts = ",".join(self._patterns), _compact(list(self._texts))
        rows = ",".join(text for _, text in self._rows)
        return f'{{"hosts":{hosts},"texts":{texts},"patterns":[{patterns}],"rows":[{rows}]}}'

    def _row(self, row: Row, numbers: dict[str, int]) -> list[Any]:
        problem = row.error
        error = [self._text(problem.what), self._text(problem.why), self._text(problem.remedy)] if problem else 0
        return [
            WORDS.index(word(row)),
            [plain(name, MAX_TEXT) for name in row.names],
            row.digest,
            [self._text(_called(user)) for user in row.used_by[:MAX_USERS]],
            len(row.used_by),
            self._text(_origin(row)),
            self._text(": ".join(filter(None, (row.signature, row.signature_reason)))),
            self._pattern(row, numbers),
            self._text(row.requirement),
            [self._text(note) for note in row.notes],
            error,
        ]

    def _pattern(self, row: Row, numbers: dict[str, int]) -> int:
        letters = ["?"] * len(self.hosts)
        groups = []
        for group in row.groups:
            at = [numbers[name] for name in group.hosts if name in numbers]
            verdict = WORDS.index(group.verdict)
            for number in at:
                letters[number] = str(verdict)
            told = (group.requirement, group.reason, group.remedy)
            groups.append([verdict, *(self._text(text) for text in told), at])
        return self._patterns.setdefault(_compact(["".join(letters), groups]), len(self._patterns))

    def _text(self, text: str) -> int:
        return self._texts.setdefault(plain(text, MAX_TEXT), len(self._texts))


def _called(user: User) -> str:
    return "/".join(filter(None, (user.namespace, user.workload)))


def _origin(row: Row) -> str:
    if row.origin == "attached":
        return f"attached to the {'index' if row.level == 'index' else 'image'}"
    return {"inferred": "inferred from the image", "none": "none that counts", "error": "not known"}[row.origin]


def _compact(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\x7f", "\\u007f")
