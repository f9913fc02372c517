"""Values printed by a template, put into its YAML the way parameters are put into an SQL statement.

While a template renders, a printed text leaves only a mark. When the text is complete, YAML's own parser finds the
scalars that hold marks, and each is written anew, quoted, with the values in place. So a value is never parsed: no
package name, label or branch can end a string, open a comment or add a key, whichever quotes the author wrote.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Any

import yaml

from compatbuild.errors import TemplateError
from compatbuild.refine.quoting import quote

_OPEN, _CLOSE = "\ue000", "\ue001"  # private use: allowed in any YAML scalar, and no syntax


class Parameters:
    """The values of one rendering. Marks hold a number that no text from outside can guess."""

    def __init__(self) -> None:
        # Digits only: filters that change case leave a mark as it is.
        self._nonce = str(secrets.randbits(64))
        self._values: list[str] = []
        self._blocks: dict[int, str] = {}
        self._mark = re.compile(f"{_OPEN}{self._nonce}:([0-9]+){_CLOSE}")

    def value(self, text: str) -> str:
        """Return the mark that stands for a text."""
        self._values.append(text)
        return f"{_OPEN}{self._nonce}:{len(self._values) - 1}{_CLOSE}"

    def block(self, text: str) -> str:
        """Return the mark that stands for lines of YAML of our own making, to be indented as the mark is."""
        mark = self.value("")
        self._blocks[len(self._values) - 1] = text
        return mark

    def fill(self, rendered: str) -> str:
        """Return the rendered text with all values in place; TemplateError when it is not YAML."""
        lines = "".join(self._with_blocks(line) for line in rendered.splitlines(keepends=True))
        try:
            spans = list(self._spans(lines))
        except yaml.MarkedYAMLError as error:
            raise _not_yaml(error, self._as_comments(lines)) from error
        except yaml.YAMLError as error:
            raise TemplateError("the template prints no YAML", why=str(error), remedy="correct the template") from error
        for start, end, written in reversed(spans):
            lines = lines[:start] + written + lines[end:]
        return self._as_comments(lines)

    def _with_blocks(self, line: str) -> str:
        mark = self._mark.search(line)
        if mark is None or int(mark[1]) not in self._blocks:
            return line
        before, after = line[: mark.start()], line[mark.end() :]
        if before.strip() or after.strip():
            raise TemplateError(
                "a list of requirements must stand on a line of its own",
                why=f"there is other text on its line: {self._as_comments(line).strip()[:80]}",
                remedy="put {{ … | yaml_list }} on a line of its own, or print {{ … }} without yaml_list",
            )
        return "".join(f"{before}{item}\n" for item in self._blocks[int(mark[1])].splitlines())

    def _spans(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and new text of every scalar that holds a mark."""
        for event in yaml.parse(text, Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader)):
            if isinstance(event, yaml.ScalarEvent) and self._mark.search(event.value):
                start, end = _index(event.start_mark), _index(event.end_mark)
                # A block scalar ends where the next thing begins.
                tail = "\n" if event.style in {"|", ">"} else ""
                yield start, end, quote(self._mark.sub(self._value_of, event.value)) + tail

    def _as_comments(self, text: str) -> str:
        """Fill in what is left: outside of scalars only comments can hold a mark."""
        return self._mark.sub(lambda mark: _one_line(self._value_of(mark)), text)

    def _value_of(self, mark: re.Match[str]) -> str:
        return self._values[int(mark[1])]


def _index(mark: Any) -> int:
    """Return the offset, in characters, that libyaml and PyYAML both count."""
    return int(mark.index)


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text)


def _not_yaml(error: yaml.MarkedYAMLError, text: str) -> TemplateError:
    mark = error.problem_mark or error.context_mark
    problem = "; ".join(part for part in (error.context, error.problem) if part)
    lines = text.splitlines()
    if mark is None or mark.line >= len(lines):
        return TemplateError("the template prints no YAML", why=problem, remedy="correct the template")
    why = f"{problem}, in line {mark.line + 1} of what it prints: {lines[mark.line].strip()[:120]}"
    return TemplateError("the template prints no YAML", why=why, remedy="correct the template")
