"""Optional parts: a clear word when one is not installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from compatbuild.errors import SigningError


@contextmanager
def needs(extra: str, purpose: str) -> Iterator[None]:
    """Turn a missing module inside the block into a SigningError that names the extra to install."""
    try:
        yield
    except ImportError as error:
        raise SigningError(
            f"{purpose} needs an optional part of compatbuild that is not installed",
            why=f"there is no module {error.name!r}",
            remedy=f"pip install 'compatbuild[{extra}]'",
        ) from None
