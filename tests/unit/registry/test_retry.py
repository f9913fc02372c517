from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from compatbuild.errors import RegistryError
from compatbuild.registry import retry
from compatbuild.registry.retry import (
    ASKED_BUDGET,
    BUDGET,
    TRIES,
    UNREACHED_BUDGET,
    TransientError,
    retry_after,
    retrying,
)


class Clock:
    """A clock that only sleeping, and work of ``cost`` seconds, moves."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now = 0.0
        self.cost = cost
        self.tries = 0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def failing(clock: Clock, asked: float | None = None, good: int = 1 << 30, *, unreached: bool = False) -> str:
    clock.tries += 1
    clock.now += clock.cost
    if clock.tries >= good:
        return "done"
    raise TransientError("it", why="it broke", asked=asked, unreached=unreached)


def run(
    monkeypatch: pytest.MonkeyPatch,
    clock: Clock,
    asked: float | None = None,
    good: int = 1 << 30,
    *,
    unreached: bool = False,
) -> str:
    monkeypatch.setattr(retry, "time", clock)
    monkeypatch.setattr(retry, "FIRST_PAUSE", 0.2)
    return retrying(lambda: failing(clock, asked, good, unreached=unreached))


def test_it_is_tried_until_it_works(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    assert run(monkeypatch, clock, good=3) == "done"
    assert clock.tries == 3


def test_a_dead_registry_is_known_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for cost in (0.0, 1.0, 10.0, 60.0):
        clock = Clock(cost)
        with pytest.raises(RegistryError, match="it") as caught:
            run(monkeypatch, clock)
        assert not isinstance(caught.value, TransientError)
        assert clock.now <= BUDGET + max(cost, 1.0)
        assert 1 <= clock.tries <= TRIES


def test_one_that_never_answered_is_known_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    for cost in (0.0, 1.0, 3.0):
        clock = Clock(cost)
        with pytest.raises(RegistryError):
            run(monkeypatch, clock, unreached=True)
        assert clock.now <= UNREACHED_BUDGET + max(cost, 1.0)


def test_the_number_of_tries_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RegistryError) as caught:
        run(monkeypatch, Clock())
    assert caught.value.why == f"it broke (tried {TRIES} times)"


def test_the_registrys_wish_is_obeyed_within_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    assert run(monkeypatch, clock, asked=30.0, good=4) == "done"
    assert clock.now == 90
    clock = Clock()
    with pytest.raises(RegistryError):
        run(monkeypatch, clock, asked=60.0)
    assert clock.now <= ASKED_BUDGET


def test_retry_after() -> None:
    assert retry_after("3") == 3
    assert retry_after("99999999999999999999") == 60
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 15 < (retry_after(soon) or 0) <= 20
    assert retry_after(format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)) == 0
    for nonsense in (None, "", "soon", "-1", "²", "Mon, 99 Foo 2026"):
        assert retry_after(nonsense) is None
