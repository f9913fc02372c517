"""A cache keeps what it is given or nothing: damage, other people's directories and full disks change no result."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from compatbuild.cache import Cache, open_cache
from compatbuild.cache.fingerprint import fingerprint
from compatbuild.cache.places import Directory, directory
from compatbuild.errors import UsageError


def entries(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file())


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return open_cache(str(tmp_path / "cache"))


def test_what_is_written_is_read_by_kind_and_key(cache: Cache) -> None:
    cache.write("layers", ["a", "b"], b"one")
    assert cache.read("layers", ["a", "b"]) == b"one"
    assert cache.read("layers", ["ab"]) is None
    assert cache.read("layers", ["a", "b", ""]) is None
    assert cache.read("reports", ["a", "b"]) is None


def test_a_key_of_any_text_is_no_path(cache: Cache, tmp_path: Path) -> None:
    cache.write("layers", ["../../../etc/passwd", "\udcff\0"], b"one")
    assert cache.read("layers", ["../../../etc/passwd", "\udcff\0"]) == b"one"
    (file,) = entries(tmp_path)
    assert file.is_relative_to(tmp_path / "cache/layers")


def test_other_code_reads_other_entries(cache: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write("layers", ["a"], b"one")
    monkeypatch.setattr("compatbuild.cache.cache.fingerprint", lambda: f"{fingerprint()}, changed")
    assert cache.read("layers", ["a"]) is None


@pytest.mark.parametrize("at", [0, 5, 25, 84, 90, -1])
def test_a_damaged_entry_is_none(cache: Cache, tmp_path: Path, at: int) -> None:
    cache.write("layers", ["a"], b"some content")
    (file,) = entries(tmp_path)
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    assert cache.read("layers", ["a"]) is None
    cache.write("layers", ["a"], b"some content")
    assert cache.read("layers", ["a"]) == b"some content"


@pytest.mark.parametrize("size", [0, 1, 50, 85, 90])
def test_a_torn_entry_is_none(cache: Cache, tmp_path: Path, size: int) -> None:
    cache.write("layers", ["a"], b"some content")
    (file,) = entries(tmp_path)
    os.truncate(file, size)
    assert cache.read("layers", ["a"]) is None


def test_the_directory_is_closed_to_others_and_others_are_not_believed(tmp_path: Path) -> None:
    made = directory(str(tmp_path / "deep/cache"))
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o700
    made.path.chmod(0o777)
    with pytest.raises(UsageError, match="others can write to it") as caught:
        directory(str(made.path))
    assert "chmod 700" in caught.value.remedy


def test_a_place_that_is_no_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be used as a cache"):
        directory(str(tmp_path / "file"))


def test_a_directory_that_cannot_be_written_keeps_nothing(cache: Cache, tmp_path: Path) -> None:
    (tmp_path / "cache/layers").write_text("a file where a directory is needed")
    cache.write("layers", ["a"], b"one")
    assert cache.read("layers", ["a"]) is None


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path) -> None:
    folder = Directory(tmp_path)
    names = [f"{number}f" * 32 for number in range(4)]
    for number, name in enumerate(names):
        folder.write(f"layers/{name[:2]}/{name}", bytes(100))
        os.utime(tmp_path / f"layers/{name[:2]}/{name}", (number, number))
    assert folder.read(f"layers/{names[0][:2]}/{names[0]}") == bytes(100)  # it is used, so it is the youngest now
    folder.shrink(250)
    assert [file.name for file in entries(tmp_path)] == [names[0], names[3]]
    assert folder.usage() == (2, 200)
    folder.shrink(0)
    assert folder.usage() == (0, 0)


def test_what_is_not_ours_is_never_removed(tmp_path: Path) -> None:
    """Somebody may name a directory of theirs as the cache: their home, or a project."""
    digest = "ab" + "c" * 62
    theirs = ["letter.txt", "photos/ab/beach.jpg", f"layers/{digest}", f"layers/ff/{digest}", f"x/layers/ab/{digest}"]
    for name in theirs:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("dear")
    (tmp_path / "layers/ab").mkdir()
    (tmp_path / f"layers/ab/{digest}").symlink_to(tmp_path / "letter.txt")
    before = entries(tmp_path)
    cache = Cache(Directory(tmp_path, most=0))
    for number in range(100):
        cache.write("layers", [str(number)], bytes(100))
    directory(str(tmp_path)).shrink(0)
    assert entries(tmp_path) == before


def test_a_cache_that_is_full_makes_room_by_itself(tmp_path: Path) -> None:
    cache = Cache(Directory(tmp_path, most=1000))
    for number in range(200):
        cache.write("layers", [str(number)], bytes(100))
    assert Directory(tmp_path).usage().size < 1000 + 100 * 100


def test_writers_of_one_entry_agree(cache: Cache, tmp_path: Path) -> None:
    value = os.urandom(200_000)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: cache.write("layers", ["a"], value), range(40)))
    assert cache.read("layers", ["a"]) == value
    assert len(entries(tmp_path)) == 1


def test_a_place_that_nothing_reaches_is_an_error_without_its_secrets() -> None:
    with pytest.raises(UsageError, match="no cache can be kept at nosuch://") as caught:
        open_cache("nosuch://user:secret@host/bucket")
    assert "secret" not in str(caught.value) + caught.value.why + caught.value.remedy
