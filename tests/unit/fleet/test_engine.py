"""Engines: what a dead worker held is done again, and what kills every worker is told."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from compatbuild.errors import FleetError, RegistryError, UsageError
from compatbuild.fleet.cluster import cluster
from compatbuild.fleet.engine import local
from compatbuild.fleet.judging import BUSY, problem_of
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import Reference
from compatbuild.registry.registries import GIVEN_UP, Registries
from compatbuild.registry.retry import ExhaustedError


def square(number: int) -> int:
    return number * number


def die() -> None:
    os._exit(9)


def die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        os._exit(9)
    return "done"


@pytest.mark.parametrize("size", [1, 2])
def test_calls_come_back(size: int) -> None:
    with local(size) as engine, ThreadPoolExecutor(8) as threads:
        assert list(threads.map(lambda one: engine.call(square, one), range(20))) == [one * one for one in range(20)]


def test_what_kills_its_worker_is_told_and_its_neighbours_are_not_blamed(tmp_path: Path) -> None:
    with local(2) as engine, ThreadPoolExecutor(6) as threads:
        bad = threads.submit(engine.call, die)
        late = threads.submit(engine.call, die_once, tmp_path / "mark")
        good = [threads.submit(engine.call, square, one) for one in range(10)]
        with pytest.raises(FleetError, match="the process that worked on it died"):
            bad.result()
        assert late.result() == "done"
        assert [one.result() for one in good] == [one * one for one in range(10)]
        assert engine.call(square, 3) == 9


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.fleet.cluster.CONNECT_SECONDS", 0.2)
    for address in ("tcp://127.0.0.1:1", "nonsense://x"):
        with pytest.raises(FleetError, match="cannot be reached"), cluster(address):
            pass


def test_a_cluster_needs_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(UsageError, match="needs Dask") as raised, cluster("tcp://127.0.0.1:1"):
        pass
    assert "compatbuild[fleet]" in raised.value.remedy


def test_a_host_that_fails_again_and_again_is_not_asked_any_more() -> None:
    registries = Registries(RegistryOptions())
    dead, other = Reference("dead.example", "a"), Reference("other.example", "a")
    failure = ExhaustedError("dead.example cannot be reached", why="refused", unreached=True)
    for _ in range(GIVEN_UP - 1):
        registries.tell(dead, failure)
    registries.tell(dead, None)  # one answer, and the count begins anew
    for _ in range(GIVEN_UP):
        registries.check(dead)
        registries.tell(dead, failure)
    registries.tell(dead, None)  # of a request that was still on its way
    with pytest.raises(RegistryError, match=r"dead\.example cannot be reached") as raised:
        registries.check(dead)
    assert raised.value.why == "refused; it failed 8 times in a row"
    registries.check(other)
    for _ in range(GIVEN_UP):
        registries.tell(other, RegistryError("it answered 400"))
    registries.check(other)


def test_a_registry_that_wants_to_be_left_alone_is_told_as_busy() -> None:
    assert problem_of(ExhaustedError("a", asked=True)).code == BUSY
    assert problem_of(ExhaustedError("a", unreached=True)).code == "registry"
