"""One layer: its digests and size, what is kept of it, and how errors name it."""

import hashlib
import io
import tarfile
from dataclasses import replace
from typing import Any

import pytest

from compatbuild.errors import ImageError
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import UNKNOWN_SIZE, Scan, UnreadLayer
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.image.view import ImageConfig
from compatbuild.image.wanted import Start, Wanted
from tests.builders.elf import elf
from tests.builders.images import blob_layer
from tests.builders.layers import Entry, Layer, directory, file, hardlink, layer, sha256, symlink, tar, whiteout

EVERYTHING = Interests((FileInterest("/**", 1 << 20),), elf=True)
SOME = layer(file("etc/os-release", b"ID=some\n"), file("big", b"0123456789" * 100_000))


def scan(interests: Interests = EVERYTHING, limits: Limits = DEFAULT, config: ImageConfig | None = None) -> Scan:
    return Scan(Wanted(interests, Start.of(config or ImageConfig()), limits), limits, lambda _: None)


def facts(*entries: Entry, limits: Limits = DEFAULT, interests: Interests = EVERYTHING) -> LayerFacts:
    return blob_layer(layer(*entries)).facts(scan(interests, limits))


@pytest.mark.parametrize("compress", ["plain", "gzip", "zstd"])
def test_facts_do_not_depend_on_compression(compress: str) -> None:
    entries = (file("etc/os-release", b"ID=some\n"), directory("var"), symlink("a", "b"), file("it", elf()))
    assert blob_layer(layer(*entries, compress=compress)).facts(scan()) == facts(*entries)


def test_sha512_is_a_digest_too() -> None:
    digest = f"sha512:{hashlib.sha512(SOME.blob).hexdigest()}"
    assert "/big" in blob_layer(SOME, digest=digest).facts(scan()).entries


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"digest": sha256(b"other")}, "do not have the digest that the manifest names"),
        ({"diff_id": sha256(b"other")}, "does not have the diff ID"),
        ({"size": len(SOME.blob) - 1}, "has more than the .* bytes that were named"),
        ({"size": len(SOME.blob) + 1}, r"has [\d,]+ bytes where [\d,]+ were named"),
        ({"digest": "md5:" + "0" * 32}, "is not a sha256 or sha512 digest"),
        ({"digest": "sha256:../../../../etc/passwd"}, "is not a sha256 or sha512 digest"),
    ],
)
def test_a_layer_that_is_not_what_was_named_is_refused(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(ImageError) as caught:
        blob_layer(SOME, **fields).facts(scan())
    assert caught.value.what == "the layer cannot be read"
    assert caught.match(why)
    assert caught.value.remedy


def test_a_plain_layer_whose_diff_id_is_its_digest_is_hashed_once_and_still_checked() -> None:
    plain = layer(file("a"), compress="plain")
    assert plain.digest == plain.diff_id
    with pytest.raises(ImageError, match="digest"):
        blob_layer(plain, digest=sha256(b"x"), diff_id=sha256(b"x")).facts(scan())


def test_a_layer_of_unknown_digest_is_known_by_its_diff_id() -> None:
    assert blob_layer(SOME, digest="", size=UNKNOWN_SIZE).facts(scan()).files["/etc/os-release"] == b"ID=some\n"
    with pytest.raises(ImageError, match="diff ID"):
        blob_layer(SOME, digest="", size=UNKNOWN_SIZE, diff_id=sha256(b"")).facts(scan())


@pytest.mark.parametrize("cut", [1, 100, 512, 1000])
def test_a_truncated_layer_is_refused(cut: int) -> None:
    cut_off = Layer(SOME.blob[:-cut], SOME.diff_id, SOME.media_type)
    with pytest.raises(ImageError, match="cut off"):
        blob_layer(cut_off).facts(scan())


def test_trailing_bytes_of_the_archive_belong_to_the_diff_id() -> None:
    content = tar([file("a")]) + b"garbage" * 100_000
    longer = Layer(content, sha256(content), "")
    assert "/a" in blob_layer(longer).facts(scan()).entries


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\0" * 100, b"x" * 512])
def test_what_is_not_tar_is_refused(content: bytes) -> None:
    with pytest.raises(ImageError, match=r"empty|tar"):
        blob_layer(Layer(content, sha256(content), "")).facts(scan())


def test_a_layer_of_zeros_is_an_empty_one() -> None:
    empty = Layer(bytes(1024), sha256(bytes(1024)), "")
    assert blob_layer(empty).facts(scan()) == LayerFacts()


def test_progress_counts_stored_bytes() -> None:
    counts: list[int] = []
    told = replace(scan(), tick=counts.append)
    blob_layer(SOME).facts(told)
    assert sum(counts) == len(SOME.blob)


def test_an_unread_layer_says_why() -> None:
    unread = UnreadLayer("Layer 1", sha256(b""), "it is encrypted")
    assert unread.facts(scan()).skipped == (("Layer 1", "it is encrypted"),)


def test_elf_files_are_read_wherever_they_lie_and_nothing_else_is() -> None:
    found = facts(file("bin/it", elf(needed=["libc.so.6"])), file("notes", b"\x7fEL"), interests=Interests(elf=True))
    assert found.elves["/bin/it"].needed == ("libc.so.6",)
    assert list(found.elves) == ["/bin/it"]
    assert not found.files


def test_an_elf_file_that_is_wanted_as_a_file_is_both() -> None:
    content = elf()
    found = facts(file("it", content), interests=Interests((FileInterest("/it", 16),), elf=True))
    assert found.files == {"/it": content[:16]}
    assert "/it" in found.elves


def test_without_an_interest_in_elf_none_is_read() -> None:
    assert not facts(file("it", elf()), interests=Interests()).elves


def test_only_the_wanted_beginning_of_a_file_is_kept() -> None:
    found = facts(
        file("etc/ld.so.conf.d/x.conf", b"12345"),
        file("etc/other", b"12345"),
        interests=Interests((FileInterest("/etc/ld.so.conf.d/*.conf", 3),)),
    )
    assert found.files == {"/etc/ld.so.conf.d/x.conf": b"123"}


def test_a_hard_link_has_the_content_of_its_target() -> None:
    found = facts(file("a", b"content"), file("it", elf()), hardlink("b", "a"), hardlink("usr/bin/it", "./it"))
    assert found.files["/b"] == b"content"
    assert found.elves["/usr/bin/it"] is found.elves["/it"]
    assert found.entries["/b"] == found.entries["/a"]


def test_a_later_member_replaces_an_earlier_one_with_all_that_is_below_it() -> None:
    found = facts(file("a/b", b"old"), file("a/it", elf()), file("a", b"new"))
    assert found.files == {"/a": b"new"}
    assert not found.elves
    assert set(found.entries) == {"/a"}
    assert found.directories == frozenset()


def test_kept_bytes_are_counted() -> None:
    found = facts(
        file("a", b"x" * 60), file("b", b"x" * 60), file("c", b"x" * 40), limits=replace(DEFAULT, layer_kept=100)
    )
    assert set(found.files) == {"/a", "/c"}
    assert found.limits == ("/b is not kept: more than 100 bytes in one layer",)


def test_elf_files_are_counted() -> None:
    found = facts(file("a", elf()), file("b", elf()), limits=replace(DEFAULT, elf_files=1))
    assert set(found.elves) == {"/a"}
    assert found.limits == ("more than 1 ELF files: /b is not read",)


def test_entries_are_counted_with_the_directories_that_they_imply() -> None:
    limits = replace(DEFAULT, entries=3)
    assert len(facts(file("a"), file("b"), file("c"), limits=limits).entries) == 3
    with pytest.raises(ImageError, match="more than 3 entries"):
        facts(file("a"), file("b/c/d"), file("e"), limits=limits)


def test_directories_are_counted_whether_they_have_an_entry_or_not() -> None:
    limits = replace(DEFAULT, directories=3)
    assert len(facts(directory("a"), file("b/c/d"), limits=limits).directories) == 2
    with pytest.raises(ImageError, match="more than 3 directories"):
        facts(directory("a"), file("b/c/d"), directory("e"), limits=limits)


def test_long_and_deep_paths_are_left_out_and_named() -> None:
    deep = "/".join("d" * 300)
    found = facts(file("x" * 5000), file(deep), file("y" * 300), symlink("link", "z" * 5000))
    assert set(found.entries) == {"/" + "y" * 300, "/link"}
    assert found.entries["/link"].target == ""
    assert len(found.limits) == 4
    assert all(len(text) < 600 for text in found.limits)


def test_long_names_are_counted_together() -> None:
    found = facts(*(file(f"{number}" + "x" * 300) for number in range(9)), limits=replace(DEFAULT, long_names=1000))
    assert len(found.entries) == 3


def test_limits_are_told_up_to_a_number() -> None:
    unknown = [Entry(f"e{number}", b"Q") for number in range(60)]
    assert facts(*unknown).limits[-1] == "and 10 more limits of this kind"


@pytest.mark.parametrize("name", [".wh.", ".wh..", ".wh...", "a/.wh."])
def test_whiteouts_that_name_nothing_are_left_out(name: str) -> None:
    found = facts(file(name))
    assert (found.whiteouts, len(found.limits)) == (frozenset(), 1)


def test_the_book_keeping_of_aufs_is_ignored() -> None:
    found = facts(file(".wh..wh.aufs"), directory(".wh..wh.plnk"), file("a"))
    assert replace(found, members=1) == facts(file("a"))


def test_a_whiteout_below_a_link_of_its_layer_is_of_where_the_link_leads() -> None:
    assert facts(symlink("a", "b"), whiteout("a/x")).whiteouts == {"/b/x"}


def test_a_sparse_file_is_named_and_not_read() -> None:
    content = tar([Entry("big", tarfile.GNUTYPE_SPARSE, content=b"12345")])
    found = blob_layer(Layer(content, sha256(content), "")).facts(scan())
    assert found.limits == ("/big is stored as a sparse file, whose content is not read",)


def test_links_through_links_come_to_an_end() -> None:
    chain = [symlink(f"l{number}", f"l{number + 1}/" * 10) for number in range(39)]
    many = [file(f"l0/f{number}/x") for number in range(200)]
    assert facts(*chain, *many[:1]).entries
    loop = facts(symlink("a", "b"), symlink("b", "a"), file("a/x"))
    assert {path for path in loop.entries if path.endswith("/x")}


def test_links_that_multiply_are_refused() -> None:
    steps = "/".join(["."] * 250)
    chain = [symlink(f"l{number}", f"{steps}/l{number + 1}") for number in range(40)]
    with pytest.raises(ImageError, match="symbolic links"):
        facts(*chain, *(file(f"l0/d{number}/x") for number in range(1000)))


def test_names_are_printable_and_stay_in_the_tree() -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:", format=tarfile.GNU_FORMAT, encoding="latin-1") as archive:
        for name in ("../../etc/passwd", "/abs", "./a/./b//c", "d/../e", "caf\xe9", "..", "."):
            archive.addfile(tarfile.TarInfo(name))
    content = raw.getvalue()
    found = blob_layer(Layer(content, sha256(content), "")).facts(scan())
    assert set(found.entries) == {"/etc/passwd", "/abs", "/a/b/c", "/e", "/caf\\xe9"}
