"""Tables of contents in layers: what they hide, where they lie, and what they cost who believes them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tests.builders.layers import Entry, Layer, directory, file, symlink
from tests.builders.toc import CHUNKED, Document, Listed, stargz_footer
from tests.hostile.case import HONEST, MPI, Case, built, trick

BOTH = {**HONEST, **MPI}
TRUSTED = ("--trust-toc",)
BELIEVED = ("by its table of contents",)
MIB = 1 << 20
CHUNK = 1 << 16
OS_RELEASE = b"ID=debian\nVERSION_ID=12\n"
SHA = "sha256:" + "0" * 64
Edit = Callable[[Document], object]


def entries(*more: Entry) -> list[Entry]:
    """Return the trick, others, and so much data that a layer of them is worth reading by its table."""
    return [trick(), *more, file("usr/share/data.bin", Random(3).randbytes(7 * MIB))]


def listed(*more: Entry, zstandard: bool = True, **lies: Any) -> Callable[[], Layer]:
    """Return what makes such a layer, its table changed."""
    return lambda: Listed(entries(*more), CHUNK, zstandard=zstandard, **lies).layer()


def elsewhere(position: str) -> Callable[[], Layer]:
    """Return what makes a layer whose annotation says that its table is in another place."""

    def make() -> Layer:
        honest = listed()()
        told = {**honest.annotations, f"{CHUNKED}manifest-position": position}
        return Layer(honest.blob, honest.diff_id, honest.media_type, told)

    return make


def refused(name: str, about: str, layer: Callable[[], Layer], *said: str, options: tuple[str, ...] = ()) -> Case:
    """Return a case whose table is not used, and whose layer is read all the same."""
    return Case(
        f"toc-{name}", about, built(layer), facts=BOTH, options=(*TRUSTED, *options), said=("read as a whole", *said)
    )


def entry(number: int, **fields: Any) -> Edit:
    """Return what changes fields of an entry."""
    return lambda document: document["entries"][number].update(fields)


def hide(document: Document) -> None:
    """Leave the trick out."""
    del document["entries"][0]


def endless(path: str) -> Edit:
    """Return what makes a file of zeros as long as a number can say, behind the trick's own beginning."""

    def edit(document: Document) -> None:
        first = document["entries"][0]
        first |= {"name": path, "size": 1 << 61, "chunkSize": first["size"], "mode": 0o644}
        zeros = {"type": "chunk", "name": path, "chunkOffset": first["chunkSize"], "chunkType": "zeros"}
        document["entries"].insert(1, zeros)

    return edit


def crowded(document: Document) -> None:
    """List as many directories as a table has room for."""
    table = document["entries"]
    table += [{"name": f"usr/share/{number}/", "type": "dir", "mode": 0o755, "gid": 1} for number in range(100_000)]


CASES = (
    Case("toc-estargz", "an honest table", built(listed(zstandard=False)), facts=BOTH, options=TRUSTED, said=BELIEVED),
    Case("toc-zstd-chunked", "an honest table", built(listed()), facts=BOTH, options=TRUSTED, said=BELIEVED),
    Case(
        "toc-names",
        "names that lead out of the tree, through links, and occur twice, in the table as in the archive",
        built(
            listed(
                Entry("../../usr/lib/os-release", content=b"ID=evil\n"),
                file("/etc/os-release", b"ID=evil\n"),
                symlink("usr/share/up", "../../../.."),
                file("usr/share/up/etc/os-release", OS_RELEASE),
                file("usr/lib/os-release", OS_RELEASE),
                directory("usr/share/./a/../b"),
            )
        ),
        facts=BOTH,
        options=TRUSTED,
        said=BELIEVED,
    ),
    Case("toc-hides", "a table without the trick, for who does not believe it", built(listed(edit=hide)), facts=BOTH),
    Case(
        "toc-hides-believed",
        "the same for who does: runtimes that pull lazily do not see the trick either",
        built(listed(edit=hide)),
        absent=("mpi.family",),
        options=TRUSTED,
        said=BELIEVED,
    ),
    refused("digest", "a table with another digest", listed(digest=SHA), "the digest that the manifest names"),
    refused("chunk-digest", "a chunk with another", listed(edit=entry(0, chunkDigest=SHA)), "does not have the digest"),
    refused(
        "other-bytes", "a file at another's place", listed(edit=entry(0, innerOffset=1)), "does not have the digest"
    ),
    refused("beyond", "a chunk that lies past the end", listed(edit=entry(-1, offset=1 << 60)), "past the last file"),
    refused("overlap", "chunks that overlap", listed(edit=entry(-1, chunkOffset=1)), "do not follow each other"),
    refused("size", "a file larger than its chunk", listed(edit=entry(0, size=1 << 61)), "a chunk is shorter"),
    refused("no-footer", "an eStargz without a footer", listed(zstandard=False, footer=bytes(51)), "last bytes"),
    refused(
        "footer",
        "a footer that points at a file",
        listed(zstandard=False, footer=stargz_footer(600)),
        "not a tar archive",
    ),
    refused("position", "a table past the end of the layer", elsewhere(f"{1 << 50}:100:200:1"), "points at bytes"),
    refused("length", "a table as large as an int64", elsewhere(f"1:{10**17}:1:1"), "at most"),
    refused("frame", "a table in the middle of a file", elsewhere("100000:1000:1:1"), "it"),
    refused("bomb", "a table that is blanks", listed(text=lambda text: b" " * (40 * MIB) + text.encode()), "more than"),
    refused("deep", "a table nested deeply", listed(text=lambda _: b'{"entries":[' + b"[" * MIB), "not JSON"),
    refused("limit", "a table over a limit that was set", listed(), "bytes", options=("--limit", "toc=2KiB")),
    refused("zeros", "a program that never ends", listed(edit=endless("usr/bin/trick")), "than any honest layer"),
    refused("zeros-end", "an archive whose end is far", listed(edit=endless("usr/a.jar")), "than any honest layer"),
    Case(
        "toc-crowded",
        "a table that lists what the archive has not, a hundred thousand times",
        built(listed(edit=crowded)),
        facts=BOTH,
        options=TRUSTED,
        said=BELIEVED,
    ),
)
