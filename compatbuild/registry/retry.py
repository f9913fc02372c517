"""Trying again: which failures, how often, and how long all of it may take.

Only what is safe and may help is repeated: a broken connection, and the answers 408, 425, 429, 500, 502, 503 and 504.
A failed authentication, a refused certificate and every other answer are final.
"""

import email.utils
import random
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from compatbuild.errors import RegistryError

RETRY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})
TRIES = 6
FIRST_PAUSE = 0.2
"""Seconds; doubled with every try, and drawn at random below that (full jitter)."""
LONGEST_PAUSE = 8.0
BUDGET = 12.0
"""Seconds after which nothing is tried again, the waits a registry asked for left out."""
UNREACHED_BUDGET = 4.0
"""The same where there has been no connection at all: a dead registry is known in less than 10."""
LONGEST_ASKED = 60.0
"""Seconds a single ``Retry-After`` is obeyed for."""
ASKED_BUDGET = 180.0
"""Seconds all ``Retry-After`` of one request are obeyed for."""

T = TypeVar("T")


class ExhaustedError(RegistryError):
    """A registry that failed as often as was tried.

    ``asked`` tells that it wanted to be left alone for longer than anybody waits, ``unreached`` that it never answered.
    """

    def __init__(
        self, what: str, *, why: str = "", remedy: str = "", asked: bool = False, unreached: bool = False
    ) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.asked = asked
        self.unreached = unreached


class TransientError(RegistryError):
    """A failure worth another try.

    ``asked`` is the wait in seconds that the registry asked for, if it did; ``unreached`` says that it never answered.
    """

    def __init__(
        self, what: str, *, why: str = "", remedy: str = "", asked: float | None = None, unreached: bool = False
    ) -> None:
        super().__init__(what, why=why, remedy=remedy)
        self.asked = asked
        self.unreached = unreached


def retrying(attempt: Callable[[], T], tries: int = TRIES) -> T:
    """Call ``attempt`` until it returns or the budgets are used up; then RegistryError says how often it was tried."""
    start = time.monotonic()
    waited = 0.0
    for count in range(1, tries + 1):
        try:
            return attempt()
        except TransientError as failure:
            pause = _pause(failure, count)
            spent = time.monotonic() - start - waited
            budget = UNREACHED_BUDGET if failure.unreached else BUDGET
            spent_up = spent + pause > budget if failure.asked is None else waited + pause > ASKED_BUDGET
            if count == tries or spent_up:
                why = f"{failure.why} (tried {count} times)" if count > 1 else failure.why
                asked, unreached = failure.asked is not None, failure.unreached
                raise ExhaustedError(
                    failure.what, why=why, remedy=failure.remedy, asked=asked, unreached=unreached
                ) from failure
            time.sleep(pause)
            waited += pause if failure.asked is not None else 0.0
    raise ValueError("tries must be at least 1")


def retry_after(header: str | None) -> float | None:
    """Return the seconds of a ``Retry-After`` header (RFC 9110 §10.2.3), capped; None without a usable one."""
    if not header:
        return None
    if header.isascii() and header.isdigit():
        return min(float(header[:10]), LONGEST_ASKED)
    try:
        moment = email.utils.parsedate_to_datetime(header)
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_ASKED)


def _pause(failure: TransientError, count: int) -> float:
    if failure.asked is not None:
        return failure.asked
    # Jitter keeps clients apart; it is no secret.
    return random.uniform(0, min(FIRST_PAUSE * 2 ** (count - 1), LONGEST_PAUSE))  # noqa: S311
