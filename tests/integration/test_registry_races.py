"""Many processes attach to one image at the same moment, where the list of what is attached is a tag anyone rewrites."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from compatbuild.registry.attach import specs
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, open_store
from tests.integration.slow import slow
from tests.peers.servers import debian_registry, fallback_registry
from tests.unit.registry.building import push_image

pytestmark = pytest.mark.peer

WRITERS = 32
ROOT = Path(__file__).parents[2]
SPEC = 'version: "v1alpha1"\ncompatibilities:\n- rules:\n  - name: "writer-%d"\n'
WRITE = f"""
import os, sys
from compatbuild.registry import client, repository
from compatbuild.registry.attach import attach
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store

reference = parse_reference(sys.argv[1])
image = Descriptor(sys.argv[2], sys.argv[3], int(sys.argv[4]))
waiting, begin = os.pipe()
children = []
for number in range(int(sys.argv[5])):
    child = os.fork()
    if child == 0:
        os.close(begin)
        os.read(waiting, 1)  # until the last one is there
        spec = {SPEC!r} % number
        attach(open_store(reference), image, spec.encode(), {{}}, "2026-11-23T10:00:00Z", derived=True)
        os._exit(0)
    children.append(child)
os.close(begin)
print(sum(os.waitpid(child, 0)[1] == 0 for child in children))
"""


def attach_at_once(reference: str, image: Descriptor, writers: int) -> None:
    """Attach as many specifications as there are writers, a process each; every one must say that it succeeded."""
    named = [image.media_type, image.digest, str(image.size), str(writers)]
    done = subprocess.run(
        [sys.executable, "-c", WRITE, reference, *named],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
    )
    assert (done.stdout, done.stderr) == (f"{writers}\n", "")


def listed(store: Store, image: Descriptor) -> set[str]:
    """Give the texts of the specifications that readers find."""
    found = [one for one in specs(store, image) if not one.rejected]
    return {store.blob(one.layer, 1000).decode() for one in found if one.layer is not None}


def every_writer_is_listed(address: str, passing: str, writers: int = WRITERS) -> None:
    store = open_store(parse_reference(f"{address}/team/app:v1"))
    image = push_image(store, "v1")
    attach_at_once(f"{passing}/team/app:v1", image, writers)
    store = open_store(parse_reference(f"{address}/team/app:v1"))
    assert listed(store, image) == {SPEC % number for number in range(writers)}


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


def test_writers_at_once_keep_what_others_listed() -> None:
    with fallback_registry() as address:
        store = open_store(parse_reference(f"{address}/team/app:v1"))
        image, other = push_image(store, "v1"), push_image(store, mark="other")
        store.add_referrer(other, image.digest)  # by whomever: it is none of ours to throw out
        attach_at_once(f"{address}/team/app:v1", image, 8)
        digests = {one.digest for one in open_store(parse_reference(f"{address}/team/app:v1")).referrers(image.digest)}
        assert other.digest in digests
        assert len(digests) == 9
