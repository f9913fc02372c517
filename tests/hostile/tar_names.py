"""Tar: names and links that lead elsewhere, and members that are no files."""

import tarfile

from tests.builders.layers import Entry, directory, file, hardlink, symlink
from tests.builders.tarbytes import END, extension, header, member, pax
from tests.hostile.case import (
    HONEST,
    MPI,
    TRICK,
    Case,
    archive,
    built,
    files,
    image,
    program,
    refused,
    streamed,
    trick,
)

BOTH = {**HONEST, **MPI}
CANARY = "ID=canary\nVERSION_ID=0\n"
TERMINAL = b"usr/bin/\x1b]0;owned\x07\x1b[2J\x9b31m\xe2\x80\xae.txt\n- feature: x\r\x08"

CASES = (
    Case(
        "tar-absolute",
        "a member with an absolute path is one of the image's root",
        files(trick(f"/{TRICK}")),
        facts=BOTH,
    ),
    Case(
        "tar-dotdot",
        "a member climbs out with ..",
        files(trick("../../../../" + TRICK), file("../../etc/passwd", b"x")),
        facts=BOTH,
    ),
    Case("tar-dots", "names full of ./ and //", files(trick(".//./usr/.//bin/./trick")), facts=BOTH),
    Case("tar-empty-name", "a member without a name", image(archive(member(b"", b"x"), member(b"usr/ok", b"x")))),
    Case("tar-dot-name", "members called . and ..", files(file("."), file(".."), directory("./"), trick()), facts=BOTH),
    Case(
        "tar-link-out",
        "symbolic links lead to files of this machine, which are not opened",
        files(
            symlink("etc/os-release", "/../../../../../../../../../../../../etc/hostname"), symlink("x", "/proc/self")
        ),
        facts={"cuda.driver.min": "525.60.13"},
        absent=("os.id",),
    ),
    Case(
        "tar-through-link-out",
        "a file is written through a link that leads out of the tree: it stays inside",
        files(symlink("escape", "../../../../.."), trick(f"escape/{TRICK}")),
        facts=BOTH,
    ),
    Case(
        "tar-through-absolute-link",
        "a file is written through a link to /",
        files(symlink("escape", "/"), trick(f"escape/{TRICK}")),
        facts=BOTH,
    ),
    Case(
        "tar-root-is-a-link",
        "a link stands for the root itself",
        files(symlink(".", "/etc"), symlink("./", "/etc"), trick()),
        facts=BOTH,
    ),
    Case(
        "tar-link-cycle",
        "links in a circle, used as directories and as the os-release",
        files(
            symlink("a", "b"), symlink("b", "a"), symlink("c", "c"), file("a/x"), file("c/c/c/x"), symlink("d", "d/d")
        ),
    ),
    Case(
        "tar-link-chain",
        "a thousand links, each to the next",
        files(*(symlink(f"l{n}", f"l{n + 1}") for n in range(1000)), trick("l1000/x"), file("l0/y")),
        facts=BOTH,
    ),
    Case(
        "tar-link-doubling",
        "links whose targets name the next twice: 2^40 steps to follow",
        files(*(symlink(f"l{n}", f"l{n + 1}/../l{n + 1}") for n in range(40)), directory("l40"), file("l0/x")),
    ),
    Case(
        "tar-hard-link-out",
        "hard links to files of this machine",
        files(hardlink("etc/mine", "/etc/hostname"), hardlink("etc/yours", "../../../../etc/passwd")),
        limits=("/etc/mine: a hard link to /etc/hostname, where no file is, is left out",),
    ),
    Case(
        "tar-hard-link-loop",
        "hard links to each other, to themselves and to a directory",
        files(hardlink("a", "b"), hardlink("b", "a"), hardlink("c", "c"), directory("d"), hardlink("e", "d")),
        limits=("/e: a hard link to a directory is left out",),
    ),
    Case(
        "tar-hard-link-chain",
        "fifty thousand hard links, each to the one before",
        files(trick(), *(hardlink(f"h{n}", f"h{n - 1}" if n else TRICK) for n in range(50_000))),
        facts=BOTH,
        limits=("more than 15,000 ELF files",),
    ),
    Case(
        "tar-long-names",
        "GNU long names, the second of which is what counts",
        image(archive(extension(b"L", b"no" * 4000), extension(b"L", TRICK.encode() + b"\0"), member(b"x", program()))),
        facts=BOTH,
    ),
    Case(
        "tar-name-too-long",
        "a path of 100,000 characters is left out, and said to be",
        image(archive(extension(b"L", b"n" * 100_000), member(b"x", program()), member(TRICK.encode(), program()))),
        facts=BOTH,
        limits=("a path of 100,001 characters is left out",),
    ),
    Case(
        "tar-deep",
        "20,000 directories deep",
        image(archive(extension(b"L", b"d/" * 20_000 + b"x"), member(b"x", b"x"))),
        limits=("is left out",),
    ),
    Case(
        "tar-many-long-names",
        "20,000 paths of 4,000 characters each",
        built(
            lambda: streamed(
                [*(extension(b"L", b"%05d/" % n + b"x" * 3990) + member(b"x") for n in range(20_000)), END]
            )
        ),
        limits=("is left out",),
    ),
    Case(
        "tar-duplicates",
        "the same path twice: the last one counts",
        files(file("etc/os-release", CANARY.encode()), file("etc/os-release", b"ID=alpine\nVERSION_ID=3.20\n")),
        facts={"cuda.driver.min": "525.60.13", "os.id": "alpine"},
    ),
    Case(
        "tar-directory-over-file",
        "a path is a file, then a directory, then a link, then a file again",
        files(file("a"), directory("a"), file("a/b"), symlink("a", "/etc"), trick("a"), file("a/c")),
    ),
    Case(
        "tar-devices",
        "devices, a FIFO and a contiguous file",
        files(
            Entry("dev/sda", tarfile.BLKTYPE),
            Entry("etc/os-release", tarfile.CHRTYPE),
            Entry("fifo", tarfile.FIFOTYPE),
            Entry(TRICK, tarfile.CONTTYPE, program()),
        ),
        facts={"cuda.driver.min": "525.60.13", **MPI},
        absent=("os.id",),
    ),
    Case(
        "tar-unknown-type",
        "a member of an unknown type carries as much data as it says; what looks like a header in it is none",
        image(archive(member(b"odd", member(TRICK.encode(), program()), flag=b"Z"), member(b"usr/ok", b"x"))),
        absent=("mpi.family",),
        limits=("a tar member of unknown type 'Z' is left out",),
    ),
    Case(
        "tar-link-with-size",
        "a link that claims a size carries no data: the next header follows at once",
        image(archive(header(b"l", b"%011o\0" % 4096, b"2", link=b"/etc"), member(TRICK.encode(), program()))),
        facts=BOTH,
    ),
    Case(
        "tar-control-names",
        "names with escape sequences, line ends, bidi marks and bytes that are no UTF-8",
        image(archive(member(TERMINAL, program()), member(b"usr/lib/\xff\xfe\x80.so", b"x"))),
        facts=BOTH,
    ),
    refused(
        "tar-zero-in-pax-name",
        "a PAX path with a zero byte, behind which readers differ",
        image(archive(pax(path=f"{TRICK}\0.txt"), member(b"x", program()))),
        "a name with a zero byte",
    ),
    Case(
        "tar-case-and-unicode",
        "names that differ only in case or normal form are different files",
        files(trick("usr/bin/\u00e9"), file("usr/bin/e\u0301", b"x"), file("USR/BIN/\u00c9", b"x")),
        facts=BOTH,
    ),
    Case(
        "tar-many-entries",
        "300,000 empty files in one directory",
        built(lambda: streamed([*(member(b"f/%d" % n) for n in range(300_000)), END])),
    ),
)
