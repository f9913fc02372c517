"""Lists of referrers on registries that heed entity tags: nobody's entry is overwritten, not even once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compatbuild.registry.descriptor import OCI_INDEX, OCI_MANIFEST, Descriptor
from compatbuild.registry.referrers import fallback_tag
from compatbuild.registry.repository import REFUSALS, RegistryRepository
from tests.unit.registry.building import push_image
from tests.unit.registry.faults import FaultRegistry, Handler, status
from tests.unit.registry.test_referrers import index, push_referrer, stored_index

FOREIGN = {"mediaType": OCI_MANIFEST, "digest": "sha256:" + "f" * 64, "size": 7}


@pytest.fixture
def subject(remote: RegistryRepository) -> Descriptor:
    return push_image(remote, "v1")


def conditions(server: FaultRegistry, subject: Descriptor) -> list[str]:
    """Return the conditions of the writes of a list, in their order."""
    writes = server.asked("PUT", fallback_tag(subject.digest))
    return ["".join(name for name in ("If-Match", "If-None-Match") if name in one.headers) for one in writes]


def written_by_another(server: FaultRegistry, subject: Descriptor, entry: dict[str, Any]) -> None:
    """Let a tool that does not wait add an entry at the moment when ours is about to be written."""
    tag, left = fallback_tag(subject.digest), [True]

    def before(_: int) -> None:
        if left and server.seen[-1].method == "PUT" and server.seen[-1].path.endswith(tag):
            left.clear()
            there = server.manifests.get(tag)
            entries = json.loads(there[0])["manifests"] if there else []
            server.manifests[tag] = (index(*entries, entry), OCI_INDEX)

    server.before = before


@pytest.mark.parametrize("listed", [False, True])
def test_what_another_tool_wrote_meanwhile_stays(
    *, listed: bool, server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    server.entity_tags = True
    first = push_referrer(remote, subject, "first")
    if listed:
        remote.add_referrer(first, subject.digest)
    written_by_another(server, subject, FOREIGN)
    second = push_referrer(remote, subject, "second")
    remote.add_referrer(second, subject.digest)
    expected = [*([first.digest] if listed else []), FOREIGN["digest"], second.digest]
    assert [one["digest"] for one in stored_index(server, subject)] == expected
    assert set(conditions(server, subject)) <= {"If-Match", "If-None-Match"}


def test_a_registry_without_entity_tags_is_asked_for_nothing_it_cannot_keep(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    for mark in ("one", "two"):
        remote.add_referrer(push_referrer(remote, subject, mark), subject.digest)
    assert conditions(server, subject) == ["If-None-Match", ""]
    assert len(stored_index(server, subject)) == 2


@pytest.mark.parametrize("stated", ['W/"weak"', "bare", '"' + "x" * 300 + '"', '"a\x01b"', '""'])
def test_what_is_no_strong_entity_tag_is_not_repeated(
    stated: str, server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    remote.add_referrer(push_referrer(remote, subject, "one"), subject.digest)

    def told(handler: Handler) -> None:
        raw, media_type = server.manifests[fallback_tag(subject.digest)]
        handler.reply(200, raw, {"Content-Type": media_type, "ETag": stated})

    server.fault("GET", f"{fallback_tag(subject.digest)}$", told)
    remote.add_referrer(push_referrer(remote, subject, "two"), subject.digest)
    assert conditions(server, subject)[-1] == ""


def test_a_registry_that_never_agrees_is_written_to_all_the_same(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    server.entity_tags = True
    server.fault("PUT", fallback_tag(subject.digest), status(412), REFUSALS)
    artifact = push_referrer(remote, subject)
    remote.add_referrer(artifact, subject.digest)
    assert [one["digest"] for one in stored_index(server, subject)] == [artifact.digest]
    assert conditions(server, subject)[REFUSALS:] == [""]
    remote.add_referrer(push_referrer(remote, subject, "later"), subject.digest)
    assert conditions(server, subject)[REFUSALS:] == ["", ""]
