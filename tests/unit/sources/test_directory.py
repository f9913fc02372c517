"""A root directory, and skopeo's form of an image in one: nothing outside it is opened, nothing in it blocks."""

import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from compatbuild.errors import CompatError, ImageError, UsageError
from compatbuild.image.build import build_view
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import ImageView, Kind
from compatbuild.sources.resolve import open_image
from tests.builders.elf import elf
from tests.builders.images import image_config, skopeo_dir
from tests.builders.layers import Layer, file, layer
from tests.unit.sources.reading import is_the_image, read


def tree(path: Path) -> ImageView:
    with open_image(f"dir:{path}") as image:
        return build_view(image.config, image.layers, Interests((FileInterest("/**"),), elf=True, packages=True))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    path = tmp_path / "root"
    for name, content in {
        "etc/os-release": b'ID="some"\n',
        "usr/bin/it": elf(needed=["libc.so.6"]),
        "var/lib/dpkg/status": b"Package: libc6\nVersion: 2.36\n",
        "empty": b"",
    }.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    (path / "bin").symlink_to("usr/bin")
    return path


def test_a_tree_is_read_like_a_layer(root: Path) -> None:
    found = tree(root)
    assert found.os_release == {"ID": "some"}
    assert found.elves["/usr/bin/it"].needed == ("libc.so.6",)
    assert found.resolve("/bin/it") == "/usr/bin/it"
    assert [p.name for p in found.packages] == ["libc6"]
    assert found.nodes["/empty"].kind is Kind.FILE
    assert found.layers == ("",)
    assert found.limits == ()


def test_a_tree_is_found_without_a_prefix(root: Path) -> None:
    opened = read(str(root))
    assert (opened.scheme, opened.digest, opened.view.os_release) == ("dir", "", {"ID": "some"})


def test_the_platform_of_a_tree_is_what_the_user_says(root: Path) -> None:
    assert read(f"dir:{root}", "linux/arm64").view.config.platform == "linux/arm64"
    with pytest.raises(UsageError, match="is not a platform"):
        read(f"dir:{root}", "arm64")


def test_links_are_never_followed(root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"canary")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"canary")
    (root / "absolute").symlink_to(tmp_path / "secret")
    (root / "relative").symlink_to("../secret")
    (root / "directory").symlink_to(tmp_path / "outside")
    (root / "loop").symlink_to("loop")
    found = tree(root)
    assert b"canary" not in b"".join(found.files.values())
    assert not any(path.startswith("/directory/") for path in found.nodes)
    assert found.nodes["/relative"].target == "../secret"


def test_a_directory_swapped_for_a_link_while_it_is_walked_is_not_entered(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"canary")
    (root / "swapped").mkdir()
    real = os.open

    def swapping(path: "str | bytes", flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == b"swapped" and (root / "swapped").is_dir() and not (root / "swapped").is_symlink():
            (root / "swapped").rmdir()
            (root / "swapped").symlink_to(tmp_path / "outside")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", swapping)
    found = tree(root)
    assert b"canary" not in b"".join(found.files.values())
    assert any("/swapped cannot be read" in text for text in found.limits)


def test_pipes_and_sockets_do_not_block(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        found = tree(root)
    assert found.nodes["/pipe"].kind is Kind.OTHER
    assert "/socket" not in found.nodes


def test_what_cannot_be_read_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def refusing(path: "str | bytes", flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if path == b"it":
            raise PermissionError(13, "Permission denied")
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", refusing)
    found = tree(root)
    assert found.limits == ("/usr/bin/it cannot be read: Permission denied",)
    assert "/usr/bin/it" in found.nodes


def test_names_that_are_not_text_can_be_printed(root: Path) -> None:
    with open(os.fsencode(root) + b"/caf\xe9", "wb") as target:  # noqa: PTH123 - a name that pathlib cannot spell
        target.write(b"x")
    assert tree(root).files["/caf\\xe9"] == b"x"


def test_a_deep_tree_is_read_as_far_as_paths_go(root: Path) -> None:
    here = os.open(root, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    found = tree(root)
    assert any("deeper" in text or "left out" in text for text in found.limits)
    assert "/usr/bin/it" in found.elves


def test_a_tree_with_too_many_entries_is_refused_by_its_name(root: Path) -> None:
    with open_image(f"dir:{root}") as image, pytest.raises(ImageError, match=f"{root} cannot be read"):
        build_view(image.config, image.layers, Interests(), replace(DEFAULT, entries=3))


def test_a_root_that_is_a_link_is_where_it_leads(root: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(root)
    assert tree(tmp_path / "link").os_release == {"ID": "some"}


def test_skopeos_form_is_an_image_and_not_a_root(tmp_path: Path, layers: list[Layer], config: bytes) -> None:
    opened = read(f"dir:{skopeo_dir(tmp_path / 'image', layers, config)}")
    assert is_the_image(opened)
    assert opened.digest.startswith("sha256:")


def test_a_link_in_place_of_a_blob_is_not_followed(tmp_path: Path) -> None:
    only = layer(file("a"))
    path = skopeo_dir(tmp_path / "image", [only])
    blob = path / only.digest.removeprefix("sha256:")
    blob.rename(tmp_path / "moved")
    blob.symlink_to(tmp_path / "moved")
    with pytest.raises(CompatError, match="cannot be read"):
        read(f"dir:{path}")


@pytest.mark.parametrize("content", [b"x", b"x" * 1000])
def test_a_blob_that_was_changed_is_refused(content: bytes, tmp_path: Path) -> None:
    only = layer(file("a"))
    path = skopeo_dir(tmp_path / "image", [only], image_config([only]))
    (path / only.digest.removeprefix("sha256:")).write_bytes(content)
    with pytest.raises(ImageError):
        read(f"dir:{path}")
