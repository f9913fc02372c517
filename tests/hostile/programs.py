"""ELF files, GPU code, BPF objects, kernel modules and Java archives that are not what they say."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import Iterator
from struct import Struct

from tests.builders import fatbin, hipfat
from tests.builders.elf import bpf_object, elf
from tests.builders.layers import Entry, Layer, file, layer
from tests.builders.metadata_images import jar
from tests.builders.tarbytes import END, header, member
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
    streamed,
    trick,
    zeros,
)

BOTH = {**HONEST, **MPI}
HEADER = Struct("<HHIQQQIHHHHHH")  # of a 64-bit ELF, from byte 16 on
FIELDS = "type machine version entry phoff shoff flags ehsize phentsize phnum shentsize shnum shstrndx".split()
NOT_ELF = Struct("<I")


def changed(data: bytes, **fields: int) -> bytes:
    """Return an ELF file with other values in its header."""
    values = dict(zip(FIELDS, HEADER.unpack_from(data, 16), strict=True)) | fields
    out = bytearray(data)
    HEADER.pack_into(out, 16, *values.values())
    return bytes(out)


def broken() -> Iterator[Entry]:
    """Yield forty broken ELF files: cut, with wild offsets and counts, and with random damage."""
    good = elf(needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.34"]}, interpreter="/lib64/ld-linux-x86-64.so.2")
    most = (1 << 64) - 1
    wild = [
        {"phoff": most},
        {"phoff": len(good) - 8},
        {"phnum": 0xFFFF},
        {"phnum": 0xFFFE},
        {"phentsize": 0},
        {"phentsize": 0xFFFF},
        {"shoff": most},
        {"shoff": len(good) - 8},
        {"shnum": 0xFFFF},
        {"shnum": 0},
        {"shentsize": 0},
        {"shstrndx": 0xFFFF},
        {"shstrndx": 0xFFF0},
        {"machine": 0xFFFF},
        {"type": 0xFFFF},
        {"phoff": 1, "shoff": 1},
    ]
    cut = [good[:size] for size in (4, 5, 15, 16, 63, 64, 100, 200, 300, len(good) - 1)]
    luck = random.Random(1)
    damaged = []
    for _ in range(14):
        copy = bytearray(good)
        for _ in range(12):
            copy[luck.randrange(4, len(copy))] = luck.randrange(256)
        damaged.append(bytes(copy))
    for number, data in enumerate([*(changed(good, **fields) for fields in wild), *cut, *damaged]):
        yield file(f"usr/lib/broken{number}.so", data, mode=0o755)


def looped_versions() -> bytes:
    """Return a program whose version needs point back at themselves."""
    data = bytearray(elf(needed=["libmpi.so.40"], versions={"libmpi.so.40": ["A", "B"], "libc.so.6": ["C"]}))
    need = Struct("<HHIII")
    at = data.index(need.pack(1, 2, 0, 16, 0)[:4])
    version, count, name, aux, _ = need.unpack_from(data, at)
    need.pack_into(data, at, version, count, name, aux, 0xFFFFFFF0)
    return bytes(data)


def many_elves() -> Layer:
    """Return 20,000 ELF files, more than are read."""
    one = elf()
    return streamed([*(member(b"l/%d.so" % n, one) for n in range(20_000)), END])


def needing(count: int) -> bytes:
    """Return a program that needs so many libraries."""
    return elf(needed=[f"lib{n}.so.1" for n in range(count)])


def graph() -> Iterator[Entry]:
    """Yield 300 libraries, each of which needs all the others."""
    names = [f"libg{n}.so" for n in range(300)]
    for name in names:
        yield file(f"usr/lib/{name}", elf(soname=name, needed=names), mode=0o755)
    yield file(TRICK, elf(needed=[*names, "libmpi.so.40"]), mode=0o755)


def cuda(*contents: bytes, name: str = ".nv_fatbin") -> bytes:
    """Return a program with a section of GPU code."""
    return elf(needed=["libmpi.so.40", "libcudart.so.12"], sections={name: b"".join(contents)})


def lying_container(size: int) -> bytes:
    """Return a fatbin container that says it has so many bytes."""
    return Struct("<IHHQ").pack(0xBA55ED50, 1, 16, size) + fatbin.cubin("90")


def entries(count: int) -> bytes:
    """Return a container of so many kernels."""
    return fatbin.container(*[fatbin.cubin("90", b"")] * count)


def hip(*bundles: bytes) -> bytes:
    """Return a program with a section of HIP code."""
    return elf(needed=["libamdhip64.so.6", "libmpi.so.40"], sections={".hip_fatbin": hipfat.section(*bundles)})


def bundle_of(count: int) -> bytes:
    """Return the head of a HIP bundle that says it has so many entries."""
    return b"__CLANG_OFFLOAD_BUNDLE__" + Struct("<Q").pack(count) + bytes(64)


def bomb_gz() -> bytes:
    """Return 1 GiB of zeros in 1 MB."""
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(1024)), packer.flush()])


def big_zip(names: int) -> bytes:
    """Return a Java archive of so many entries."""
    return jar(*(f"META-INF/native/lib{n}.so" for n in range(names)))


def overlapping_zip() -> bytes:
    """Return an archive whose directory says that it is larger than the file."""
    data = bytearray(jar("META-INF/native/libx.so"))
    at = data.rindex(b"PK\5\6")
    Struct("<I").pack_into(data, at + 12, 0xFFFFFFFF)
    return bytes(data)


MODULE = b"\0vermagic=6.1.0-1-amd64 SMP\0"
KO = elf(kind=1, sections={".modinfo": MODULE})

CASES = (
    Case("elf-broken", "forty broken ELF files beside a good one", files(*broken(), trick()), facts=BOTH),
    Case(
        "elf-nothing-but-magic",
        "files that are nothing but the magic bytes",
        files(*(file(f"e{n}", b"\x7fELF" + b"\xff" * n) for n in range(70)), trick()),
        facts=BOTH,
    ),
    Case(
        "elf-versions-loop",
        "version needs that point at themselves",
        files(file(TRICK, looped_versions(), mode=0o755)),
        facts=BOTH,
    ),
    Case("elf-needs-many", "a program that needs 5,000 libraries", files(file(TRICK, needing(5_000), mode=0o755))),
    Case(
        "elf-graph",
        "300 libraries, each of which needs all the others",
        files(*graph(), runtime={"Entrypoint": [f"/{TRICK}"]}),
        facts={"os.id": "debian", **MPI},
    ),
    Case(
        "elf-long-names",
        "a library name of 100,000 characters and an rpath of a megabyte",
        files(file(TRICK, elf(needed=["l" * 100_000, "libmpi.so.40"], runpath="/x:" * 300_000), mode=0o755)),
        facts=HONEST,
    ),
    Case("elf-many", "20,000 ELF files, more than are read", built(many_elves), limits=("ELF files",)),
    Case(
        "elf-large",
        "an ELF file of 1 GiB of zeros",
        built(lambda: zeros("usr/lib/huge.so", 1 << 30, elf(needed=["libmpi.so.40"]))),
        facts=BOTH,
    ),
    Case(
        "elf-magic-everywhere",
        "200 MiB of what begins GPU code, again and again",
        built(
            lambda: zeros(
                "usr/lib/huge.so",
                200 << 20,
                elf(needed=["libcudart.so.12"]),
                block=NOT_ELF.pack(0xBA55ED50) * (1 << 18),
            )
        ),
    ),
    Case(
        "elf-interpreter",
        "an interpreter that is the program itself",
        files(
            file(TRICK, elf(interpreter=f"/{TRICK}", needed=["libmpi.so.40"]), mode=0o755),
            runtime={"Entrypoint": [f"/{TRICK}"]},
        ),
        facts={"os.id": "debian", **MPI},
    ),
    Case(
        "elf-machine-foreign",
        "programs for machines that do not exist",
        files(*(file(f"usr/bin/m{n}", elf(machine=n * 1000 + 7), mode=0o755) for n in range(60))),
    ),
    Case(
        "fatbin-size",
        "a container of GPU code of 8 EiB",
        files(file(TRICK, cuda(lying_container((1 << 63) - 1)), mode=0o755)),
        facts=BOTH,
    ),
    Case(
        "fatbin-size-zero",
        "containers of no bytes, one after the other",
        files(file(TRICK, cuda(lying_container(0) * 500), mode=0o755)),
        facts=BOTH,
    ),
    Case(
        "fatbin-entries",
        "a container of 100,000 kernels",
        files(file(TRICK, cuda(entries(100_000)), mode=0o755)),
        facts=MPI,
    ),
    Case(
        "fatbin-options",
        "a kernel whose header is a gigabyte",
        files(file(TRICK, cuda(fatbin.container(fatbin.header(fatbin.PTX, "90", 1 << 62))), mode=0o755)),
        facts=BOTH,
    ),
    Case(
        "hip-entries",
        "a HIP bundle of 2^63 entries",
        files(file(TRICK, hip(bundle_of(1 << 63)), mode=0o755)),
        facts=MPI,
    ),
    Case(
        "hip-bomb",
        "a compressed HIP bundle that is 64 MiB of zeros",
        files(file(TRICK, hip(hipfat.compressed(bytes(64 << 20))), mode=0o755)),
        facts=MPI,
    ),
    Case(
        "hip-lies",
        "a compressed HIP bundle that says it has other sizes",
        files(
            file(
                TRICK,
                hip(
                    hipfat.compressed(hipfat.bundle("gfx90a"), total=1 << 62),
                    hipfat.compressed(hipfat.bundle("gfx90a"), version=2, total=7),
                ),
                mode=0o755,
            )
        ),
        facts=MPI,
    ),
    Case(
        "bpf-many",
        "a thousand BPF objects in one program",
        files(file(TRICK, elf(needed=["libmpi.so.40"], sections={".rodata": bpf_object(["xdp"]) * 1000}), mode=0o755)),
        facts=BOTH,
    ),
    Case(
        "bpf-programs",
        "a BPF object of 5,000 programs, and one whose relocations do not end",
        files(
            file("a.o", bpf_object([f"xdp/{n}" for n in range(5_000)])),
            file("b.o", bpf_object(core_relocations=4)[:-40]),
            trick(),
        ),
        facts=BOTH,
    ),
    Case(
        "kmod-bomb",
        "a compressed kernel module of 1 GiB",
        built(lambda: layer(file("lib/modules/6.1.0/extra/x.ko.gz", bomb_gz()), trick())),
        facts=BOTH,
    ),
    Case(
        "kmod-damaged",
        "kernel modules that are cut or nothing at all",
        files(
            file("lib/modules/6.1.0/extra/a.ko.xz", b"\xfd7zXZ\0\0\4"),
            file("lib/modules/6.1.0/extra/b.ko.zst", b"\x28\xb5\x2f\xfd"),
            file("lib/modules/6.1.0/updates/c.ko.gz", gzip.compress(KO)[:50]),
            file("lib/modules/6.1.0/extra/d.ko", KO[:90]),
        ),
        facts=HONEST,
    ),
    Case(
        "kmod-control",
        "a module release with control characters",
        files(file("drivers/x.ko", elf(kind=1, sections={".modinfo": b"\0vermagic=6.1\x1b[31m SMP\0"}))),
        facts=HONEST,
    ),
    Case(
        "jar-many", "a Java archive of 10,000 entries", files(file("app/a.jar", big_zip(10_000)), trick()), facts=BOTH
    ),
    Case(
        "jar-lies",
        "archives whose directory is larger than they are, or loops",
        files(
            file("app/a.jar", overlapping_zip()),
            file("app/b.jar", b"PK\5\6" * 5_000),
            file("app/c.jar", b"PK\1\2" + bytes(42) + b"PK\5\6" + bytes(18)),
        ),
    ),
    Case(
        "elf-in-pieces",
        "an ELF whose header lies across two blocks of an archive with odd padding",
        image(archive(header(b"pad", b"%011o\0" % 0), member(TRICK.encode(), program()))),
        facts=BOTH,
    ),
)
