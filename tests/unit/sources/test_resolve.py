"""From what a user types to a source: prefixes, paths by their content, references, and what is said about it."""

import gzip
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from compatbuild.api import infer
from compatbuild.cache import open_cache
from compatbuild.errors import CompatError, ImageError, NotFoundError, RegistryError, SourceError, UsageError
from compatbuild.registry.options import RegistryOptions
from compatbuild.sources.resolve import open_image
from tests.builders.images import (
    docker_archive,
    image_config,
    image_files,
    manifest,
    oci_archive,
    oci_layout,
    skopeo_dir,
    write_tar,
)
from tests.builders.layers import Layer, file, layer, sha256
from tests.unit.registry.faults import FaultRegistry
from tests.unit.sources.reading import is_the_image, read

Write = Callable[[Path, list[Layer], bytes], Path]
WRITERS: dict[str, Write] = {
    "oci-dir": oci_layout,
    "oci-archive": oci_archive,
    "docker-archive": docker_archive,
    "dir": skopeo_dir,
}


@pytest.mark.parametrize("prefix", WRITERS)
def test_an_image_is_read_with_its_prefix_and_nothing_is_said(
    prefix: str, tmp_path: Path, layers: list[Layer], config: bytes
) -> None:
    path = WRITERS[prefix](tmp_path / "image", layers, config)
    opened = read(f"{prefix}:{path}")
    assert is_the_image(opened)
    assert (opened.scheme, opened.reference, opened.said) == (prefix, str(path), [])


@pytest.mark.parametrize("prefix", WRITERS)
def test_a_path_is_read_by_what_it_holds_and_that_is_said(
    prefix: str, tmp_path: Path, layers: list[Layer], config: bytes
) -> None:
    path = WRITERS[prefix](tmp_path / "image", layers, config)
    opened = read(str(path))
    assert is_the_image(opened)
    assert opened.scheme == prefix
    assert opened.said == [f"reading {path} as {prefix}:{path}"]


def test_a_relative_path_with_a_tag_is_a_path(
    tmp_path: Path, layers: list[Layer], config: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    oci_layout(tmp_path / "image", layers, config)
    monkeypatch.chdir(tmp_path)
    assert is_the_image(read("./image:v1"))
    assert is_the_image(read("image"))


@pytest.mark.parametrize(("alias", "prefix"), [("oci-layout", "oci-dir"), ("rootfs", "dir")])
def test_aliases_are_the_prefix_they_stand_for(
    alias: str, prefix: str, tmp_path: Path, layers: list[Layer], config: bytes
) -> None:
    path = WRITERS[prefix](tmp_path / "image", layers, config)
    assert read(f"{alias}:{path}").scheme == prefix


@pytest.mark.parametrize("form", ["registry:{}", "docker://{}", "{}"])
def test_a_reference_is_read_from_its_registry(
    form: str, server: FaultRegistry, layers: list[Layer], config: bytes
) -> None:
    serve(server, layers, config)
    opened = read(form.format(f"{server.address}/team/app:v1"))
    assert is_the_image(opened)
    assert opened.scheme == "registry"
    assert opened.reference == f"{server.address}/team/app:v1"
    assert bool(opened.said) is (form == "{}")


def serve(server: FaultRegistry, layers: list[Layer], config: bytes) -> None:
    for name, content in image_files(layers, config).items():
        if name.startswith("blobs/"):
            server.blobs[f"sha256:{Path(name).name}"] = content
    server.manifests["v1"] = (manifest(layers, config), "application/vnd.oci.image.manifest.v1+json")


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("oci-layot:image", "oci-layout"),
        ("oci:image:v1", "oci-dir"),
        ("docker-daemon:app:v1", "docker"),
        ("docker-achive:image.tar", "docker-archive"),
        ("Registry:app", "registry"),
        ("https://ghcr.io/x", ""),
        ("containers-storage:x", "podman"),
        ("what:/some/path", ""),
        ("what:./path", ""),
    ],
)
def test_an_unknown_prefix_names_the_nearest(text: str, near: str) -> None:
    with pytest.raises(UsageError, match="unknown prefix") as caught, open_image(text):
        pass
    assert f"{near}:" in caught.value.remedy if near else caught.value.remedy
    assert "oci-dir:" in caught.value.why


@pytest.mark.parametrize("text", ["ubuntu:22.04", "localhost:1/app", "app:latest", "127.0.0.1:1/a:b"])
def test_a_reference_with_a_colon_is_no_prefix(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def refused(text: str, *_: object) -> None:
        asked.append(text)
        raise NotFoundError("not asked")

    monkeypatch.setattr("compatbuild.sources.stored.open_stored", refused)
    with pytest.raises(NotFoundError), open_image(text):
        pass
    assert asked == [f"registry:{text}"]


@pytest.mark.parametrize(
    "text",
    [
        "/no/such/image.tar",
        "./none",
        "../none:v1",
        "oci-archive:none.tar",
        "docker-archive:none",
        "dir:none",
        "oci-dir:none",
        "oci-archive:",
        "dir:\0",
    ],
)
def test_a_missing_file_ends_with_the_code_for_nothing_found(text: str) -> None:
    with pytest.raises(CompatError) as caught, open_image(text):
        pass
    if text != "oci-archive:":
        assert isinstance(caught.value, NotFoundError)
        assert caught.value.exit_code == 3
    assert caught.value.why
    assert caught.value.remedy


def test_an_explicit_prefix_never_falls_through(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    archive = oci_archive(tmp_path / "image.tar", layers, config)
    for prefix, error in {"docker-archive": SourceError, "oci-dir": CompatError, "dir": UsageError}.items():
        with pytest.raises(error), open_image(f"{prefix}:{archive}"):
            pass


def test_a_directory_that_is_no_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    with pytest.raises(SourceError, match="is a directory, and not an image"), open_image(str(tmp_path / "notes")):
        pass


def test_an_archive_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not of an image"), open_image(str(write_tar(tmp_path / "x", {"a": b""}))):
        pass


@pytest.mark.parametrize("content", [b"", b"MZ" * 600, b"\x7fELF" * 200])
def test_a_file_that_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises((ImageError, SourceError)), open_image(str(tmp_path / "file")):
        pass


def test_a_compressed_archive_says_what_to_do(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    path = tmp_path / "image.tar.gz"
    path.write_bytes(gzip.compress(docker_archive(tmp_path / "image.tar", layers, config).read_bytes()))
    with pytest.raises(SourceError, match="compressed as a whole") as caught, open_image(str(path)):
        pass
    assert "decompress" in caught.value.remedy


def test_a_registry_that_does_not_answer_is_a_registry_error(tmp_path: Path) -> None:
    with pytest.raises(RegistryError), open_image("registry:127.0.0.1:1/app:v1"):
        pass


def test_an_archive_cut_off_is_refused(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    path = docker_archive(tmp_path / "image.tar", layers, config)
    with tarfile.open(path) as archive:
        last = max(member.offset_data for member in archive)
    path.write_bytes(path.read_bytes()[: last + 10])
    with pytest.raises(ImageError, match="not a whole tar archive"), open_image(f"docker-archive:{path}"):
        pass


def test_of_a_registry_only_what_is_new_is_fetched(
    server: FaultRegistry, layers: list[Layer], config: bytes, tmp_path: Path
) -> None:
    serve(server, layers, config)
    cache = open_cache(str(tmp_path / "cache"))

    def fetched() -> list[str]:
        server.seen.clear()
        infer(f"registry:{server.address}/team/app:v1", options=RegistryOptions(plain_http=True), cache=cache)
        return [one.path.rpartition("/")[2] for one in server.asked("GET", "/blobs/")]

    assert sorted(fetched()) == sorted([sha256(config), *(one.digest for one in layers)])
    assert fetched() == [sha256(config)]
    new = layer(file("etc/new"))
    rebuilt = image_config([*layers, new])
    serve(server, [*layers, new], rebuilt)
    assert sorted(fetched()) == sorted([sha256(rebuilt), new.digest])
