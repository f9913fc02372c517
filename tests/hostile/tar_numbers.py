"""Tar: sizes, extension headers, sparse files, and archives that do not end as they should."""

from tests.builders.layers import Layer
from tests.builders.tarbytes import END, extension, header, member, padded, pax
from tests.hostile.case import HONEST, MPI, TRICK, Case, archive, built, image, program, raw, refused, streamed

BOTH = {**HONEST, **MPI}
NAME = TRICK.encode()
OK = member(b"usr/ok", b"x")


def records(count: int) -> bytes:
    """Return a PAX header of so many records."""
    content = b"".join(b"18 SCHILY.x=%05d\n" % n for n in range(count))
    return extension(b"x", content)


def sparse(name: bytes, content: bytes, size: int, more: int = 0) -> bytes:
    """Return an old GNU sparse file that claims a size; ``more`` blocks continue its map."""
    tail = bytes(96) + (b"\1" if more else b"\0") + b"\x80" + size.to_bytes(11, "big")
    blocks = [bytes(504) + (b"\1" if left else b"\0") + bytes(7) for left in reversed(range(more))]
    start = header(name, b"%011o\0" % len(content), b"S", magic=b"ustar  \0", tail=tail)
    return start + b"".join(blocks) + padded(content)


def v7(name: bytes, content: bytes) -> bytes:
    """Return a file as the oldest writers make it."""
    return header(name, b"%011o\0" % len(content), b"\0", magic=bytes(8)) + padded(content)


def many_pax_headers() -> Layer:
    """Return 20,000 members with a thousand PAX records each."""
    one = records(1_000)
    return streamed(one + member(b"f%d" % n) for n in range(20_000))


CASES = (
    refused(
        "tar-size-negative", "a size in base 256 below zero", image(archive(header(NAME, b"\xff" * 12))), "negative"
    ),
    refused(
        "tar-size-8eib",
        "a size of 8 EiB",
        image(archive(header(NAME, b"\x80" + b"\0" * 3 + b"\x7f" + b"\xff" * 7))),
        "cut off",
    ),
    refused(
        "tar-size-octal-max",
        "8 GiB less one, of which nothing is there",
        image(archive(header(NAME, b"77777777777\0"))),
        "cut off",
    ),
    refused("tar-size-not-octal", "a size that is no number", image(archive(header(NAME, b"12x45678901\0"))), "octal"),
    Case(
        "tar-size-base-256",
        "a size in base 256 that is right",
        image(archive(header(NAME, b"\x80" + len(program()).to_bytes(11, "big")) + padded(program()))),
        facts=BOTH,
    ),
    Case(
        "tar-size-in-pax",
        "the PAX size overrules the header's, which would hide a member inside the file",
        image(archive(pax(size=str(len(OK))), header(b"outer", b"%011o\0" % 0), OK, member(NAME, program()))),
        facts=BOTH,
    ),
    refused("tar-pax-size-negative", "a negative PAX size", image(archive(pax(size="-1"), OK)), "number"),
    refused("tar-pax-size-huge", "a PAX size of 30 digits", image(archive(pax(size="9" * 30), OK)), "not a number"),
    refused(
        "tar-pax-size-digits",
        "a PAX size of a million digits, which takes a square of that to convert",
        image(archive(pax(size="9" * 900_000), OK)),
        "a size that is not a number",
    ),
    refused(
        "tar-pax-length-lies",
        "a PAX record that is longer than its header",
        image(archive(extension(b"x", b"999 path=x\n"), OK)),
        "PAX",
    ),
    refused("tar-pax-no-equals", "a PAX record without =", image(archive(extension(b"x", b"9 pathxx\n"), OK)), "PAX"),
    refused(
        "tar-pax-64-mib",
        "a PAX header of 64 MiB",
        image(archive(header(b"x", b"%011o\0" % (64 << 20), b"x"), OK)),
        "over the limit",
    ),
    refused("tar-pax-records", "a PAX header of 40,000 records", image(archive(records(40_000), OK)), "PAX"),
    refused(
        "tar-pax-bomb", "twenty million PAX records in one layer", built(many_pax_headers), "PAX headers hold more than"
    ),
    Case(
        "tar-pax-global",
        "a global PAX header that renames everything changes nothing",
        image(archive(extension(b"g", b"20 path=etc/passwd\n\n"), member(NAME, program()))),
        facts=BOTH,
    ),
    refused(
        "tar-extensions",
        "nine extension headers before one member",
        image(archive(*[extension(b"L", b"x")] * 9, OK)),
        "extension headers",
    ),
    refused(
        "tar-extension-last",
        "an extension header with nothing behind it that is cut off",
        image(raw(extension(b"L", b"x" * 600)[:700])),
        "cut off",
    ),
    Case(
        "tar-sparse-gnu",
        "a sparse ELF of 4 GiB in a few bytes: nothing of that size is made",
        image(archive(sparse(b"usr/bin/huge", b"\x7fELF", 4 << 30), member(NAME, program()))),
        facts=BOTH,
        limits=("/usr/bin/huge is stored as a sparse file",),
    ),
    Case(
        "tar-sparse-map",
        "a sparse file whose map goes on for three more blocks, then the next member",
        image(archive(sparse(b"usr/bin/map", b"\x7fELF", 4096, more=3), member(NAME, program()))),
        facts=BOTH,
    ),
    refused(
        "tar-sparse-endless",
        "a sparse file whose map goes on to the end",
        image(raw(sparse(b"usr/bin/map", b"", 4096, more=3000) + END)),
        "map does not end",
    ),
    Case(
        "tar-sparse-pax",
        "a PAX 1.0 sparse file that claims an exabyte",
        image(
            archive(
                pax(
                    GNU__sparse__major="1",
                    GNU__sparse__minor="0",
                    GNU__sparse__name="usr/bin/huge",
                    GNU__sparse__realsize=str(1 << 60),
                ),
                member(b"x", b"1\n0\n0\n"),
                member(NAME, program()),
            )
        ),
        facts=BOTH,
        limits=("/usr/bin/huge is stored as a sparse file",),
    ),
    refused(
        "tar-no-archive", "bytes that are no archive", image(raw(b"<html>not found</html>" * 100)), "not a tar archive"
    ),
    refused(
        "tar-checksum",
        "a header whose checksum is wrong",
        image(archive(OK, header(NAME, checksum=b"0000001\0"))),
        "checksum",
    ),
    refused(
        "tar-cut-in-file", "an archive that ends within a file", image(raw(member(NAME, bytes(4096))[:2000])), "cut off"
    ),
    refused(
        "tar-cut-in-header", "an archive that ends within a header", image(raw(OK + header(NAME)[:300])), "cut off"
    ),
    Case("tar-no-trailer", "an archive without its two zero blocks", image(raw(member(NAME, program()))), facts=BOTH),
    refused(
        "tar-goes-on",
        "one zero block, then more",
        image(raw(OK + bytes(512) + member(NAME, program()) + END)),
        "goes on after the zero block",
    ),
    Case(
        "tar-after-the-end",
        "members behind the end of the archive do not count",
        image(raw(OK + END + member(NAME, program()) + END)),
        absent=("mpi.family",),
    ),
    Case("tar-v7", "a header without any magic", image(archive(v7(NAME, program()))), facts=BOTH),
)
