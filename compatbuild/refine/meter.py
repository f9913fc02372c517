"""What one rendering may cost: a template from a pull request runs in somebody's build."""

from collections.abc import Iterable, Iterator
from typing import Any

from compatbuild.errors import TemplateError

MAX_STEPS = 20_000
"""Turns of loops and calls, in all."""

MAX_PRINTED = 256 * 1024
"""Characters printed, those kept in variables and thrown away included."""

MAX_LENGTH = 64 * 1024
"""Characters or items of one value that a template computes."""

MAX_BITS = 64
"""Of a number that a template computes."""


class Meter:
    """Counts, and stops a template that goes over a limit."""

    def __init__(self) -> None:
        self._steps = 0
        self._printed = 0

    def step(self) -> None:
        """Count a call or a turn of a loop."""
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise _over(f"it takes more than {MAX_STEPS:,} steps")

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        """Count the turns of a loop."""
        for item in items:
            self.step()
            yield item

    def printed(self, text: str) -> str:
        """Count what is printed."""
        self._printed += len(text)
        if self._printed > MAX_PRINTED:
            raise _over(f"it prints more than {MAX_PRINTED:,} characters")
        return text

    def length(self, size: int) -> None:
        """Check the length of a value before it is made."""
        if size > MAX_LENGTH:
            raise _over(f"it computes a value of more than {MAX_LENGTH:,} characters or items")

    def sized(self, value: Any) -> Any:
        """Check a computed value."""
        if isinstance(value, str | list | tuple | dict):
            self.length(len(value))
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise _over(f"it computes a number of more than {MAX_BITS} bits")
        return value


def _over(why: str) -> TemplateError:
    return TemplateError("the template was stopped", why=why, remedy="simplify it; a template prints a page of YAML")
