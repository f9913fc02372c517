"""Libraries inside Java archives, and addons of Node.js."""

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.detectors.native_code import DETECTOR
from compatbuild.image.interests import Interests
from compatbuild.image.jar import JARS, MAX_ENTRIES, entries
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence
from tests.builders import images
from tests.builders.layers import file, layer
from tests.builders.metadata_images import jar
from tests.builders.views import by_id, elf, findings, image_view


def archive(*names: str, architecture: str = "amd64") -> ImageView:
    return image_view(files={"/app/lib/a.jar": jar(*names)}, architecture=architecture)


@pytest.mark.parametrize(
    "name",
    [
        "META-INF/native/libnetty_tcnative_linux_x86_64.so",
        "org/xerial/snappy/native/Linux/x86_64/libsnappyjava.so",
        "linux/amd64/libzstd-jni-1.5.6-3.so",
        "com/sun/jna/linux-x86-64/libjnidispatch.so",
        "BOOT-INF/lib/netty-transport-native-epoll-4.1.110.Final-linux-x86_64.jar",
        "native/libfoo.so.1",
    ],
)
def test_libraries_for_the_images_machine_are_told(name: str) -> None:
    finding = by_id(DETECTOR, archive("META-INF/MANIFEST.MF", "a/B.class", name))["java.native"]
    assert finding.confidence is Confidence.HINT
    assert finding.requirement is None
    assert finding.evidence[0].statement == f"It holds {name.rpartition('/')[2]}"


@pytest.mark.parametrize(
    "name",
    [
        "META-INF/native/libnetty_tcnative_linux_aarch_64.so",
        "org/xerial/snappy/native/Linux/arm/libsnappyjava.so",
        "org/xerial/snappy/native/Linux/x86/libsnappyjava.so",
        "native/macosx/x86_64/libfoo.so",
        "freebsd/amd64/libzstd-jni.so",
        "lib/arm64-v8a/libfoo.so",
        "META-INF/native/netty.dll",
        "a/Library.class",
        "lib/plain.jar",
    ],
)
def test_libraries_for_others_are_not(name: str) -> None:
    assert findings(DETECTOR, archive(name)) == []


def test_the_machine_is_the_images() -> None:
    name = "META-INF/native/libnetty_tcnative_linux_aarch_64.so"
    assert by_id(DETECTOR, archive(name, architecture="arm64"))
    assert by_id(DETECTOR, archive(name, architecture=""))
    assert not by_id(DETECTOR, archive(name, architecture="s390x"))


def test_many_libraries_are_counted() -> None:
    finding = by_id(DETECTOR, archive(*(f"native/lib{number}.so" for number in range(5))))["java.native"]
    assert finding.evidence[0].statement == "It holds lib0.so, lib1.so, lib2.so and 2 more"


def test_addons_are_told() -> None:
    finding = by_id(DETECTOR, image_view(elves={"/app/node_modules/sharp/build/Release/sharp.node": elf()}))[
        "node.addons"
    ]
    assert finding.confidence is Confidence.HINT


def test_of_a_large_archive_the_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.jar"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("big", bytes(2_000_000))
        made.writestr("native/libfoo.so", b"x")
    view = images.view(layer(file("app/a.jar", path.read_bytes())), interests=Interests((JARS,)))
    content = view.files["/app/a.jar"]
    assert len(content) == JARS.limit
    assert list(entries(content)) == ["big", "native/libfoo.so"]


def test_a_directory_that_was_cut_is_read_from_its_first_whole_entry() -> None:
    content = jar(*(f"entry-{number:04}" for number in range(1000)))
    found = list(entries(content[-20_000:]))
    assert 200 < len(found) < 1000
    assert found == [f"entry-{number:04}" for number in range(1000)][-len(found) :]


def test_entries_without_end_are_cut_off() -> None:
    assert len(list(entries(jar(*(str(number) for number in range(MAX_ENTRIES + 10)))))) == MAX_ENTRIES


@given(st.binary(max_size=300), st.integers(0, 400), st.binary(max_size=8))
def test_any_bytes_can_be_read(content: bytes, at: int, piece: bytes) -> None:
    list(entries(content))
    list(entries(content + b"PK\x05\x06" + bytes(18)))
    damaged = bytearray(jar("a/b", "native/libfoo.so"))
    damaged[at : at + len(piece)] = piece
    assert len(list(entries(bytes(damaged)))) <= 2
