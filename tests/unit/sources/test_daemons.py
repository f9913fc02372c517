"""Answers of daemons that cannot be run here, and faults that cannot be provoked: a server that speaks as they do.

The forms are those of docker 28.5.2 (API 1.51, containerd's store): without a platform a name is an index, with one it
is described by its manifest, and is still exported by the index's digest.
"""

import json
import re
import socketserver
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from compatbuild.api import infer
from compatbuild.cache import open_cache
from compatbuild.errors import CompatError, ImageError, NotFoundError, SourceError, UsageError
from compatbuild.sources.resolve import open_index
from tests.builders.images import MANIFEST, describe, image_config, index, manifest, oci_layout, to_json
from tests.builders.layers import Layer, file, layer, sha256
from tests.unit.sources.reading import read
from tests.unit.sources.test_saved_stream import archive, blobs

DESCRIBED = b'{"Id":"sha256:' + b"0" * 64 + b'","Architecture":"amd64","Os":"linux","RootFS":%s}'
SHARED = layer(file("etc/os-release", b"ID=some\n"))


@dataclass
class FakeDaemon:
    """What it has, by platform: the image's layers. ``api`` is its version; ``cut`` ends exports after so many bytes."""

    path: Path
    images: dict[str, list[Layer]]
    api: str = "1.51"
    cut: int | None = None
    answers: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def config(self, architecture: str) -> bytes:
        return image_config(self.images[architecture], {"Cmd": ["/run"]}, architecture=architecture)

    def manifest(self, architecture: str) -> bytes:
        return manifest(self.images[architecture], self.config(architecture))

    @property
    def index(self) -> bytes:
        return index(*(describe(self.manifest(name), MANIFEST) for name in self.images), describe(b"absent", MANIFEST))

    def respond(self, target: str) -> tuple[int, bytes]:
        """Return status and body for a request's path and query."""
        self.asked.append(target)
        split = urlsplit(target)
        path = re.sub(r"^/v1\.[0-9]+", "", split.path)
        if path in self.answers:
            return self.answers[path]
        if path == "/version":
            return 200, to_json({"ApiVersion": self.api})
        if path == "/images/json":
            return 200, to_json([{"RepoTags": ["app:v1"]}, {"RepoTags": None}])
        found = re.fullmatch(r"/images/(app:v1|sha256:[0-9a-f]{64})/(json|get)", path)
        query = parse_qs(split.query)
        told = json.loads(query["platform"][0])["architecture"] if "platform" in query and self.knows else None
        if found is None or found[1] not in ("app:v1", sha256(self.index)) or told not in (None, *self.images):
            return 404, to_json({"message": "No such image"})
        own = told or next(iter(self.images))
        return 200, self.export(own) if found[2] == "get" else to_json(
            self.description(own, told, "manifests" in query)
        )

    @property
    def knows(self) -> bool:
        return tuple(map(int, self.api.split("."))) >= (1, 49)

    def description(self, own: str, told: str | None, every: bool) -> dict[str, Any]:  # noqa: FBT001
        image = sha256(self.manifest(own)) if told else sha256(self.index)
        document: dict[str, Any] = {"Id": image, "Architecture": own, "Os": "linux", "Config": {"Cmd": ["/run"]}}
        document["RootFS"] = {"Type": "layers", "Layers": [one.diff_id for one in self.images[own]]}
        if every:
            document["Manifests"] = [
                {"Kind": "image", "Available": True, "ImageData": {"Platform": {"os": "linux", "architecture": name}}}
                for name in self.images
            ] + [
                {
                    "Kind": "image",
                    "Available": False,
                    "ImageData": {"Platform": {"os": "linux", "architecture": "s390x"}},
                }
            ]
        return document

    def export(self, own: str) -> bytes:
        sent = [self.manifest(own), self.config(own), *(one.blob for one in self.images[own])]
        return archive([*blobs(*(sent if self.knows else [*sent, self.index])), ("oci-layout", b"{}")])


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeDaemon]:
    images = {name: [SHARED, layer(file("run", name.encode()), compress="zstd")] for name in ("amd64", "arm64")}
    made = FakeDaemon(tmp_path / "daemon.sock", images)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = made.respond(self.path)
            self.send_response(status)
            self.send_header("Transfer-Encoding", "chunked")
            if status == 307:
                self.send_header("Location", "/elsewhere")
            self.end_headers()
            cut = made.cut if self.path.partition("?")[0].endswith("/get") else None
            for piece in [body[at : at + 4096] for at in range(0, len(body), 4096)][:cut]:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if cut is None:
                self.wfile.write(b"0\r\n\r\n")
            else:
                self.close_connection = True

        def address_string(self) -> str:
            return "client"

        def log_message(self, *_: object) -> None:
            pass

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    monkeypatch.setenv("DOCKER_HOST", f"unix://{made.path}")
    with Server(str(made.path), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield made
        server.shutdown()


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_a_platform_of_an_index_is_described_and_exported_by_itself(architecture: str, daemon: FakeDaemon) -> None:
    opened = read("docker:app:v1", f"linux/{architecture}")
    assert opened.view.files["/run"] == architecture.encode()
    assert opened.view.config.architecture == architecture
    exports = [target for target in daemon.asked if "/get" in target]
    assert len(exports) == 1
    assert f"/images/{sha256(daemon.index)}/get?platform=" in exports[0]


def test_without_a_platform_it_is_the_daemons_own(daemon: FakeDaemon) -> None:
    assert read("docker:app:v1").view.config.architecture == "amd64"
    assert read("app:v1").said == [
        "reading app:v1 as docker:app:v1, for docker has it; registry:app:v1 reads it from its registry"
    ]


def test_all_platforms_are_those_that_are_there(daemon: FakeDaemon) -> None:
    with open_index("docker:app:v1") as found:
        assert [image.config.architecture for image in found.images] == ["amd64", "arm64"]
        assert found.digest == sha256(daemon.index)


def test_a_platform_that_is_not_there_lists_what_is(daemon: FakeDaemon) -> None:
    with pytest.raises(NotFoundError, match="docker:app:v1 has no linux/s390x") as caught:
        read("docker:app:v1", "linux/s390x")
    assert caught.value.why == "docker has it for linux/amd64, linux/arm64"
    assert "pull --platform linux/s390x" in caught.value.remedy


def test_an_older_daemon_is_not_asked_for_platforms(daemon: FakeDaemon) -> None:
    """It would ignore the wish, and send what it has."""
    daemon.api = "1.45"
    assert read("docker:app:v1", "linux/amd64").view.config.architecture == "amd64"
    with pytest.raises(NotFoundError, match="docker has it for linux/amd64"):
        read("docker:app:v1", "linux/arm64")
    assert not any("platform=" in target for target in daemon.asked)


@pytest.mark.parametrize("cut", [0, 1])
def test_an_export_that_breaks_off_is_an_error(cut: int, daemon: FakeDaemon) -> None:
    daemon.cut = cut
    with pytest.raises(SourceError, match="broke off an export") as caught:
        read("docker:app:v1")
    assert "disk" in caught.value.remedy


@pytest.mark.parametrize(
    ("path", "answer", "kind", "told"),
    [
        (
            "/images/app:v1/json",
            (500, b'{"message":"invalid reference format: repository name must be lowercase"}'),
            UsageError,
            "lowercase",
        ),
        ("/images/app:v1/json", (500, b'{"message":"no space left"}'), SourceError, "it answered 500: no space left"),
        ("/images/app:v1/json", (200, b"[]"), ImageError, "JSON object"),
        ("/images/app:v1/json", (200, b"<html>"), ImageError, "JSON"),
        ("/images/app:v1/json", (200, b'{"Id":"sha256:../x"}'), ImageError, "no digest"),
        ("/images/app:v1/json", (200, b'{"Id":"x","RootFS":[]}'), ImageError, "no digest"),
        ("/images/app:v1/json", (200, DESCRIBED % b'["Layers"]'), NotFoundError, "has no"),
        ("/images/app:v1/json", (200, DESCRIBED % b'{"Layers":"x"}'), ImageError, "diff ID"),
        ("/version", (200, b"{}"), SourceError, "No Docker daemon answers"),
        ("/version", (200, b"<html>"), SourceError, "No Docker daemon answers"),
        ("/version", (403, b"no"), SourceError, "No Docker daemon answers"),
    ],
)
def test_answers_that_make_no_sense_are_errors_of_ours(
    path: str, answer: tuple[int, bytes], kind: type[CompatError], told: str, daemon: FakeDaemon
) -> None:
    daemon.answers[path] = answer
    with pytest.raises(kind) as caught:
        read("docker:app:v1")
    assert told in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize("content", ["[]", "{", '{"proxies": []}', '{"auths": 1, "credHelpers": []}', '"x"'])
def test_a_docker_configuration_that_is_malformed_is_no_traceback(
    content: str, daemon: FakeDaemon, tmp_path: Path
) -> None:
    (tmp_path / "no-docker").mkdir()
    (tmp_path / "no-docker/config.json").write_text(content)
    try:
        assert read("docker:app:v1").view.nodes
    except SourceError as error:
        assert "No Docker daemon answers" in error.what  # noqa: PT017 - either is right


def test_a_daemon_sends_nobody_elsewhere(daemon: FakeDaemon) -> None:
    daemon.answers["/images/app:v1/json"] = (307, b'{"message":"elsewhere"}')
    with pytest.raises(SourceError, match="cannot describe app:v1"):
        read("docker:app:v1")
    assert "/elsewhere" not in daemon.asked


def test_an_answer_without_end_is_given_up(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.sources.daemon.MAX_ANSWER", 1000)
    daemon.answers["/images/app:v1/json"] = (200, b"{" * 5000)
    with pytest.raises(SourceError, match="too large"):
        read("docker:app:v1")


def test_an_image_that_was_read_is_described_and_not_exported_again(daemon: FakeDaemon, tmp_path: Path) -> None:
    cache = open_cache(str(tmp_path / "cache"))

    def reported() -> str:
        daemon.asked.clear()
        return infer("docker:app:v1", cache=cache).model_dump_json()

    fresh = reported()
    assert any("/get" in target for target in daemon.asked)
    assert reported() == fresh
    assert not any("/get" in target for target in daemon.asked)


def test_layers_that_are_known_from_elsewhere_need_the_config_of_the_export(daemon: FakeDaemon, tmp_path: Path) -> None:
    cache = open_cache(str(tmp_path / "cache"))
    layers = daemon.images["amd64"]
    config = daemon.config("amd64")
    expected = infer(f"oci-dir:{oci_layout(tmp_path / 'image', layers, config)}:v1", cache=cache)
    found = infer("docker:app:v1", cache=cache)
    assert (found.findings, found.image.platform) == (expected.findings, "linux/amd64")


def test_a_new_layer_of_an_image_is_found_in_its_export(daemon: FakeDaemon, tmp_path: Path) -> None:
    cache = open_cache(str(tmp_path / "cache"))
    infer("docker:app:v1", cache=cache)
    daemon.images["amd64"].append(layer(file("etc/new", b"new")))
    assert infer("docker:app:v1", cache=cache) == infer("docker:app:v1")
