"""Blobs from a stream: in chunks that are resumed, in one piece where there are no chunks, never unless they are right."""

from __future__ import annotations

import io
import random
import re

import pytest

from compatbuild.errors import AuthenticationError, RegistryError
from compatbuild.registry import upload
from compatbuild.registry.descriptor import Descriptor, describe
from compatbuild.registry.digest import ContentError
from compatbuild.registry.repository import RegistryRepository
from compatbuild.registry.upload import STREAM_TRIES, Checked
from tests.unit.registry.conftest import repository_of
from tests.unit.registry.faults import FaultRegistry, Handler, Reply, fault_registry, reset, status

BLOB = random.Random(1).randbytes(10_500)
DESCRIPTOR = describe(BLOB, "application/octet-stream")
CHUNK = 4096
SESSION = "/uploads/session"


class Source:
    """A store that has one blob, or something else under its name."""

    def __init__(self, content: bytes = BLOB) -> None:
        self.content = content
        self.opened = 0

    def open_blob(self, _: Descriptor) -> io.BytesIO:
        self.opened += 1
        return io.BytesIO(self.content)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "CHUNK", CHUNK)


@pytest.fixture
def parts(server: FaultRegistry) -> bytearray:
    """What a session holds; the server takes chunks in order, tells how much it has, and is done with a PUT."""
    held = bytearray()

    def patch(handler: Handler) -> None:
        start, end = map(int, re.findall(r"[0-9]+", handler.headers["Content-Range"]))
        if start != len(held) or end - start + 1 != len(handler.body):
            handler.reply(416)
            return
        held.extend(handler.body)
        handler.reply(202, headers={"Location": SESSION_AT, "Range": f"0-{len(held) - 1}"})

    def put(handler: Handler) -> None:
        held.extend(handler.body)
        handler.store(DESCRIPTOR.digest, bytes(held))

    def tell(handler: Handler) -> None:
        handler.reply(204, headers={"Location": SESSION_AT, "Range": f"0-{max(len(held) - 1, 0)}"})

    def begin(handler: Handler) -> None:
        held.clear()
        handler.reply(202, headers={"Location": SESSION_AT})

    server.fault("POST", r"/blobs/uploads/$", begin)
    server.fault("PATCH", SESSION, patch)
    server.fault("PUT", SESSION, put)
    server.fault("GET", SESSION, tell)
    server.fault("DELETE", SESSION, status(204))
    return held


SESSION_AT = "/v2/team/app/blobs/uploads/session"


def before(server: FaultRegistry, method: str, path: str, reply: Reply, times: int) -> None:
    """Let something go wrong before what the server would do."""
    server.fault(method, path, reply, times)
    server.faults.insert(0, server.faults.pop())


@pytest.mark.usefixtures("parts")
def test_chunks(server: FaultRegistry, remote: RegistryRepository) -> None:
    assert remote.copy_blob(DESCRIPTOR, Source())  # type: ignore[arg-type]  # no more of a store is used
    ranges = [one.headers["Content-Range"] for one in server.asked("PATCH")]
    assert ranges == ["0-4095", "4096-8191", "8192-10499"]
    assert server.blobs[DESCRIPTOR.digest] == BLOB


@pytest.mark.usefixtures("parts")
def test_chunks_as_large_as_the_registry_wants(server: FaultRegistry, remote: RegistryRepository) -> None:
    before(server, "POST", "/uploads/$", status(202, Location=SESSION_AT, OCI_Chunk_Min_Length="6000"), 1)
    remote.copy_blob(DESCRIPTOR, Source())  # type: ignore[arg-type]  # as above
    assert [len(one.body) for one in server.asked("PATCH")] == [6000, 4500]


@pytest.mark.usefixtures("parts")
def test_a_chunk_that_did_not_arrive_is_sent_again(server: FaultRegistry, remote: RegistryRepository) -> None:
    before(server, "PATCH", SESSION, reset, 2)
    source = Source()
    remote.copy_blob(DESCRIPTOR, source)  # type: ignore[arg-type]  # as above
    assert server.blobs[DESCRIPTOR.digest] == BLOB
    assert source.opened == 1
    assert len(server.asked("GET", SESSION)) == 2


@pytest.mark.usefixtures("parts")
def test_a_chunk_that_arrived_before_the_break_is_not(
    server: FaultRegistry, remote: RegistryRepository, parts: bytearray
) -> None:
    def take_and_break(handler: Handler) -> None:
        parts.extend(handler.body)
        reset(handler)

    before(server, "PATCH", SESSION, take_and_break, 1)
    remote.copy_blob(DESCRIPTOR, Source())  # type: ignore[arg-type]  # as above
    assert server.blobs[DESCRIPTOR.digest] == BLOB
    assert len(server.asked("PATCH")) == 3


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("code", [404, 416])
def test_a_lost_upload_is_begun_anew(server: FaultRegistry, remote: RegistryRepository, code: int) -> None:
    def lose_the_second(handler: Handler) -> None:
        second = len(server.asked("PATCH")) == 2
        fault.times += 1
        handler.reply(code) if second else patch(handler)

    fault = next(one for one in server.faults if one.method == "PATCH")
    patch = fault.reply
    fault.reply = lose_the_second
    source = Source()
    remote.copy_blob(DESCRIPTOR, source)  # type: ignore[arg-type]  # as above
    assert server.blobs[DESCRIPTOR.digest] == BLOB
    assert source.opened == 2


@pytest.mark.parametrize("code", [404, 405, 415, 416, 501])
def test_a_registry_without_chunks_gets_one_piece(server: FaultRegistry, remote: RegistryRepository, code: int) -> None:
    server.fault("PATCH", SESSION, status(code))
    remote.copy_blob(DESCRIPTOR, Source())  # type: ignore[arg-type]  # as above
    assert server.blobs[DESCRIPTOR.digest] == BLOB
    assert server.asked("PUT", SESSION)[-1].headers["Content-Length"] == str(len(BLOB))


@pytest.mark.usefixtures("parts")
def test_a_registry_that_loses_every_second_chunk_gets_one_piece(
    server: FaultRegistry, remote: RegistryRepository
) -> None:
    fault = next(one for one in server.faults if one.method == "PATCH")
    patch = fault.reply
    fault.reply = lambda handler: handler.reply(416) if "4096-" in handler.headers["Content-Range"] else patch(handler)
    for _ in range(2):
        remote.copy_blob(DESCRIPTOR, Source())  # type: ignore[arg-type]  # as above
        assert server.blobs.pop(DESCRIPTOR.digest) == BLOB
    assert len(server.asked("PATCH")) == 4, "once it is known, nothing is tried in chunks"


def test_a_small_blob_goes_in_one_piece(server: FaultRegistry, remote: RegistryRepository) -> None:
    small = describe(BLOB[:CHUNK], "x/y")
    remote.copy_blob(small, Source(BLOB[:CHUNK]))  # type: ignore[arg-type]  # as above
    assert server.asked("PATCH") == []
    assert server.blobs[small.digest] == BLOB[:CHUNK]


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("content", [BLOB[:-1] + b"x", BLOB + b"x", BLOB[:-1], b"", b"x" * len(BLOB)])
@pytest.mark.parametrize("chunked", [True, False])
def test_what_is_not_the_blob_is_never_stored(
    server: FaultRegistry, remote: RegistryRepository, content: bytes, *, chunked: bool
) -> None:
    if not chunked:
        before(server, "PATCH", SESSION, status(405), 1 << 30)
    with pytest.raises(ContentError):
        remote.copy_blob(DESCRIPTOR, Source(content))  # type: ignore[arg-type]  # as above
    assert server.blobs == {}


def test_an_upload_that_always_fails_is_told(server: FaultRegistry, remote: RegistryRepository) -> None:
    server.fault("PATCH", SESSION, status(202))
    server.fault("PUT", SESSION, status(404))
    with pytest.raises(RegistryError, match="lost an upload") as caught:
        remote.copy_blob(DESCRIPTOR, Source())  # type: ignore[arg-type]  # as above
    assert f"tried {STREAM_TRIES} times" in caught.value.why


def test_within_a_registry_a_blob_is_mounted(server: FaultRegistry, remote: RegistryRepository) -> None:
    server.blobs[DESCRIPTOR.digest] = BLOB
    assert remote.copy_blob(DESCRIPTOR, repository_of(server)) is False
    [asked] = server.asked("POST")
    assert asked.path.endswith(f"?mount=sha256%3A{DESCRIPTOR.digest[7:]}&from=team%2Fapp")


@pytest.mark.parametrize("reply", [status(202, Location=SESSION_AT), status(403), status(404), status(400)])
def test_what_cannot_be_mounted_is_uploaded(server: FaultRegistry, remote: RegistryRepository, reply: Reply) -> None:
    server.blobs[DESCRIPTOR.digest] = BLOB
    server.fault("POST", "mount=", reply)
    server.fault("PATCH", SESSION, status(405))
    assert remote.copy_blob(DESCRIPTOR, repository_of(server)) is True


def test_a_mount_of_something_else_is_told(server: FaultRegistry, remote: RegistryRepository) -> None:
    server.fault("POST", "mount=", status(201, Docker_Content_Digest="sha256:" + "0" * 64))
    with pytest.raises(ContentError, match="contradicts itself"):
        remote.copy_blob(DESCRIPTOR, repository_of(server))


def test_from_another_registry_nothing_is_mounted(server: FaultRegistry, remote: RegistryRepository) -> None:
    with fault_registry() as other:
        other.blobs[DESCRIPTOR.digest] = BLOB
        server.fault("PATCH", SESSION, status(405))
        assert remote.copy_blob(DESCRIPTOR, repository_of(other)) is True
    assert not server.asked("POST", "mount=")


def test_other_credentials_in_the_middle_begin_the_stream_anew(
    server: FaultRegistry, remote: RegistryRepository
) -> None:
    server.fault("PATCH", SESSION, status(405))
    server.fault("PUT", SESSION, status(401, WWW_Authenticate='Basic realm="x"'))
    with pytest.raises(AuthenticationError):
        remote.copy_blob(DESCRIPTOR, Source())  # type: ignore[arg-type]  # as above


def test_the_end_is_given_out_only_when_all_is_right() -> None:
    checked = Checked(io.BytesIO(BLOB), DESCRIPTOR)
    assert len(checked) == len(BLOB)
    assert b"".join(checked) == BLOB
    wrong = Checked(io.BytesIO(BLOB[:-1] + b"x"), DESCRIPTOR)
    given = wrong.read(len(BLOB) - 1)
    with pytest.raises(ContentError):
        wrong.read(10)
    assert len(given) < len(BLOB)
    nothing = describe(b"", "x/y")
    assert list(Checked(io.BytesIO(b""), nothing)) == []
    with pytest.raises(ContentError):
        Checked(io.BytesIO(b"x"), nothing).read(10)
