"""What is attached durably is never lost where the list of referrers is a tag, and comes back when others drop it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from compatbuild import api
from compatbuild.errors import ReferrersError
from compatbuild.registry.anchors import NOTHING, anchor_tag
from compatbuild.registry.attach import attach, specs
from compatbuild.registry.descriptor import OCI_INDEX, canonical_json
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.referrers import fallback_tag
from compatbuild.registry.store import Store, Via, open_store
from compatbuild.signing import sign
from compatbuild.signing.keys import generate
from tests.integration.shell import Shell, shell
from tests.peers.servers import debian_registry, fallback_registry, referrers_registry
from tests.unit.registry.building import CREATED, LATER, SPEC_TEXT, push_image
from tests.unit.registry.faults import fault_registry

pytestmark = pytest.mark.peer

DURABLE = RegistryOptions(durable=True)
SERVERS = {"fallback": fallback_registry, "debian": debian_registry}
EMPTY_LIST = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})


@pytest.fixture(params=sorted(SERVERS))
def reference(request: pytest.FixtureRequest) -> Iterator[str]:
    with SERVERS[request.param]() as address:
        yield f"{address}/team/app:v1"


@pytest.fixture
def run(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    return shell(tmp_path_factory.mktemp("durable"))


def store_of(reference: str) -> Store:
    return open_store(parse_reference(reference), DURABLE)


def listed(store: Store, digest: str) -> list[str]:
    return [one["digest"] for one in json.loads(store.resolve(fallback_tag(digest)).raw)["manifests"]]


def test_it_is_listed_and_has_a_tag_of_its_own(reference: str) -> None:
    store = store_of(reference)
    image = push_image(store, "v1")
    done = attach(store, image, SPEC_TEXT, {}, CREATED)
    assert done.via is Via.FALLBACK
    assert listed(store, image.digest) == [done.descriptor.digest]
    assert store.resolve(anchor_tag(image.digest, done.descriptor.digest)).descriptor.digest == done.descriptor.digest


def test_a_writer_puts_back_what_another_tool_dropped(reference: str) -> None:
    store = store_of(reference)
    image = push_image(store, "v1")
    first = attach(store, image, SPEC_TEXT, {}, CREATED).descriptor
    store.push_manifest(EMPTY_LIST, OCI_INDEX, fallback_tag(image.digest))
    second = attach(store_of(reference), image, SPEC_TEXT + b"\n", {}, LATER).descriptor
    assert set(listed(store, image.digest)) == {first.digest, second.digest}


def test_repair_restores_specifications_and_their_signatures(reference: str, run: Shell) -> None:
    store = store_of(reference)
    image = push_image(store, "v1")
    spec = attach(store, image, SPEC_TEXT, {}, CREATED).descriptor
    (signature,) = (one.descriptor for one in sign.sign(store, spec, generate(), LATER))
    for subject in (image, spec):
        store.push_manifest(EMPTY_LIST, OCI_INDEX, fallback_tag(subject.digest))
    assert {one["digest"] for one in run.json("repair", reference)["restored"]} == {spec.digest, signature.digest}
    assert listed(store, image.digest) == [spec.digest]
    assert listed(store, spec.digest) == [signature.digest]
    ended = run.run("repair", reference)
    assert (ended.code, ended.out, ended.err) == (0, "", "nothing was missing\n")


def test_what_is_detached_does_not_come_back(reference: str) -> None:
    store = store_of(reference)
    image = push_image(store, "v1")
    gone, stays = (
        attach(store, image, SPEC_TEXT + mark, {}, date).descriptor for mark, date in ((b"", CREATED), (b"\n", LATER))
    )
    api.detach(reference, digest=gone.digest)
    assert api.repair(reference) == ()
    store.push_manifest(EMPTY_LIST, OCI_INDEX, fallback_tag(image.digest))
    assert [one.artifact.digest for one in api.repair(reference)] == [stays.digest]
    assert [one.descriptor.digest for one in specs(store_of(reference), image)] == [stays.digest]


def test_an_anchor_of_something_else_counts_for_nothing(reference: str) -> None:
    store = store_of(reference)
    image, other = push_image(store, "v1"), push_image(store, "other", mark="other")
    foreign = attach(store, other, SPEC_TEXT, {}, CREATED).descriptor
    store.push_manifest(
        store.manifest(foreign.digest).raw, foreign.media_type, anchor_tag(image.digest, foreign.digest)
    )
    store.push_manifest(NOTHING, OCI_INDEX, anchor_tag(image.digest, "sha256:" + "ab" * 32))
    assert api.repair(reference) == ()


def test_with_the_api_there_are_no_more_tags() -> None:
    with referrers_registry() as address:
        store = store_of(f"{address}/team/app:v1")
        image = push_image(store, "v1")
        assert attach(store, image, SPEC_TEXT, {}, CREATED).via is Via.API
        assert store.tags() == ("v1",)
        assert api.repair(f"{address}/team/app:v1") == ()


def test_commands_attach_durably_when_told(run: Shell) -> None:
    with fallback_registry() as address:
        reference = f"{address}/team/app:v1"
        push_image(store_of(reference), "v1")
        (run.directory / "spec.yaml").write_bytes(
            SPEC_TEXT
            + b'    matchFeatures:\n    - feature: "cpu.cpuid"\n      matchExpressions:\n        "AVX2": {op: "Exists"}\n'
        )
        (row,) = run.json("attach", reference, "spec.yaml", "--durable")["attached"]
        assert anchor_tag(row["subject"], row["digest"]) in store_of(reference).tags()


def test_a_registry_that_lists_no_tags_is_not_said_to_keep_anything() -> None:
    with fault_registry() as registry:
        registry.untold_tags = True
        store = store_of(f"{registry.address}/team/app:v1")
        image = push_image(store, "v1")
        with pytest.raises(ReferrersError, match="does not list its tags"):
            attach(store, image, SPEC_TEXT, {}, CREATED)
        assert not specs(store, image)
