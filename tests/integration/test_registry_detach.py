"""What is taken off is off the list too, where the list is a tag, and what others listed stays on it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from threading import Thread

import pytest

from compatbuild.registry.attach import attach, attach_report, detach, specs
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.referrers import fallback_tag
from compatbuild.registry.store import Store, open_store
from compatbuild.signing import sign
from compatbuild.signing.keys import generate
from tests.peers import peer
from tests.peers.servers import debian_registry, fallback_registry
from tests.unit.registry.building import CREATED, LATER, SPEC_TEXT, push_image

pytestmark = pytest.mark.peer

SERVERS = {"fallback": fallback_registry, "debian": debian_registry}


@pytest.fixture(params=sorted(SERVERS))
def reference(request: pytest.FixtureRequest) -> Iterator[str]:
    with SERVERS[request.param]() as address:
        yield f"{address}/team/app:v1"


def store_of(reference: str) -> Store:
    return open_store(parse_reference(reference))


def listed(store: Store, digest: str) -> list[str]:
    """Give the digests in the index under the tag, as it is stored."""
    return [one["digest"] for one in json.loads(store.resolve(fallback_tag(digest)).raw)["manifests"]]


def test_the_index_is_pruned(reference: str) -> None:
    store, key = store_of(reference), generate()
    image = push_image(store, "v1")
    first = attach(store, image, SPEC_TEXT, {}, CREATED).descriptor
    second = attach(store, image, SPEC_TEXT + b"\n", {}, LATER).descriptor
    report = attach_report(store, image, b"{}", {}, CREATED).descriptor
    (signature,) = (one.descriptor for one in sign.sign(store, second, key, LATER))
    assert listed(store, second.digest) == [signature.digest]
    detach(store, image, second.digest)
    assert listed(store_of(reference), image.digest) == [first.digest, report.digest]
    assert listed(store_of(reference), second.digest) == []
    detach(store, image)
    assert listed(store_of(reference), image.digest) == []
    told = subprocess.run(
        [peer("oras"), "discover", "--plain-http", "--format", "json", reference], capture_output=True, check=True
    )
    assert not json.loads(told.stdout).get("referrers")


def test_detaching_while_others_attach_loses_nothing(reference: str) -> None:
    store = store_of(reference)
    image = push_image(store, "v1")
    old = attach(store, image, SPEC_TEXT, {}, CREATED).descriptor
    fresh = [SPEC_TEXT + b"# %d\n" % number for number in range(6)]
    work = [Thread(target=detach, args=(store_of(reference), image, old.digest))]
    work += [
        Thread(target=attach, args=(store_of(reference), image, text, {}, CREATED), kwargs={"derived": True})
        for text in fresh
    ]
    for one in work:
        one.start()
    for one in work:
        one.join()
    again = store_of(reference)
    found = {again.blob(one.layer, 1000) for one in specs(again, image) if one.layer is not None and not one.rejected}
    assert found == set(fresh)
    assert old.digest not in listed(again, image.digest)
