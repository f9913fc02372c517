"""Registries that lie, one lie a case: the answer is right all the same, or an error with its exit code, never wrong."""

from __future__ import annotations

import gc
import gzip
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from compatbuild import api
from compatbuild.errors import CompatError
from compatbuild.registry.artifact import SPEC
from compatbuild.registry.attach import attach
from compatbuild.registry.candidates import MAX_CANDIDATES
from compatbuild.registry.descriptor import MAX_MANIFEST, OCI_INDEX, OCI_MANIFEST, Descriptor, describe
from compatbuild.registry.referrers import fallback_tag
from tests.unit.registry.building import CREATED, SPEC_TEXT, empty_layout, push_image, push_index
from tests.unit.registry.conftest import repository_of
from tests.unit.registry.faults import (
    FaultRegistry,
    Handler,
    Reply,
    endless,
    fault_registry,
    reset,
    status,
    truncated,
)

OK = 0
"""The result must be the right one."""
OTHER_SPEC = b"""version: "v1alpha1"
compatibilities:
- tag: "required"
  rules:
  - name: "required"
    matchFeatures:
    - feature: "cpu.cpuid"
      matchExpressions:
        "AVX2":
          op: "Exists"
"""
BLOB_DIGEST = describe(b"a layer ", "").digest
OTHER_DIGEST = "sha256:" + "0" * 64


@dataclass
class World:
    """A registry with an image that has a specification, and a second server that must never see credentials."""

    server: FaultRegistry
    other: FaultRegistry
    image: Descriptor
    spec: Descriptor
    layer: Descriptor
    files: Path
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def reference(self) -> str:
        return f"{self.server.address}/team/app:v1"

    @property
    def tag(self) -> str:
        return fallback_tag(self.image.digest)

    def raw(self, selector: str) -> bytes:
        return self.server.manifests[selector][0]

    def answer(self, method: str, path: str, reply: Reply) -> None:
        self.server.fault(method, path, reply)

    def manifest(self, body: bytes, media_type: str = OCI_MANIFEST, **headers: str) -> None:
        """Let the image's tag hold something else."""
        self.answer("GET", "/manifests/v1$", status(200, body, Content_Type=media_type, **headers))

    def changed(self, **fields: Any) -> None:
        """Let the image's tag hold the image's manifest with other fields."""
        self.manifest(json.dumps(json.loads(self.raw("v1")) | fields).encode())

    def listing(self, *entries: Any, **more: Any) -> None:
        """Let the referrers API answer with these entries."""
        body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list(entries)} | more
        self.answer("GET", "/referrers/", status(200, json.dumps(body).encode(), Content_Type=OCI_INDEX))

    @property
    def entry(self) -> dict[str, Any]:
        """The right entry of the specification."""
        return self.spec.as_json()


Lie = Callable[[World], None]


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """Keep the garbage of other tests from being collected where the deepest lists leave no stack for it."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with fault_registry() as server, fault_registry() as other:
        store = repository_of(server)
        image = push_image(store, "v1")
        spec = attach(store, image, SPEC_TEXT, {}, CREATED).descriptor
        layer = describe(SPEC_TEXT, SPEC.layer_media_type)
        yield World(server, other, image, spec, layer, tmp_path)


def wire(data: bytes) -> Reply:
    """Answer with these bytes, whatever they are."""

    def reply(handler: Handler) -> None:
        handler.wfile.write(data)
        handler.close_connection = True

    return reply


def encoded(body: bytes, media_type: str) -> Reply:
    return status(200, gzip.compress(body), Content_Encoding="gzip", Content_Type=media_type)


def foreign(world: World) -> dict[str, Any]:
    """Attach a specification to another image, and give its entry."""
    store = repository_of(world.server)
    return attach(store, push_image(store, mark="other"), OTHER_SPEC, {}, "2090-01-01T00:00:00Z").descriptor.as_json()


def pages(next_page: Callable[[World, int], str]) -> Lie:
    """List the specification on a page that says where the next one is."""

    def lie(world: World) -> None:
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [world.entry]}).encode()

        def reply(handler: Handler) -> None:
            count = len(world.server.asked("GET", "/referrers/"))
            handler.reply(200, body, {"Content-Type": OCI_INDEX, "Link": next_page(world, count)})

        world.answer("GET", "/referrers/", reply)

    return lie


def at(method: str, path: str, reply: Reply) -> Lie:
    return lambda world: world.answer(method, path, reply)


def of(path: str, make: Callable[[World], Reply], method: str = "GET") -> Lie:
    """Answer by the world: ``path`` may hold SPEC, LAYER (of the specification), BLOB (of the image) and TAG."""

    def lie(world: World) -> None:
        names = {"SPEC": world.spec.digest, "LAYER": world.layer.digest, "BLOB": BLOB_DIGEST, "TAG": world.tag}
        world.answer(method, re.sub("|".join(names), lambda found: names[found[0]], path), make(world))

    return lie


def elsewhere(world: World, location: str = "http://{other}/there") -> Reply:
    world.other.fault("GET", "/there", status(200, SPEC_TEXT))
    return status(307, Location=location.format(other=world.other.address))


READING: dict[str, tuple[Lie, int]] = {
    # the image's manifest
    "a header with another digest": (lambda w: w.manifest(w.raw("v1"), Docker_Content_Digest=OTHER_DIGEST), 1),
    "a header that is no digest": (lambda w: w.manifest(w.raw("v1"), Docker_Content_Digest="sha256:../x"), OK),
    "a web page for a manifest": (lambda w: w.manifest(b"<html>", "text/html"), 1),
    "a manifest called a web page": (lambda w: w.manifest(w.raw("v1"), "text/html"), 1),
    "a manifest called an index": (lambda w: w.manifest(w.raw("v1"), OCI_INDEX), 1),
    "a manifest of an unknown type": (lambda w: w.changed(mediaType="application/x-other"), 1),
    "a manifest that is no JSON": (lambda w: w.manifest(b"{"), 1),
    "a manifest that is a list": (lambda w: w.manifest(b"[]"), 1),
    "no manifest at all": (lambda w: w.manifest(b""), 1),
    "a manifest of NaN": (lambda w: w.manifest(b'{"schemaVersion": NaN}'), 1),
    "a manifest 100,000 lists deep": (lambda w: w.manifest(b"[" * 100_000), 1),
    "a manifest in another encoding": (lambda w: w.manifest(w.raw("v1").decode().encode("utf-16")), 1),
    "keys that occur twice": (lambda w: w.manifest(w.raw("v1").replace(b"{", b'{"schemaVersion":2,', 1)), 1),
    "a manifest too large": (lambda w: w.manifest(w.raw("v1").ljust(MAX_MANIFEST + 1)), 1),
    "a manifest without end": (at("GET", "/manifests/v1$", endless), 1),
    "a manifest that always breaks off": (of("/manifests/v1$", lambda w: truncated(w.raw("v1"), 10)), 1),
    "layers and manifests at once": (lambda w: w.changed(manifests=[]), 1),
    "keys that differ in case": (lambda w: w.changed(Layers=[w.image.as_json()]), 1),
    "a byte order mark": (lambda w: w.manifest(b"\xef\xbb\xbf" + w.raw("v1")), 1),
    "schema version 1": (lambda w: w.changed(schemaVersion=1), 1),
    "a config that is null": (lambda w: w.changed(config=None), 1),
    "layers that are null": (lambda w: w.changed(layers=None), 1),
    "a layer that is null": (lambda w: w.changed(layers=[None]), 1),
    "annotations that are numbers": (lambda w: w.changed(annotations={"a": 1}), 1),
    "a subject that is a text": (lambda w: w.changed(subject="x"), 1),
    "a negative size": (lambda w: w.changed(config=w.image.as_json() | {"size": -1}), 1),
    "a size beyond 64 bits": (lambda w: w.changed(config=w.image.as_json() | {"size": 1 << 64}), 1),
    "a digest that is a path": (lambda w: w.changed(config=w.image.as_json() | {"digest": "sha256:../../x"}), 1),
    "10,001 layers": (lambda w: w.changed(layers=[w.image.as_json()] * 10_001), 1),
    "a compressed manifest": (of("/manifests/v1$", lambda w: encoded(w.raw("v1"), OCI_MANIFEST)), 1),
    "a compressed bomb": (at("GET", "/manifests/v1$", encoded(bytes(50 << 20), OCI_MANIFEST)), 1),
    # the connection
    "a status line of garbage": (at("GET", "/manifests/v1$", wire(b"\0\1\2 what?\r\n\r\n")), 1),
    "a status that is none": (at("GET", "/manifests/v1$", wire(b"HTTP/1.1 999999 ?\r\n\r\n")), 1),
    "a thousand headers": (at("GET", "/manifests/v1$", wire(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000)), 1),
    "a header of a megabyte": (at("GET", "/manifests/v1$", wire(b"HTTP/1.1 200 OK\r\nX: " + b"y" * (1 << 20))), 1),
    "chunks of garbage": (
        at("GET", "/manifests/v1$", wire(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")),
        1,
    ),
    "an answer of another protocol": (at("GET", "/manifests/v1$", wire(b"\x15\x03\x01\0\2\2\x46")), 1),
    "resets without end": (at("GET", "/manifests/v1$", reset), 1),
    "busy without end": (at("GET", "/manifests/v1$", status(429, Retry_After="0")), 1),
    "busy until the year 2090": (at("GET", "/manifests/v1$", status(503, Retry_After="-1")), 1),
    "a failure with a web page": (at("GET", "/manifests/v1$", status(502, b"<html>" * 1000)), 1),
    "no content": (at("GET", "/manifests/v1$", status(204)), 1),
    "a part that nobody asked for": (of("/manifests/v1$", lambda w: status(206, w.raw("v1")[:100])), 1),
    "a teapot": (at("GET", "/manifests/v1$", status(418, b'{"errors": [null]}')), 1),
    "an error of errors": (at("GET", "/manifests/v1$", status(400, b'{"errors": {"x": [[]]}}')), 1),
    "forbidden": (at("GET", "/manifests/v1$", status(403)), 1),
    "a challenge of nothing": (at("GET", "/manifests/v1$", status(401)), 1),
    "a challenge of garbage": (at("GET", "/manifests/v1$", status(401, WWW_Authenticate='Bearer realm="\\"')), 1),
    "a realm in the instance's metadata": (
        at("GET", "/manifests/v1$", status(401, WWW_Authenticate='Bearer realm="http://169.254.169.254/"')),
        1,
    ),
    "absent": (at("GET", "/manifests/v1$", status(404)), 3),
    # redirects
    "a redirect in a circle": (at("GET", "/manifests/v1$", status(302, Location="/v2/team/app/manifests/v1")), 1),
    "a redirect to nowhere": (at("GET", "/manifests/v1$", status(302)), 1),
    "a redirect to a file": (at("GET", "/manifests/v1$", status(302, Location="file:///etc/passwd")), 1),
    "a redirect to the instance's metadata": (
        at("GET", "/manifests/v1$", status(302, Location="http://169.254.169.254/latest")),
        1,
    ),
    "a redirect that holds credentials": (
        of("/blobs/LAYER", lambda w: elsewhere(w, "http://me:secret@{other}/there")),
        1,
    ),
    "a redirect of a blob to another host": (of("/blobs/LAYER", elsewhere), OK),
    # the list of referrers
    "a web page for referrers": (at("GET", "/referrers/", status(200, b"<html>", Content_Type="text/html")), OK),
    "a manifest for referrers": (of("/referrers/", lambda w: status(200, w.raw("v1"), Content_Type=OCI_MANIFEST)), OK),
    "referrers that are no JSON": (at("GET", "/referrers/", status(200, b"{", Content_Type=OCI_INDEX)), 14),
    "referrers that are null": (lambda w: w.listing(manifests=None), 3),
    "referrers that are an object": (lambda w: w.listing(manifests={}), 14),
    "entries that are none": (lambda w: w.listing(None, 1, "x", [], {}, {"digest": None}, w.entry), OK),
    "an entry listed three times": (lambda w: w.listing(w.entry, w.entry, w.entry), OK),
    "an entry of another type": (lambda w: w.listing(w.entry | {"artifactType": "application/x-other"}), OK),
    "an entry of another size": (lambda w: w.listing(w.entry | {"size": 1}), OK),
    "an entry of another date": (lambda w: w.listing(w.entry | {"annotations": {"x": "2090"}}), OK),
    "an entry that is not there": (lambda w: w.listing(w.entry | {"digest": OTHER_DIGEST}), 3),
    "an entry that is not there, and one that is": (
        lambda w: w.listing(w.entry | {"digest": OTHER_DIGEST}, w.entry),
        OK,
    ),
    "an entry of a huge manifest": (lambda w: w.listing(w.entry | {"size": 1 << 40}), 3),
    "an entry that is the image itself": (lambda w: w.listing(w.image.as_json()), 3),
    "a specification of another image": (lambda w: w.listing(foreign(w)), 3),
    "a newer one of another image": (lambda w: w.listing(foreign(w), w.entry), OK),
    "a manifest that is another one": (
        of("/manifests/SPEC", lambda w: status(200, w.raw("v1"), Content_Type=OCI_MANIFEST)),
        3,
    ),
    "no more than 10,000 entries": (lambda w: w.listing(*[{}] * 10_001), 14),
    "more than can be looked at": (
        lambda w: w.listing(
            *({"mediaType": OCI_MANIFEST, "digest": f"sha256:{n:064x}", "size": 2} for n in range(MAX_CANDIDATES + 1))
        ),
        14,
    ),
    "pages in a circle": (pages(lambda w, _: f"</v2/team/app/referrers/{w.image.digest}>; rel=next"), 14),
    "pages without end": (pages(lambda _, count: f'</v2/team/app/referrers/x?page={count}>; rel="next"'), 14),
    "a page on another host": (pages(lambda w, _: f"<http://{w.other.address}/x>; rel=next"), 1),
    "a page that is a file": (pages(lambda *_: "<file:///etc/passwd>; rel=next"), 1),
    "a page of garbage": (pages(lambda *_: "<<>>; rel=next, ,;"), OK),
    "referrers that fail": (at("GET", "/referrers/", status(500)), 1),
    "a tag with a web page": (of("/manifests/TAG", lambda _: status(200, b"<html>", Content_Type="text/html")), 14),
    "a tag with an image": (of("/manifests/TAG", lambda w: status(200, w.raw("v1"), Content_Type=OCI_MANIFEST)), 14),
    "a tag that is forbidden": (of("/manifests/TAG", lambda _: status(403)), 1),
    # the specification
    "other bytes of the same length": (of("/blobs/LAYER", lambda _: status(200, b"x" * len(SPEC_TEXT))), 1),
    "one byte too many": (of("/blobs/LAYER", lambda _: status(200, SPEC_TEXT + b" ")), 1),
    "one byte too few": (of("/blobs/LAYER", lambda _: status(200, SPEC_TEXT[:-1])), 1),
    "bytes without end": (of("/blobs/LAYER", lambda _: endless), 1),
    "a blob that always breaks off": (of("/blobs/LAYER", lambda _: truncated(SPEC_TEXT, 10)), 1),
    "a web page for a blob": (of("/blobs/LAYER", lambda _: status(200, b"<html>", Content_Type="text/html")), 1),
    "a compressed blob": (of("/blobs/LAYER", lambda _: encoded(SPEC_TEXT, "application/octet-stream")), 1),
    "a blob that is gone": (of("/blobs/LAYER", lambda _: status(404)), 3),
}


@pytest.mark.parametrize("name", READING)
def test_what_is_read_from_a_liar_is_right_or_an_error(world: World, name: str) -> None:
    lie, expected = READING[name]
    lie(world)
    code, content = OK, b""
    try:
        content = api.pull(world.reference)[0]
    except CompatError as error:
        code = error.exit_code
    assert code == expected
    assert content == (SPEC_TEXT if expected == OK else b"")
    assert not [one for one in world.other.seen if one.authorization or one.method != "GET"]


def dropping(world: World) -> None:
    world.server.api = True
    world.answer("PUT", "/manifests/sha256:", status(201))


UPLOADS = "/blobs/uploads/"
WRITING: dict[str, tuple[Lie, int]] = {
    "an upload to another host": (
        of(UPLOADS, lambda w: status(202, Location=f"http://{w.other.address}/x"), "POST"),
        1,
    ),
    "an upload to another scheme": (
        of(UPLOADS, lambda w: status(202, Location=f"https://{w.server.address}/x"), "POST"),
        1,
    ),
    "an upload to a host with credentials": (
        of(UPLOADS, lambda w: status(202, Location=f"http://me:secret@{w.server.address}/x"), "POST"),
        1,
    ),
    "an upload to nowhere": (at("POST", UPLOADS, status(202)), 1),
    "an upload that is done before it began": (at("POST", UPLOADS, status(201)), 1),
    "an upload sent elsewhere by a redirect": (of(UPLOADS, elsewhere, "POST"), 1),
    "uploads that always break off": (at("PUT", UPLOADS, reset), 1),
    "uploads that are always lost": (at("PUT", UPLOADS, status(404)), 1),
    "an upload that stored something else": (at("PUT", UPLOADS, status(201, Docker_Content_Digest=OTHER_DIGEST)), 1),
    "an upload that is refused": (at("PUT", UPLOADS, status(400, b'{"errors":[{"code":"DIGEST_INVALID"}]}')), 1),
    "an upload that is too large": (at("PUT", UPLOADS, status(413)), 1),
    "busy at every upload": (at("POST", UPLOADS, status(429, Retry_After="0")), 1),
    "a manifest stored as something else": (at("PUT", "/sha256:", status(201, Docker_Content_Digest=OTHER_DIGEST)), 1),
    "a manifest that is refused": (at("PUT", "/manifests/sha256:", status(400)), 1),
    "a list that is taken and dropped": (of("/manifests/TAG", lambda _: status(201), "PUT"), 14),
    "a list that may not be written": (of("/manifests/TAG", lambda _: status(403), "PUT"), 14),
    "a list that is no list": (of("/manifests/TAG", lambda _: status(200, b"<html>", Content_Type="text/html")), 14),
    "an API that never lists": (lambda w: w.listing(), 14),
    "an API that lists another": (lambda w: w.listing(foreign(w)), 14),
    "a manifest that an API takes and drops": (dropping, 14),
}


@pytest.mark.parametrize("name", WRITING)
def test_what_a_liar_says_it_took_is_looked_for(world: World, name: str) -> None:
    lie, expected = WRITING[name]
    lie(world)
    code = OK
    try:
        api.attach(world.reference, OTHER_SPEC)
    except CompatError as error:
        code = error.exit_code
    assert code == expected
    assert world.other.seen == []
    world.server.faults.clear()
    if expected == OK:
        assert api.pull(world.reference)[0] == OTHER_SPEC


COPYING: dict[str, tuple[Lie, int]] = {
    "a layer of other bytes": (of("/blobs/BLOB", lambda _: status(200, b"another ")), 1),
    "a layer that goes on": (of("/blobs/BLOB", lambda _: status(200, b"a layer and more")), 1),
    "a layer without end": (of("/blobs/BLOB", lambda _: endless), 1),
    "a layer that always ends early": (of("/blobs/BLOB", lambda _: truncated(b"a layer ", 3)), 1),
    "a layer that is gone": (of("/blobs/BLOB", lambda _: status(404)), 3),
}


@pytest.mark.parametrize("name", COPYING)
def test_a_copy_from_a_liar_has_no_tag(world: World, name: str) -> None:
    """Nothing under the tag, and no blob that is not what its name says."""
    lie, expected = COPYING[name]
    layout = empty_layout(world.files / "copy")
    lie(world)
    with pytest.raises(CompatError) as caught:
        api.copy(world.reference, f"oci-dir:{world.files}/copy:v1")
    assert caught.value.exit_code == expected
    assert layout.referrers(world.image.digest) == ()
    for path in (world.files / "copy/blobs/sha256").iterdir():
        assert describe(path.read_bytes(), "x").digest == f"sha256:{path.name}"
    with pytest.raises(CompatError):
        layout.resolve("v1")


def test_a_broken_upload_is_taken_up_again(world: World) -> None:
    world.server.fault("PUT", UPLOADS, reset, times=2)
    api.attach(world.reference, OTHER_SPEC)
    assert api.pull(world.reference)[0] == OTHER_SPEC


def test_an_index_whose_child_is_something_else_is_not_copied(world: World) -> None:
    push_index(repository_of(world.server), "v2", world.image.as_json() | {"size": 7})
    with pytest.raises(CompatError, match="not what its index says"):
        api.copy(world.reference.replace(":v1", ":v2"), f"oci-dir:{world.files}/copy:v1")
