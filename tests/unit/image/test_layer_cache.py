"""Layers that were read before are not read again, and every view is as if they had been."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.cache import Cache, open_cache
from compatbuild.image.build import Parts, Step, build_view
from compatbuild.image.config import parse_config
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.layer_cache import LayerCache
from compatbuild.image.layer_source import UnreadLayer
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.image.view import ImageView
from tests.builders.images import image_config
from tests.builders.layers import file, hardlink, layer
from tests.unit.image.test_build_views import Reads

SOME = Interests((FileInterest("/etc/*"),), elf=True)
LAYER = layer(
    file("etc/a"),
    file("opt/app/one", b"#!1"),
    file("opt/app/two", b"#!2"),
    hardlink("opt/app/three", "opt/app/one"),
    file("srv/main.py", b"import os"),
    file("srv/other.py", b"import re"),
)


class Memory:
    """A folder of a cache in memory."""

    name = "memory"

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, name: str) -> bytes | None:
        return self.files.get(name)

    def write(self, name: str, data: bytes) -> None:
        self.files[name] = data


def viewed(image: Parts, cache: LayerCache | None = None, limits: Limits = DEFAULT) -> ImageView:
    return build_view(image.config, image.layers, SOME, limits, cache=cache)


@pytest.fixture
def cache(tmp_path: Path) -> LayerCache:
    return LayerCache(open_cache(str(tmp_path / "cache")))


def test_a_layer_is_read_once_and_only_what_is_new_of_a_rebuilt_image(cache: LayerCache) -> None:
    reads, new = Reads(), layer(file("etc/b"))
    first = viewed(reads.parts([LAYER]), cache)
    assert viewed(reads.parts([LAYER]), cache) == first == viewed(Reads().parts([LAYER]))
    rebuilt = viewed(reads.parts([LAYER, new]), cache)
    assert rebuilt == viewed(Reads().parts([LAYER, new]))
    assert reads.count == {LAYER.diff_id: 1, new.diff_id: 1}


def test_it_is_known_by_its_content_whatever_it_is_compressed_with(cache: LayerCache) -> None:
    reads = Reads()
    entries = [file("etc/a", b"content" * 1000)]
    forms = [layer(*entries, compress=form) for form in ("gzip", "zstd", "plain")]
    assert len({viewed(reads.parts([one]), cache).files["/etc/a"] for one in forms}) == 1
    assert sum(reads.count.values()) == 1


STARTS: list[dict[str, Any]] = [
    {"Entrypoint": ["/opt/app/one"]},
    {"Entrypoint": ["/opt/app/two"]},
    {"Entrypoint": ["/opt/app/three"]},
    {"Cmd": ["one", "two"]},
    {"WorkingDir": "/srv"},
    {"Cmd": ["python", "main.py"], "WorkingDir": "/srv"},
    {"Env": ["PYTHONPATH=/opt:/srv"]},
    {},
]


@given(st.lists(st.sampled_from(STARTS), min_size=1, max_size=6))
def test_every_image_sees_what_it_would_have_seen_alone(starts: Sequence[dict[str, Any]]) -> None:
    cache = LayerCache(Cache(Memory()))
    for start in starts:
        assert viewed(Reads().parts([LAYER], **start), cache) == viewed(Reads().parts([LAYER], **start))


def test_a_layer_without_what_another_image_names_serves_it(cache: LayerCache) -> None:
    reads = Reads()
    viewed(reads.parts([LAYER], Entrypoint=["/opt/app/one"]), cache)
    viewed(reads.parts([LAYER], Entrypoint=["/usr/bin/elsewhere"], WorkingDir="/var"), cache)
    assert reads.count[LAYER.diff_id] == 1


def test_after_a_second_reading_all_images_are_served(cache: LayerCache) -> None:
    reads = Reads()
    for _ in range(3):
        for name in ("one", "two", "three"):
            viewed(reads.parts([LAYER], Entrypoint=[f"/opt/app/{name}"]), cache)
    assert reads.count[LAYER.diff_id] == 2  # the third is another name of the first


def test_what_a_limit_cut_serves_the_same_start_alone(cache: LayerCache) -> None:
    reads, limits = Reads(), replace(DEFAULT, python_sources=1)
    for _ in range(2):
        for start in ({"WorkingDir": "/srv"}, {"WorkingDir": "/opt"}):
            image = reads.parts([LAYER], **start)
            assert viewed(image, cache, limits) == viewed(Reads().parts([LAYER], **start), limits=limits)
    assert reads.count[LAYER.diff_id] == 2


def test_other_limits_and_interests_are_other_facts(cache: LayerCache) -> None:
    reads = Reads()
    viewed(reads.parts([LAYER]), cache)
    viewed(reads.parts([LAYER]), cache, replace(DEFAULT, packages=7))
    image = reads.parts([LAYER])
    build_view(image.config, image.layers, Interests((FileInterest("/opt/app/*"),)), cache=cache)
    assert reads.count[LAYER.diff_id] == 3


def test_a_damaged_entry_is_read_anew(cache: LayerCache, tmp_path: Path) -> None:
    reads = Reads()
    for _ in range(2):
        viewed(reads.parts([LAYER]), cache)
        for path in (tmp_path / "cache").rglob("*"):
            if path.is_file():
                path.write_bytes(path.read_bytes()[:-1])
    assert reads.count[LAYER.diff_id] == 2


def test_what_was_not_read_is_not_known(cache: LayerCache) -> None:
    unread = UnreadLayer("Layer 1", LAYER.diff_id, "it is foreign")
    config = parse_config(image_config([LAYER]), DEFAULT)
    assert build_view(config, [unread], SOME, cache=cache).skipped
    assert viewed(Reads().parts([LAYER]), cache).files["/etc/a"] == b"content"


def test_progress_comes_to_its_end_without_reading(cache: LayerCache) -> None:
    told: list[Step] = []
    for _ in range(2):
        told.clear()
        image = Reads().parts([LAYER])
        build_view(image.config, image.layers, SOME, DEFAULT, told.append, cache=cache)
    assert sum(step.count for step in told) == len(LAYER.blob)
    assert told[-1].done


def test_layers_of_many_starts_are_joined(cache: LayerCache) -> None:
    many = layer(*(file(f"opt/{number}", b"#!x") for number in range(30)))
    reads = Reads()
    for number in range(30):
        seen = viewed(reads.parts([many], Entrypoint=[f"/opt/{number}"]), cache)
        assert list(seen.files) == [f"/opt/{number}"]
    for number in range(30):
        viewed(reads.parts([many], Entrypoint=[f"/opt/{number}"]), cache)
    assert reads.count[many.diff_id] == 30


def layers_of(cache: Cache) -> int:
    return len(cache.folder.files) if isinstance(cache.folder, Memory) else -1


def test_one_entry_serves_all_starts() -> None:
    cache = Cache(Memory())
    for start in STARTS:
        viewed(Reads().parts([LAYER], **start), LayerCache(cache))
    assert layers_of(cache) == 1
