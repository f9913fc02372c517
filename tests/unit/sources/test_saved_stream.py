"""What a daemon streams out, in every order and form that daemons are known to use, and some that they should not."""

import io
import random
import tarfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pytest

from compatbuild.errors import ImageError
from compatbuild.image.build import build_view
from compatbuild.image.config import parse_config
from compatbuild.image.decompress import Readable
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import ImageView
from compatbuild.sources.saved_stream import SavedStream, StreamedLayer, require_same
from tests.builders.images import INDEX, MANIFEST, describe, image_config, index, manifest, to_json
from tests.builders.layers import Layer, file, layer, sha256, whiteout

EVERYTHING = Interests((FileInterest("/**"),))
PLAIN = [
    layer(file("etc/os-release", b"ID=some\n"), file("gone"), compress="plain"),
    layer(whiteout("gone"), file("b"), compress="plain"),
]
MIXED = [
    layer(file("etc/os-release", b"ID=some\n"), file("gone")),
    layer(whiteout("gone"), file("b"), compress="zstd"),
]


def archive(members: Sequence[tuple[str, bytes | str]]) -> bytes:
    """Return a tar archive; a text is the target of a symbolic link."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:") as writer:
        for name, content in members:
            info = tarfile.TarInfo(name)
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                writer.addfile(info)
            else:
                info.size = len(content)
                writer.addfile(info, io.BytesIO(content))
    return target.getvalue()


def classic(layers: Sequence[Layer], config: bytes) -> list[tuple[str, bytes | str]]:
    """Docker before 25: directories named by what is no digest of anything in them, the manifest last."""
    members: list[tuple[str, bytes | str]] = []
    for number, one in enumerate(layers):
        name = sha256(f"v1 {number}".encode()).removeprefix("sha256:")
        members += [(f"{name}/VERSION", b"1.0"), (f"{name}/json", b'{"id":"x"}'), (f"{name}/layer.tar", one.blob)]
    members.append((f"{sha256(config).removeprefix('sha256:')}.json", config))
    saved = [{"Config": "c", "RepoTags": None, "Layers": [name for name, _ in members if name.endswith("layer.tar")]}]
    return [*sorted(members), ("manifest.json", to_json(saved)), ("repositories", b"{}")]


def podman(layers: Sequence[Layer], config: bytes) -> list[tuple[str, bytes | str]]:
    """Podman: layers in their order, and links to them from where they used to be."""
    names = [f"{one.diff_id.removeprefix('sha256:')}.tar" for one in layers]
    members: list[tuple[str, bytes | str]] = [(name, one.blob) for name, one in zip(names, layers, strict=True)]
    members.append((f"{sha256(config).removeprefix('sha256:')}.json", config))
    members += [(f"{number}/layer.tar", f"../{name}") for number, name in enumerate(names)]
    return [*members, ("manifest.json", b"[]")]


def blobs(*contents: bytes) -> list[tuple[str, bytes | str]]:
    """Docker 25 and later: blobs by the digits of their digest, in that order."""
    return sorted((f"blobs/{sha256(content).replace(':', '/')}", content) for content in contents)


def stream_of(raw: bytes, image: str, layers: Sequence[Layer]) -> SavedStream:
    def opened() -> AbstractContextManager[Readable]:
        return io.BytesIO(raw)

    return SavedStream(opened, image, [one.diff_id for one in layers], "docker:app")


def view(raw: bytes, image: str, layers: Sequence[Layer], config: bytes) -> ImageView:
    stream = stream_of(raw, image, layers)
    streamed = [StreamedLayer(stream, one.diff_id) for one in layers]
    merged = build_view(parse_config(config, DEFAULT), streamed, EVERYTHING)
    assert stream.config() == parse_config(config, DEFAULT)
    return merged


def is_the_image(merged: ImageView) -> bool:
    return set(merged.nodes) == {"/", "/etc", "/etc/os-release", "/b"} and merged.os_release == {"ID": "some"}


@pytest.mark.parametrize("form", [classic, podman])
def test_an_archive_of_the_classic_store_or_of_podman(form: Any) -> None:
    config = image_config(PLAIN)
    assert is_the_image(view(archive(form(PLAIN, config)), sha256(config), PLAIN, config))


def test_layers_as_they_were_pulled_in_an_index_with_attestations_and_another_platform() -> None:
    config, other = image_config(MIXED), [layer(file("else"))]
    theirs = image_config(other, architecture="arm64")
    top, second = manifest(MIXED, config), manifest(other, theirs)
    attested = manifest([], b"{}", layers=[describe(b'{"_type":"x"}', "application/vnd.in-toto+json")])
    entries = [describe(attested, MANIFEST), describe(second, MANIFEST), describe(top, MANIFEST)]
    listing = index(*entries)
    stored = blobs(config, theirs, top, second, attested, listing, *(one.blob for one in (*MIXED, *other)))
    raw = archive([*stored, ("index.json", index(describe(listing, INDEX))), ("oci-layout", b"{}")])
    assert is_the_image(view(raw, sha256(listing), MIXED, config))


def test_a_platform_whose_content_was_never_pulled_is_not_missed() -> None:
    config = image_config(MIXED)
    top = manifest(MIXED, config)
    listing = index(describe(b"not here", MANIFEST), describe(top, MANIFEST))
    raw = archive(blobs(config, top, listing, *(one.blob for one in MIXED)))
    assert is_the_image(view(raw, sha256(listing), MIXED, config))


@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_the_members_does_not_matter(seed: int) -> None:
    config = image_config(PLAIN)
    members = classic(PLAIN, config)
    random.Random(seed).shuffle(members)
    assert is_the_image(view(archive(members), sha256(config), PLAIN, config))


def test_a_layer_that_occurs_twice_is_sent_once() -> None:
    twice = [PLAIN[0], PLAIN[0]]
    config = image_config(twice)
    merged = view(archive(podman([PLAIN[0]], config)), sha256(config), twice, config)
    assert set(merged.nodes) == {"/", "/etc", "/etc/os-release", "/gone"}


def test_names_that_lie_about_a_digest_change_nothing() -> None:
    config = image_config(PLAIN)
    names = [f"{one.diff_id.removeprefix('sha256:')}.tar" for one in reversed(PLAIN)]
    swapped = [(name, one.blob) for name, one in zip(names, PLAIN, strict=True)]
    raw = archive([*swapped, (f"{sha256(config).removeprefix('sha256:')}.json", config)])
    assert is_the_image(view(raw, sha256(config), PLAIN, config))


def test_a_layer_with_another_content_is_not_the_layer() -> None:
    config = image_config(PLAIN)
    other = layer(file("b", b"evil"), compress="plain")
    raw = archive(podman([PLAIN[0], Layer(other.blob, PLAIN[1].diff_id, other.media_type)], config))
    with pytest.raises(ImageError, match="did not send all of its 2 layers"):
        view(raw, sha256(config), PLAIN, config)


def test_a_config_with_another_digest_is_not_the_config() -> None:
    config = image_config(PLAIN)
    raw = archive(podman(PLAIN, config + b" "))
    with pytest.raises(ImageError, match="no config whose digest leads to"):
        view(raw, sha256(config), PLAIN, config)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.8])
def test_an_archive_cut_off_is_an_error_and_never_a_smaller_image(share: float) -> None:
    config = image_config(PLAIN)
    raw = archive(classic(PLAIN, config))
    end = int(len(raw.rstrip(b"\0")) * share)
    with pytest.raises(ImageError):
        view(raw[:end], sha256(config), PLAIN, config)


@pytest.mark.parametrize("junk", [b"", b"x" * 5000, b"\x1f\x8b\x08" + b"x" * 600, b"{" * 600, b"\0" * 2048])
def test_what_is_no_layer_is_passed_over(junk: bytes) -> None:
    config = image_config(PLAIN)
    raw = archive([("a", junk), *podman(PLAIN, config), ("z", junk)])
    assert is_the_image(view(raw, sha256(config), PLAIN, config))


def test_a_damaged_layer_is_named() -> None:
    config = image_config(MIXED)
    damaged = [
        (name, content[:-9] if content is MIXED[0].blob else content)
        for name, content in blobs(*(one.blob for one in MIXED), config)
    ]
    with pytest.raises(ImageError, match=r"could not be read: .*gzip stream is cut off"):
        view(archive(damaged), sha256(config), MIXED, config)


def test_documents_are_kept_within_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.sources.saved_stream.MAX_DOCUMENTS", 600)
    config = image_config(PLAIN)
    padding: Mapping[str, bytes] = {f"{n}.json": b'{"n":"' + b"x" * 500 + b'"}' for n in range(4)}
    with pytest.raises(ImageError, match="no config whose digest leads to"):
        view(archive([*padding.items(), *podman(PLAIN, config)]), sha256(config), PLAIN, config)


def test_an_index_that_names_itself_ends() -> None:
    config = image_config(PLAIN)
    raw = archive(podman(PLAIN, config))
    stream = stream_of(raw, "sha256:" + "0" * 64, PLAIN)
    build_view(parse_config(config, DEFAULT), [StreamedLayer(stream, one.diff_id) for one in PLAIN], EVERYTHING)
    with pytest.raises(ImageError, match="no config"):
        stream.config()


@pytest.mark.parametrize("runtime", [{"Cmd": ["/other"]}, {"WorkingDir": "/srv"}])
def test_a_daemon_that_sends_another_image_than_it_described_is_not_believed(runtime: Mapping[str, Any]) -> None:
    own, told = (parse_config(image_config(PLAIN, fields), DEFAULT) for fields in (runtime, {}))
    with pytest.raises(ImageError, match="described another image than it sent"):
        require_same(own, told, "docker:app")
    require_same(own, own, "docker:app")
