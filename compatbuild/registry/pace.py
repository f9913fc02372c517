"""How fast one registry is asked, by everybody who asks it at once: so many requests in flight, and pauses it wants."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

MOST = 8
"""Requests in flight to one host, unless somebody says otherwise: a browser's six and some."""
UNSAID = 1.0
"""Seconds to leave a registry alone that answered 429 (Too Many Requests) without saying for how long."""


class Pace:
    """Lets at most ``most`` requests through at a time, and none before the moment the registry asked for."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._slots = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._free = 0.0

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it for the length of the block."""
        with self._slots:
            while (pause := self._left()) > 0:
                time.sleep(pause)
            yield

    def hold(self, seconds: float) -> None:
        """Let nobody through for so many seconds from now."""
        with self._lock:
            self._free = max(self._free, time.monotonic() + seconds)

    def _left(self) -> float:
        with self._lock:
            return self._free - time.monotonic()
