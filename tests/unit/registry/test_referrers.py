"""Listing and confirming referrers against registries that lie, lag, break, or lose what they were given."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from compatbuild.errors import AuthenticationError, ReferrersError, RegistryError
from compatbuild.registry import referrers
from compatbuild.registry.descriptor import OCI_EMPTY, OCI_INDEX, OCI_MANIFEST, Descriptor, describe
from compatbuild.registry.digest import digest_of
from compatbuild.registry.referrers import fallback_tag
from compatbuild.registry.repository import RegistryRepository
from compatbuild.registry.store import Via
from tests.unit.registry.building import manifest, push_image
from tests.unit.registry.conftest import repository_of
from tests.unit.registry.faults import FaultRegistry, Handler, endless, fault_registry, reset, status

TYPE = "application/x-test"
HTML = status(200, b"<html>", Content_Type="text/html")


def push_referrer(remote: RegistryRepository, subject: Descriptor, mark: str = "") -> Descriptor:
    """Push an artifact without listing it."""
    config = describe(b"{}", OCI_EMPTY)
    raw = manifest(config, [], artifactType=TYPE, subject=subject.as_json(), annotations={"mark": mark})
    return replace(remote.push_manifest(raw, OCI_MANIFEST), artifact_type=TYPE, annotations={"mark": mark})


def index(*entries: Any, **more: Any) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)} | more).encode()


def stored_index(server: FaultRegistry, subject: Descriptor) -> list[Any]:
    entries: list[Any] = json.loads(server.manifests[fallback_tag(subject.digest)][0])["manifests"]
    return entries


@pytest.fixture
def subject(remote: RegistryRepository) -> Descriptor:
    return push_image(remote, "v1")


def test_the_tag_of_the_tag_schema() -> None:
    assert fallback_tag("sha256:" + "ab" * 32) == "sha256-" + "ab" * 32
    assert fallback_tag("sha512:" + "ab" * 64) == "sha512-" + "ab" * 32


def test_with_the_api_nothing_else_is_written() -> None:
    with fault_registry(api=True) as server:
        remote = repository_of(server)
        subject = push_image(remote, "v1")
        artifact = push_referrer(remote, subject)
        assert remote.add_referrer(artifact, subject.digest) is Via.API
        assert [one.digest for one in remote.referrers(subject.digest)] == [artifact.digest]
        assert not any("sha256-" in one.path for one in server.seen)


def test_without_the_api_the_index_is_written(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    assert remote.referrers(subject.digest) == ()
    first, second = push_referrer(remote, subject), push_referrer(remote, subject, "second")
    assert remote.add_referrer(first, subject.digest) is Via.FALLBACK
    assert remote.add_referrer(second, subject.digest) is Via.FALLBACK
    assert stored_index(server, subject) == [first.as_json(), second.as_json()]
    written = len(server.asked("PUT"))
    assert remote.add_referrer(second, subject.digest) is Via.FALLBACK
    assert len(server.asked("PUT")) == written, "what is listed is not listed again"


def test_entries_of_others_stay_as_they_are(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    foreign = [{"digest": "nonsense", "x": [1]}, describe(b"y", OCI_MANIFEST).as_json() | {"x-key": {"a": 1}}, 7, None]
    server.manifests[fallback_tag(subject.digest)] = (index(*foreign, annotations={"a": "b"}), OCI_INDEX)
    artifact = push_referrer(remote, subject)
    remote.add_referrer(artifact, subject.digest)
    assert stored_index(server, subject) == [*foreign, artifact.as_json()]
    assert len(remote.referrers(subject.digest)) == 2, "unreadable entries are passed over"
    remote.remove_referrer(artifact.digest, subject.digest)
    assert stored_index(server, subject) == foreign


@pytest.mark.parametrize("code", [400, 404, 405, 501])
def test_answers_that_mean_no_api(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, code: int
) -> None:
    server.fault("GET", "/referrers/", status(code))
    assert remote.add_referrer(push_referrer(remote, subject), subject.digest) is Via.FALLBACK


def test_a_header_without_the_api_is_not_believed(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    def claim(handler: Handler) -> None:
        server.manifests[digest_of(handler.body)] = (handler.body, OCI_MANIFEST)
        handler.reply(201, headers={"OCI-Subject": subject.digest})

    server.fault("PUT", "/manifests/sha256:", claim)
    assert remote.add_referrer(push_referrer(remote, subject), subject.digest) is Via.FALLBACK


def test_a_web_page_at_the_api_is_no_api(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    server.fault("GET", "/referrers/", HTML)
    assert remote.add_referrer(push_referrer(remote, subject), subject.digest) is Via.FALLBACK


@pytest.mark.parametrize(
    "content",
    [
        (b"<html>", "text/html"),
        (b"<html>", OCI_INDEX),
        (b"{}", OCI_INDEX),
        (index(manifests="x"), OCI_INDEX),
        (index(schemaVersion=1), OCI_INDEX),
        (index(mediaType=OCI_MANIFEST), OCI_INDEX),
        (b'{"schemaVersion": 2}', OCI_MANIFEST),
    ],
)
def test_something_else_under_the_tag_is_never_overwritten(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, content: tuple[bytes, str]
) -> None:
    artifact = push_referrer(remote, subject)
    server.manifests[fallback_tag(subject.digest)] = content
    for call in (lambda: remote.add_referrer(artifact, subject.digest), lambda: remote.referrers(subject.digest)):
        with pytest.raises(ReferrersError):
            call()
    assert server.manifests[fallback_tag(subject.digest)] == content


def test_one_false_404_loses_nobodys_entry(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    first, second = push_referrer(remote, subject), push_referrer(remote, subject, "second")
    remote.add_referrer(first, subject.digest)
    # The listing sees the truth, the reading before the write does not.
    tag = fallback_tag(subject.digest)
    server.fault("GET", tag, lambda handler: handler.reply(200, *_stored(server, tag)), times=1)
    server.fault("GET", tag, status(404), times=1)
    remote.add_referrer(second, subject.digest)
    assert {entry["digest"] for entry in stored_index(server, subject)} == {first.digest, second.digest}


def _stored(server: FaultRegistry, tag: str) -> tuple[bytes, dict[str, str]]:
    raw, media_type = server.manifests[tag]
    return raw, {"Content-Type": media_type}


def test_a_lost_update_is_written_again(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    artifact = push_referrer(remote, subject)
    server.fault("PUT", fallback_tag(subject.digest), status(201), times=3)
    assert remote.add_referrer(artifact, subject.digest) is Via.FALLBACK
    assert stored_index(server, subject) == [artifact.as_json()]


def test_a_late_writer_is_noticed(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    artifact, other = push_referrer(remote, subject), push_referrer(remote, subject, "other")
    tag = fallback_tag(subject.digest)

    def overwritten(handler: Handler) -> None:
        if len(server.asked("PUT", tag)) == 1 and len(server.asked("GET", tag)) == 3:
            server.manifests[tag] = (index(other.as_json()), OCI_INDEX)
        handler.behave()

    server.fault("GET", tag, overwritten)
    remote.add_referrer(artifact, subject.digest)
    assert stored_index(server, subject) == [other.as_json(), artifact.as_json()]
    assert len(server.asked("PUT", tag)) == 2


def test_an_index_that_never_keeps_the_entry_fails(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referrers, "MAX_SECONDS", 0.1)
    server.fault("PUT", fallback_tag(subject.digest), status(201))
    with pytest.raises(ReferrersError, match="does not keep") as caught:
        remote.add_referrer(push_referrer(remote, subject), subject.digest)
    assert caught.value.exit_code == 14


@pytest.mark.parametrize("reply", [status(403), status(409), status(400), status(500), reset])
def test_an_index_that_cannot_be_written_is_told(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, reply: Any
) -> None:
    artifact = push_referrer(remote, subject)
    server.fault("PUT", fallback_tag(subject.digest), reply)
    with pytest.raises(ReferrersError, match="does not take the list") as caught:
        remote.add_referrer(artifact, subject.digest)
    assert artifact.digest in caught.value.why


def test_a_forbidden_tag_is_told(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    server.fault("GET", fallback_tag(subject.digest), status(403))
    with pytest.raises(AuthenticationError):
        remote.referrers(subject.digest)


@pytest.mark.parametrize("reply", [status(500), status(503), reset])
def test_an_api_that_fails_is_no_missing_api(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, reply: Any
) -> None:
    server.fault("GET", "/referrers/", reply)
    with pytest.raises(RegistryError):
        remote.add_referrer(push_referrer(remote, subject), subject.digest)
    assert fallback_tag(subject.digest) not in server.manifests


def test_a_list_that_lags_behind_is_waited_for() -> None:
    with fault_registry(api=True) as server:
        remote = repository_of(server)
        subject = push_image(remote, "v1")
        artifact = push_referrer(remote, subject)
        server.fault("GET", "/referrers/", status(200, index(), Content_Type=OCI_INDEX), times=2)
        assert remote.add_referrer(artifact, subject.digest) is Via.API


def test_an_api_that_never_lists_fails_loudly(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    server.fault("GET", "/referrers/", status(200, index(), Content_Type=OCI_INDEX))
    with pytest.raises(ReferrersError, match="does not list") as caught:
        remote.add_referrer(push_referrer(remote, subject), subject.digest)
    assert caught.value.exit_code == 14
    assert fallback_tag(subject.digest) not in server.manifests


# -- pages


def page(number: int, following: str) -> Any:
    body = index(describe(str(number).encode(), OCI_MANIFEST).as_json())
    return status(200, body, Content_Type=OCI_INDEX, **({"Link": f'<{following}>; rel="next"'} if following else {}))


@pytest.mark.parametrize("relative", [True, False])
def test_pages_are_followed(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, *, relative: bool
) -> None:
    path = f"/v2/team/app/referrers/{subject.digest}?n=1&last=1"
    server.fault("GET", "last=1", page(2, ""))
    server.fault("GET", "/referrers/", page(1, path if relative else f"http://{server.address}{path}"))
    assert [one.digest for one in remote.referrers(subject.digest)] == [digest_of(b"1"), digest_of(b"2")]


def test_a_page_elsewhere_is_not_fetched(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    with fault_registry() as other:
        server.fault("GET", "/referrers/", page(1, f"http://{other.address}/v2/x/referrers/"))
        with pytest.raises(RegistryError, match="refused"):
            remote.referrers(subject.digest)
        assert other.seen == []


def test_a_missing_page_is_no_end(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    server.fault("GET", "last=1", status(404))
    server.fault("GET", "/referrers/", page(1, "?last=1"))
    with pytest.raises(ReferrersError, match="halfway"):
        remote.referrers(subject.digest)


def test_endless_pages_end(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    server.fault("GET", "/referrers/", page(1, "?again"))
    with pytest.raises(ReferrersError, match="too many"):
        remote.referrers(subject.digest)
    assert len(server.asked("GET", "/referrers/")) == referrers.MAX_PAGES


@pytest.mark.parametrize("body", [index(*[{}] * 10_001), index(manifests={}), b"[]", b"{", b'{"schemaVersion": 2}'])
def test_a_malformed_list_is_told(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, body: bytes
) -> None:
    server.fault("GET", "/referrers/", status(200, body, Content_Type=OCI_INDEX))
    with pytest.raises(ReferrersError):
        remote.referrers(subject.digest)


def test_an_empty_list_of_go(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    server.fault("GET", "/referrers/", status(200, index(manifests=None), Content_Type=OCI_INDEX))
    assert remote.referrers(subject.digest) == ()


def test_an_endless_list_is_cut_off(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    server.fault("GET", "/referrers/", endless)
    with pytest.raises(RegistryError, match="sent more than"):
        remote.referrers(subject.digest)


# -- removing


def test_removing_where_nothing_can_be_deleted(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor
) -> None:
    artifact = push_referrer(remote, subject)
    remote.add_referrer(artifact, subject.digest)
    server.fault("DELETE", "/manifests/", status(405))
    remote.remove_referrer(artifact.digest, subject.digest)
    assert remote.referrers(subject.digest) == ()


def test_removing_where_only_deleting_helps() -> None:
    with fault_registry(api=True) as server:
        remote = repository_of(server)
        subject = push_image(remote, "v1")
        artifact = push_referrer(remote, subject)
        server.fault("DELETE", "/manifests/", status(405), times=1)
        with pytest.raises(RegistryError, match="cannot delete"):
            remote.remove_referrer(artifact.digest, subject.digest)
        remote.remove_referrer(artifact.digest, subject.digest)
        assert remote.referrers(subject.digest) == ()


def test_a_full_index_is_not_written(server: FaultRegistry, remote: RegistryRepository, subject: Descriptor) -> None:
    full = index(*({"digest": number} for number in range(10_000)))
    server.manifests[fallback_tag(subject.digest)] = (full, OCI_INDEX)
    with pytest.raises(ReferrersError, match="is full"):
        remote.add_referrer(push_referrer(remote, subject), subject.digest)
    assert server.manifests[fallback_tag(subject.digest)] == (full, OCI_INDEX)


def test_an_index_that_is_right_and_never_rests_is_left_at_last(
    server: FaultRegistry, remote: RegistryRepository, subject: Descriptor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referrers, "MAX_SECONDS", 0.1)
    artifact, tag = push_referrer(remote, subject), fallback_tag(subject.digest)

    def another_each_time(handler: Handler) -> None:
        if tag in server.manifests:
            entries = [*stored_index(server, subject), {"digest": len(server.seen)}]
            server.manifests[tag] = (index(*entries), OCI_INDEX)
        handler.behave()

    server.fault("GET", tag, another_each_time)
    assert remote.add_referrer(artifact, subject.digest) is Via.FALLBACK
    assert artifact.as_json() in stored_index(server, subject)
