"""Versions of packages, as detectors compare them."""

import re

_UPSTREAM = re.compile(r"(?:\d{1,9}:)?v?(\d{1,9}(?:\.\d{1,9})*)")


def upstream(version: str) -> str:
    """Return the numbers that the makers of the software gave it: ``4.1.4`` of ``1:4.1.4-3+b1``; empty without any."""
    match = _UPSTREAM.match(version)
    return match[1] if match else ""


def at_least(version: str, floor: str) -> bool:
    """Say whether a package's version is ``floor`` (``5.0``) or later, by its numbers."""
    return _numbers(upstream(version)) >= _numbers(floor)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".") if number]
