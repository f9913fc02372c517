"""Many processes attach to one image at the same moment, where the list of what is attached is a tag anyone rewrites."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from tests.integration.slow import slow
from tests.integration.writers import at_once, attach_at_once
from tests.peers.servers import debian_registry, fallback_registry
from tests.unit.registry.building import push_image

pytestmark = pytest.mark.peer

WRITERS = 32


def every_writer_is_listed(address: str, passing: str, writers: int = WRITERS, *, durable: bool = False) -> None:
    done = at_once(address, passing, writers, durable=durable)
    assert done.succeeded == done.listed == set(range(writers))


@pytest.mark.parametrize("time", range(1, 6))
def test_32_processes_at_once_are_all_listed(time: int) -> None:
    with fallback_registry() as address:
        every_writer_is_listed(address, address)


def test_32_processes_far_from_the_registry_are_all_listed() -> None:
    """Each answer takes 20 ms longer: what one writer reads is as much older when it writes."""
    with fallback_registry() as address, slow(address, 0.01) as passing:
        every_writer_is_listed(address, passing)


def test_16_processes_at_once_on_debian_s_registry() -> None:
    with debian_registry() as address:
        every_writer_is_listed(address, address, 16)


@pytest.mark.parametrize("server", [fallback_registry, debian_registry])
def test_16_durable_processes_at_once_are_all_listed(server: Callable[[], AbstractContextManager[str]]) -> None:
    with server() as address:
        every_writer_is_listed(address, address, 16, durable=True)


def test_writers_at_once_keep_what_others_listed() -> None:
    with fallback_registry() as address:
        store = open_store(parse_reference(f"{address}/team/app:v1"))
        image, other = push_image(store, "v1"), push_image(store, mark="other")
        store.add_referrer(other, image.digest)  # by whomever: it is none of ours to throw out
        codes, _ = attach_at_once(f"{address}/team/app:v1", image, 8)
        assert set(codes.values()) == {0}
        digests = {one.digest for one in open_store(parse_reference(f"{address}/team/app:v1")).referrers(image.digest)}
        assert other.digest in digests
        assert len(digests) == 9
