"""The view of an image: layers together, packages, os-release, limits, failures, progress."""

import io
import threading
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from compatbuild.errors import ImageError
from compatbuild.image.build import Step, Work, build_view
from compatbuild.image.config import parse_config
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.layer_source import UNKNOWN_SIZE, UnreadLayer
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import Kind
from tests.builders.elf import elf
from tests.builders.images import blob_layer, image_config, view
from tests.builders.layers import Layer, directory, file, hardlink, layer, opaque, sha256, symlink, whiteout

ALL = Interests((FileInterest("/**"),), elf=True)


def test_the_layers_are_merged_and_each_path_knows_its_layer() -> None:
    lower = layer(directory("etc"), file("etc/a", b"old"), file("etc/b"), file("lib/x.so", elf()))
    upper = layer(file("etc/a", b"new"), whiteout("etc/b"), hardlink("y.so", "lib/x.so"))
    merged = view(lower, upper, interests=ALL)
    assert merged.files["/etc/a"] == b"new"
    assert "/etc/b" not in merged.nodes
    assert merged.layer_of("/etc/a") == upper.diff_id
    assert merged.layer_of("/etc") == lower.diff_id
    assert merged.elves["/y.so"] == merged.elves["/lib/x.so"]
    assert merged.layers == (lower.diff_id, upper.diff_id)


def test_a_replaced_elf_file_leaves_no_facts() -> None:
    merged = view(layer(file("it", elf()), file("its", elf())), layer(file("it"), opaque("")), interests=ALL)
    assert not merged.elves
    assert set(merged.nodes) == {"/", "/it"}


def test_a_directory_that_becomes_a_link_hides_what_it_held() -> None:
    merged = view(layer(file("lib/a"), file("usr/lib/b")), layer(symlink("lib", "usr/lib")), interests=ALL)
    assert merged.resolve("/lib/b") == "/usr/lib/b"
    assert "/lib/a" not in merged.nodes


def test_a_hard_link_to_nothing_is_left_out_and_named() -> None:
    merged = view(layer(hardlink("a", "etc/passwd"), hardlink("b", "../../etc/shadow"), hardlink("c", "c")))
    assert set(merged.nodes) == {"/"}
    assert len(merged.limits) == 2


def test_os_release_is_read_through_links_of_the_image() -> None:
    merged = view(layer(symlink("etc/os-release", "../usr/lib/os-release"), file("usr/lib/os-release", b"ID=alpine\n")))
    assert merged.os_release == {"ID": "alpine"}


def test_an_os_release_that_leads_out_of_the_image_is_none() -> None:
    assert view(layer(symlink("etc/os-release", "/../../../../etc/os-release"))).os_release == {}


def test_packages_are_read_of_the_topmost_database_and_it_is_not_kept() -> None:
    first, second = b"Package: a\nVersion: 1\n\n", b"Package: a\nVersion: 2\n\nPackage: b\nVersion: 1\n\n"
    merged = view(
        layer(file("var/lib/dpkg/status", first)),
        layer(file("var/lib/dpkg/status", second)),
        interests=Interests(packages=True),
    )
    assert [(p.name, p.version) for p in merged.packages] == [("a", "2"), ("b", "1")]
    assert merged.files == {}
    asked = Interests((FileInterest("/var/lib/dpkg/status"),), packages=True)
    assert set(view(layer(file("var/lib/dpkg/status", first)), interests=asked).files) == {"/var/lib/dpkg/status"}


def test_scripts_and_sources_of_the_program_are_kept_for_reachability() -> None:
    merged = view(
        layer(file("usr/bin/run", b"#!/bin/sh\n"), file("app/main.py", b"import x"), file("app/data.bin")),
        runtime={"Entrypoint": ["run"], "WorkingDir": "/app"},
    )
    assert merged.files == {"/usr/bin/run": b"#!/bin/sh\n", "/app/main.py": b"import x"}


def test_python_sources_are_counted_in_a_layer_and_in_all() -> None:
    limits = replace(DEFAULT, python_sources=2)
    lower = layer(*(file(f"app/deep/{number}.py") for number in range(3)))
    upper = layer(file("app/a.py"), file("app/b.py"))
    merged = view(lower, upper, runtime={"WorkingDir": "/app"}, limits=limits)
    assert set(merged.files) == {"/app/a.py", "/app/b.py"}
    assert merged.limits == ("more than 2 Python sources: the others are not followed",)


def test_kept_content_is_counted_in_all() -> None:
    merged = view(
        layer(file("a", b"x" * 60)),
        layer(file("a", b"x" * 60), file("b", b"x" * 30)),
        layer(file("c", b"x" * 20)),
        interests=ALL,
        limits=replace(DEFAULT, kept=100),
    )
    assert set(merged.files) == {"/a", "/b"}
    assert merged.limits == ("/c is not kept: more than 100 bytes in all",)


def test_entries_are_counted_in_all() -> None:
    with pytest.raises(ImageError, match="more than 3 entries"):
        view(layer(file("a"), file("b")), layer(file("a"), file("c")), limits=replace(DEFAULT, entries=3))


def test_limits_of_layers_reach_the_view() -> None:
    config = parse_config(image_config([layer()]), DEFAULT)
    merged = build_view(config, [UnreadLayer("Layer 1", layer().diff_id, "it is foreign")], Interests())
    assert merged.skipped == (("Layer 1", "it is foreign"),)


def test_the_config_and_the_layers_belong_together() -> None:
    one, other = layer(file("a")), layer(file("b"))
    with pytest.raises(ImageError, match="do not belong together"):
        build_view(parse_config(image_config([one]), DEFAULT), [blob_layer(one), blob_layer(other)], Interests())


def test_layers_are_counted() -> None:
    layers = [layer(file(str(number))) for number in range(4)]
    with pytest.raises(ImageError, match="has 4 layers"):
        view(*layers, limits=replace(DEFAULT, layers=3))


def test_a_failing_layer_ends_the_reading_of_the_others() -> None:
    good, bad = layer(file("a")), layer(file("b"))
    opened = threading.Event()

    class Endless(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            opened.set()
            return bytes(size or 0)

    class Waiting(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            opened.wait(10)
            return b"not what was named"[: size or 0]

    layers = [
        blob_layer(good, size=-1, digest="", open=Endless),
        blob_layer(bad, open=Waiting, name="Layer 2 of 2"),
    ]
    with pytest.raises(ImageError, match="Layer 2 of 2 cannot be read"):
        build_view(parse_config(image_config([good, bad]), DEFAULT), layers, Interests())


def test_a_layer_that_occurs_twice_is_read_once() -> None:
    one, other = layer(file("a", b"1")), layer(file("a", b"2"))
    opened: list[str] = []

    def counting(content: Layer) -> io.BytesIO:
        opened.append(content.diff_id)
        return io.BytesIO(content.blob)

    layers = [blob_layer(each, open=partial(counting, each)) for each in (one, other, one, one)]
    merged = build_view(parse_config(image_config([one, other, one, one]), DEFAULT), layers, ALL)
    assert sorted(opened) == sorted([one.diff_id, other.diff_id])
    assert (merged.files["/a"], merged.nodes["/a"].layer) == (b"1", 3)


def test_progress_is_told_for_each_layer() -> None:
    layers = [layer(file("a", b"1" * 3_000_000)), layer(file("b"))]
    counts: Counter[int] = Counter()
    steps: list[Step] = []

    def told(step: Step) -> None:
        counts[step.layer] += step.count
        steps.append(step)

    config = parse_config(image_config(layers), DEFAULT)
    build_view(config, [blob_layer(one) for one in layers], Interests(), progress=told)
    assert counts == Counter({0: len(layers[0].blob), 1: len(layers[1].blob)})
    assert {step.work for step in steps} == {Work(2, sum(counts.values()))}
    assert sorted(step.layer for step in steps if step.done) == [0, 1]


def test_the_work_counts_a_layer_once_and_says_when_nobody_knows_its_size() -> None:
    one = layer(file("a", b"1"))
    works: set[Work] = set()
    config = parse_config(image_config([one, one]), DEFAULT)
    for size in (len(one.blob), UNKNOWN_SIZE):
        layers = [blob_layer(one, size=size)] * 2
        build_view(config, layers, Interests(), progress=lambda step: works.add(step.work))
    assert works == {Work(1, len(one.blob)), Work(1, None)}


@pytest.mark.parametrize("compress", ["plain", "gzip", "zstd"])
def test_the_view_does_not_depend_on_compression_or_on_which_layer_is_done_first(compress: str) -> None:
    def layers(kind: str) -> list[Layer]:
        big = [file(f"d/{number}", b"x" * 1000) for number in range(2000)]
        return [
            layer(*big, compress=kind),
            layer(whiteout("d/5"), compress=kind),
            layer(symlink("e", "d"), compress=kind),
        ]

    def told(merged: Any) -> Any:
        return merged.nodes, merged.files, merged.elves, merged.limits

    assert told(view(*layers(compress), interests=ALL)) == told(view(*layers("plain"), interests=ALL))


def test_an_image_without_layers_is_empty() -> None:
    merged = view(interests=ALL)
    assert {path: node.kind for path, node in merged.nodes.items()} == {"/": Kind.DIRECTORY}


def test_an_opaque_directory_may_come_before_or_after_its_own_files() -> None:
    lower = layer(file("d/old"))
    for entries in ([opaque("d"), file("d/new")], [file("d/new"), opaque("d")]):
        assert set(view(lower, layer(*entries)).nodes) == {"/", "/d", "/d/new"}


def test_the_digest_of_an_empty_layer_is_checked_like_any_other() -> None:
    empty = Layer(bytes(1024), sha256(bytes(1024)), "")
    assert set(view(empty).nodes) == {"/"}
