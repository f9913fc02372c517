"""How many requests attaching takes: registries limit them, and each is a round trip."""

from __future__ import annotations

import pytest

from compatbuild import api
from compatbuild.hosts.catalogue import profiles
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from tests.integration.tap import Tap, tap
from tests.peers.servers import debian_registry, fallback_registry, referrers_registry
from tests.unit.registry.building import push_image

pytestmark = pytest.mark.peer

SPEC = b"""version: "v1alpha1"
compatibilities:
- tag: "required"
  rules:
  - name: "required"
    matchFeatures:
    - feature: "cpu.cpuid"
      matchExpressions:
        "%s":
          op: "Exists"
"""
SERVERS = {
    "api": (referrers_registry, 7, 2),
    "fallback": (fallback_registry, 10, 4),
    "debian": (debian_registry, 10, 4),
}
"""A registry, its requests for an attach, and for one that changes nothing.

Without the API that reads the tag, and makes sure that the artifact listed there has not been collected as garbage.
"""


def requests(wire: Tap, reference: str, spec: bytes) -> int:
    before = len(wire.requests)
    api.attach(reference, spec)
    return len(wire.requests) - before


@pytest.mark.parametrize("name", SERVERS)
def test_how_many_requests_an_attach_takes(name: str) -> None:
    server, most, again = SERVERS[name]
    with server() as address, tap(address) as wire:
        store = open_store(parse_reference(f"{address}/team/app:v1"))
        push_image(store, "v1")
        push_image(store, "v2", mark="other")
        reference = f"{wire.address}/team/app"
        assert requests(wire, f"{reference}:v2", SPEC % b"ONE") <= most + 2  # the empty config, once a repository
        assert requests(wire, f"{reference}:v1", SPEC % b"TWO") <= most
        assert requests(wire, f"{reference}:v1", SPEC % b"TWO") <= again


@pytest.mark.parametrize(("name", "most"), [("api", 4), ("fallback", 5), ("debian", 5)])
def test_how_many_requests_a_check_takes(name: str, most: int) -> None:
    """The image, the list of what is attached, the specification's manifest and its content: each once.

    Without the API the list takes two: that there is none is found out by asking.
    """
    server, *_ = SERVERS[name]
    with server() as address, tap(address) as wire:
        push_image(open_store(parse_reference(f"{address}/team/app:v1")), "v1")
        api.attach(f"{address}/team/app:v1", SPEC % b"ONE")
        assert api.check(f"{wire.address}/team/app:v1", profiles("debian-12")).hosts
        assert len(wire.requests) <= most, wire.requests
