"""What the readers of RPM's database formats have in common: the cap on a header, and how they give up."""

from compatbuild.image.limits import MIB

MAX_HEADER = 32 * MIB
"""Bytes of one header; rpm's own limit is 256 MiB, the largest real ones (kernel packages) have 2."""


class UnreadableError(Exception):
    """A database that cannot be read, or not to its end, and why; what was yielded before stands."""
