"""Docker and OCI archives as their writers make them, and as nobody should."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import CompatError, ImageError, NotFoundError, SourceError, UsageError
from compatbuild.image.decompress import decompressed
from compatbuild.image.limits import DEFAULT
from compatbuild.sources.archive import open_archive
from tests.builders.images import (
    INDEX,
    MANIFEST,
    describe,
    docker_archive,
    image_config,
    index,
    manifest,
    oci_archive,
    oci_files,
    to_json,
    write_tar,
)
from tests.builders.layers import Layer, file, layer, sha256, tar
from tests.builders.layers import symlink as link
from tests.unit.sources.reading import is_the_image, read


def digits(content: bytes) -> str:
    return sha256(content).removeprefix("sha256:")


def old_docker(path: Path, layers: list[Layer], config: bytes) -> Path:
    """Write what docker before 25 does: a directory for each layer, by another name than its diff ID."""
    plain = [content_of(one) for one in layers]
    files = {f"{digits(one.blob + b'v1')}/layer.tar": raw for one, raw in zip(layers, plain, strict=True)}
    saved = [{"Config": f"{digits(config)}.json", "RepoTags": ["app:v1"], "Layers": list(files)}]
    noise = {f"{Path(name).parent}/VERSION": b"1.0" for name in files}
    rest = {f"{digits(config)}.json": config, "manifest.json": to_json(saved), "repositories": b"{}"}
    return write_tar(path, dict(sorted((files | noise).items())) | rest)


def new_docker(path: Path, layers: list[Layer], config: bytes) -> Path:
    """Write what docker since 25 does: an OCI layout of raw layers, with docker's manifest beside its own."""
    raw = [Layer(content_of(one), one.diff_id, "application/vnd.oci.image.layer.v1.tar") for one in layers]
    top = manifest(raw, config)
    saved = [
        {
            "Config": f"blobs/sha256/{digits(config)}",
            "RepoTags": ["app:v1"],
            "Layers": [f"blobs/sha256/{digits(one.blob)}" for one in raw],
        }
    ]
    files = oci_files([config, top, *(one.blob for one in raw)], [describe(top, MANIFEST)])
    return write_tar(path, dict(sorted(files.items())) | {"manifest.json": to_json(saved)})


def with_links(path: Path, layers: list[Layer], config: bytes) -> Path:
    """Write what podman and skopeo do: layers by diff ID, and links to them by the old names, which are named."""
    with tarfile.open(path, "w:") as archive:
        names = []
        for number, one in enumerate(layers):
            add(archive, f"{digits(content_of(one))}.tar", content_of(one))
            info = tarfile.TarInfo(f"old{number}/layer.tar")
            info.type, info.linkname = tarfile.SYMTYPE, f"../{digits(content_of(one))}.tar"
            archive.addfile(info)
            names.append(info.name)
        add(archive, "config.json", config)
        add(archive, "manifest.json", to_json([{"Config": "config.json", "RepoTags": None, "Layers": names}]))
    return path


def content_of(one: Layer) -> bytes:
    return b"".join(decompressed(io.BytesIO(one.blob), DEFAULT))


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    archive.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize("write", [docker_archive, old_docker, new_docker, with_links])
def test_every_writer_of_docker_archives_is_read(
    write: Callable[..., Path], tmp_path: Path, layers: list[Layer], config: bytes
) -> None:
    path = write(tmp_path / "image.tar", layers, config)
    opened = read(f"docker-archive:{path}")
    assert is_the_image(opened)
    assert opened.digest == ""
    assert opened.view.layers == tuple(one.diff_id for one in layers)
    assert is_the_image(read(str(path)))


def saved(path: Path, *entries: Any, **files: bytes) -> str:
    """Write an archive with this ``manifest.json``, and return how to name it."""
    return f"docker-archive:{write_tar(path / 'image.tar', {'manifest.json': to_json(list(entries))} | files)}"


def test_one_of_several_images_is_named_by_its_tag(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    other = image_config([])
    one = {"Config": "one", "RepoTags": ["docker.io/library/app:v1"], "Layers": ["a", "b"]}
    two = {"Config": "two", "RepoTags": ["team/other:v2", "team/other:latest"], "Layers": []}
    text = saved(tmp_path, one, two, one=config, two=other, a=layers[0].blob, b=layers[1].blob)
    assert is_the_image(read(f"{text}:app:v1"))
    assert is_the_image(read(f"{text}:docker.io/library/app:v1"))
    assert set(read(f"{text}:latest").view.nodes) == {"/"}
    with pytest.raises(UsageError, match="has 2 images") as caught:
        read(text)
    assert caught.value.why == "it has docker.io/library/app:v1, team/other:v2"
    with pytest.raises(NotFoundError, match="has no image v3"):
        read(f"{text}:v3")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[1]",
        b"[{}]",
        b'[{"Config": 1}]',
        b'[{"Config": "c", "Layers": "l"}]',
        b'[{"Config": "c", "Layers": [1]}]',
        b"[" * 100_000,
        to_json([{}] * 1001),
    ],
)
def test_a_malformed_manifest_is_an_image_error(content: bytes, tmp_path: Path) -> None:
    path = write_tar(tmp_path / "image.tar", {"manifest.json": content})
    with pytest.raises(ImageError, match=r"manifest.json in .* is malformed"):
        read(f"docker-archive:{path}")


def test_a_manifest_with_too_many_layers_is_refused(tmp_path: Path) -> None:
    content = to_json([{"Config": "c", "Layers": ["l"] * 1001}])
    path = write_tar(tmp_path / "image.tar", {"manifest.json": content})
    with pytest.raises(ImageError, match="1,001 layers"):
        read(f"docker-archive:{path}")


@pytest.mark.parametrize("missing", ["Config", "Layers"])
def test_a_part_that_is_named_and_not_there_is_not_found(missing: str, tmp_path: Path, layers: list[Layer]) -> None:
    entry = {"Config": "config", "Layers": ["a"]} | {missing: "none" if missing == "Config" else ["../../etc/none"]}
    with pytest.raises(NotFoundError, match="has no"):
        read(saved(tmp_path, entry, config=image_config(layers[:1]), a=layers[0].blob))


def test_as_many_diff_ids_as_layers(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    with pytest.raises(ImageError, match="names 1 layers, the image config 2 diff IDs"):
        read(saved(tmp_path, {"Config": "c", "Layers": ["a"]}, c=config, a=layers[0].blob))


def test_a_layer_of_another_diff_id_is_refused(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    with pytest.raises(ImageError, match="diff ID"):
        read(saved(tmp_path, {"Config": "c", "Layers": ["b", "a"]}, c=config, a=layers[0].blob, b=layers[1].blob))


def test_the_platform_of_a_saved_image_is_checked(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    text = f"docker-archive:{docker_archive(tmp_path / 'image.tar', layers, config)}"
    assert is_the_image(read(text, "linux/amd64"))
    with pytest.raises(NotFoundError, match="it is for linux/amd64"):
        read(text, "linux/arm64")


def test_links_in_an_archive_lead_nowhere_but_into_it(tmp_path: Path) -> None:
    entries = [link("a", "/etc/passwd"), link("b", "../../b"), link("loop", "loop"), link("c", "d"), file("d", b"it")]
    (tmp_path / "x.tar").write_bytes(tar(entries))
    with open_archive(tmp_path / "x.tar") as archive:
        assert archive.read("c", 10) == archive.read("/c", 10) == archive.read("../c", 10) == b"it"
        for name in ("a", "b", "loop", "etc/passwd"):
            with pytest.raises(NotFoundError):
                archive.open(name)


def test_a_part_over_its_limit_is_refused(tmp_path: Path) -> None:
    with (
        open_archive(write_tar(tmp_path / "x.tar", {"a": b"12345"})) as archive,
        pytest.raises(ImageError, match="5 bytes"),
    ):
        archive.read("a", 4)


def test_members_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.sources.archive.MAX_MEMBERS", 2)
    path = write_tar(tmp_path / "x.tar", {"a": b"", "b": b"", "c": b""})
    with pytest.raises(ImageError, match="more than 2 members"), open_archive(path):
        pass


def test_a_pipe_or_a_directory_is_no_archive(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(SourceError, match="no regular file"), open_archive(path):
            pass


def named(layers: list[Layer], config: bytes, **names: str) -> dict[str, Any]:
    annotations = {"ref": "org.opencontainers.image.ref.name", "full": "io.containerd.image.name"}
    return describe(
        manifest(layers, config), MANIFEST, annotations={annotations[key]: name for key, name in names.items()}
    )


@pytest.mark.parametrize(
    ("names", "tag"),
    [
        ({"ref": "v1"}, "v1"),
        ({"ref": "docker.io/library/app:v1"}, "v1"),
        ({"ref": "docker.io/library/app:v1"}, "docker.io/library/app:v1"),
        ({"ref": "v1", "full": "docker.io/library/app:v1"}, "docker.io/library/app:v1"),
        ({"ref": "v1"}, ""),
    ],
)
def test_an_image_of_an_oci_archive_is_named_as_its_writer_named_it(
    names: dict[str, str], tag: str, tmp_path: Path, layers: list[Layer], config: bytes
) -> None:
    top = manifest(layers, config)
    files = oci_files([top, config, *(one.blob for one in layers)], [named(layers, config, **names)])
    opened = read(f"oci-archive:{write_tar(tmp_path / 'x.tar', files)}" + (f":{tag}" if tag else ""))
    assert is_the_image(opened)
    assert opened.digest == sha256(top)


def test_several_images_of_an_oci_archive_are_a_question(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    other = layer(file("x"))
    entries = [named(layers, config, ref="v1"), named([other], image_config([other]), ref="v2")]
    path = write_tar(
        tmp_path / "x.tar", oci_files([manifest(layers, config), config, layers[0].blob, layers[1].blob], entries)
    )
    with pytest.raises(UsageError, match="it has v1, v2"):
        read(f"oci-archive:{path}")
    with pytest.raises(NotFoundError, match="it has v1, v2"):
        read(f"oci-archive:{path}:v3")
    assert is_the_image(read(f"oci-archive:{path}:v1"))
    assert is_the_image(read(f"oci-archive:{path}:{entries[0]['digest']}"))


@pytest.mark.parametrize("nested", [False, True])
def test_an_oci_archive_of_platforms_without_names_is_an_index(
    tmp_path: Path, layers: list[Layer], config: bytes, *, nested: bool
) -> None:
    arm = image_config(layers, architecture="arm64")
    tops = {"amd64": manifest(layers, config), "arm64": manifest(layers, arm)}
    entries = [describe(top, MANIFEST, platform={"os": "linux", "architecture": name}) for name, top in tops.items()]
    blobs = [config, arm, *tops.values(), *(one.blob for one in layers)]
    if nested:
        inner = index(*entries)
        files = oci_files([*blobs, inner], [describe(inner, INDEX)])
    else:
        files = oci_files(blobs, entries)
    opened = read(f"oci-archive:{write_tar(tmp_path / 'x.tar', files)}", "linux/arm64")
    assert (opened.view.config.architecture, opened.digest) == ("arm64", sha256(tops["arm64"]))


def test_an_oci_archive_without_images_has_none(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"index.json is empty"):
        read(f"oci-archive:{write_tar(tmp_path / 'x.tar', oci_files([], []))}")


def test_a_manifest_that_is_not_what_the_index_names_is_refused(
    tmp_path: Path, layers: list[Layer], config: bytes
) -> None:
    path = oci_archive(tmp_path / "x.tar", layers, config)
    content = path.read_bytes()
    path.write_bytes(
        content.replace(
            b'"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest',
            b'"schemaVersion":2,"mediaType":"application/vnd.oci.image.MANIFEST',
        )
    )
    with pytest.raises(CompatError, match="does not have its digest"):
        read(f"oci-archive:{path}")
