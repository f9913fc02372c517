"""Ranges of versions as regular expressions, for ``kernel.version`` whose releases NFD cannot compare as versions.

``type: version`` on ``kernel.version.full`` ends NFD's run with an error on every RHEL (``.el9_4.x86_64`` has an
underscore), Amazon Linux, Azure Linux, WSL2 and Debian 13; ``major`` and ``minor`` are absent on half of those. A
pattern on ``full`` is right on all of them and never an error. Only literals, classes, groups, alternation, counted
repetition and anchors are used, which mean the same to every engine.
"""

from compatbuild.nfd.ranges import ZERO, Range

_ENDS = "([^0-9]|$)"  # the number ends here; whatever follows does not count
_LAST = r"([^0-9.]|\.[^0-9]|\.?$)"  # the number ends here and none follows: those missing are zero


def version_pattern(range_: Range) -> str:
    """Give a pattern that is found exactly in the texts whose leading version is in the range.

    It agrees with ``Range.contains`` on every text whose numbers have no leading zeros, as in all kernel releases.
    """
    alternatives = [part for each in range_.intervals for part in _numbers(each.low, each.high)]
    return f"^({'|'.join(alternatives)})"


def number_pattern(low: int, high: int | None) -> str:
    """Give a pattern of the decimal numbers from ``low`` to ``high``, both included; without end when None."""
    top = 10 ** len(str(low)) - 1 if high is None else high
    pieces = []
    while low <= top:
        end = min(top, 10 ** len(str(low)) - 1)
        pieces += _same_length(str(low), str(end))
        low = end + 1
    if high is None:
        pieces.append(f"[1-9]{_digits(len(str(top)), more=True)}")
    return pieces[0] if len(pieces) == 1 else f"({'|'.join(pieces)})"


def _numbers(low: tuple[int, ...], high: tuple[int, ...] | None) -> list[str]:
    """Give patterns of the numbers from ``low`` on and below ``high``, and of what may follow them.

    The first number of each is next in the text; those after it follow behind dots.
    """
    first, *rest = low
    if high is not None and first == high[0]:
        return [_behind(first, part) for part in _rest(tuple(rest), tuple(high[1:]))]
    whole = not any(rest)  # every version that begins with the first number is in
    parts = [] if whole else [_behind(first, part) for part in _rest(tuple(rest), None)]
    start, end = first + (not whole), None if high is None else high[0] - 1
    if end is None or start <= end:
        parts.append(number_pattern(start, end) + _ENDS)
    if high is not None and any(high[1:]):
        parts += [_behind(high[0], part) for part in _rest(ZERO[: len(rest)], tuple(high[1:]))]
    return parts


def _rest(low: tuple[int, ...], high: tuple[int, ...] | None) -> list[str]:
    parts = [rf"\.{part}" for part in _numbers(low, high)]
    return parts if any(low) else [*parts, _LAST]


def _behind(number: int, part: str) -> str:
    return f"{number}{part}"


def _same_length(low: str, high: str) -> list[str]:
    """Give patterns of the numbers between two of as many digits."""
    if not low:
        return [""]
    tail = len(low) - 1
    if low[0] == high[0]:
        return [low[0] + piece for piece in _same_length(low[1:], high[1:])]
    pieces, start, end = [], int(low[0]), int(high[0])
    if low[1:].strip("0"):
        pieces += [low[0] + piece for piece in _same_length(low[1:], "9" * tail)]
        start += 1
    upper = []
    if high[1:].strip("9"):
        upper = [high[0] + piece for piece in _same_length("0" * tail, high[1:])]
        end -= 1
    middle = [_class(start, end) + _digits(tail)] if start <= end else []
    return [*pieces, *middle, *upper]


def _class(low: int, high: int) -> str:
    return str(low) if low == high else f"[{low}-{high}]"


def _digits(count: int, *, more: bool = False) -> str:
    if more:
        return "[0-9]+" if count == 1 else f"[0-9]{{{count},}}"
    return {0: "", 1: "[0-9]"}.get(count, f"[0-9]{{{count}}}")
