"""What fuzzing starts from: a few good inputs for each target, and what was found before.

Inputs that once failed lie in ``found/TARGET/``, as they were; each is replayed in every run of the tests.
"""

from __future__ import annotations

import gzip
import json
import lzma
from functools import cache
from pathlib import Path

from tests.builders import fatbin, hipfat
from tests.builders.elf import bpf_object, elf
from tests.builders.images import image_config, index, manifest
from tests.builders.layers import directory, file, hardlink, layer, symlink, tar, whiteout
from tests.builders.metadata_images import conda_record, jar, spack_node, spack_spec
from tests.builders.programs import cuda_program
from tests.builders.tarbytes import END, extension, member, pax
from tests.builders.toc import Listed
from tests.fuzz.targets import DATABASES

FOUND = Path(__file__).parent / "found"
RECORDED = Path(__file__).parents[1] / "unit" / "image" / "recorded" / "rpm"
SPECIFICATION = b"""version: v1alpha1
compatibilities:
  - tag: "required"
    weight: 1
    rules:
      - name: "r"
        matchFeatures:
          - feature: kernel.version
            matchExpressions: {full: {op: InRegexp, value: ["^5[.](1[0-9])"]}}
          - feature: "cpu.cpuid"
            matchName: {op: In, value: [AVX2]}
        matchAny:
          - matchFeatures: [{feature: "pci.device", matchExpressions: {vendor: {op: In, value: ["10de"]}}}]
"""


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """Return the inputs of a target, those that failed before included."""
    kept = sorted((FOUND / target).glob("*")) if (FOUND / target).is_dir() else []
    return (*_good(target), *(path.read_bytes() for path in kept))


def _good(target: str) -> tuple[bytes, ...]:
    return {
        "layer": _layers,
        "table": _tables,
        "elf": _elves,
        "database": _databases,
        "manifest": _manifests,
        "specification": lambda: (SPECIFICATION, SPECIFICATION.replace(b'"', b"'"), b"{version: v1alpha1}"),
        "texts": _texts,
    }[target]()


def _layers() -> tuple[bytes, ...]:
    links = [symlink("a", "usr/../b"), hardlink("c", "usr/x"), whiteout("usr/y"), directory("d"), file("a/z")]
    plain = tar([file("usr/x", b"x" * 700), *links])
    odd = pax(path="p" * 200, size="3") + member(b"x", b"abc") + extension(b"L", b"n" * 300) + member(b"y") + END
    return (plain, odd, gzip.compress(plain, mtime=0), layer(*links, compress="zstd").blob, lzma.compress(odd))


def _tables() -> tuple[bytes, ...]:
    texts: list[bytes] = []

    def told(text: str) -> bytes:
        texts.append(text.encode())
        return texts[-1]

    entries = [directory("usr"), file("usr/x", b"x" * 700), symlink("l", "usr"), hardlink("h", "usr/x")]
    for chunk in (100, 1000):
        Listed(entries, chunk, text=told).layer()
    return (*texts, texts[0].replace(b", ", b",\n\t\t"))


def _elves() -> tuple[bytes, ...]:
    code = fatbin.container(
        fatbin.cubin("90a"), fatbin.ptx("80", (8, 1)), fatbin.concatenated(fatbin.header(1, "70", 8))
    )
    bundle = hipfat.section(hipfat.bundle("gfx90a:xnack+"), hipfat.compressed(hipfat.bundle("gfx942")))
    return (
        elf(needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.34"]}, interpreter="/lib64/ld.so", isa=4),
        elf(needed=["libcudart.so.12"], sections={".nv_fatbin": code}, runpath="$ORIGIN/../lib"),
        elf(needed=["libamdhip64.so.6"], sections={".hip_fatbin": bundle}),
        elf(bits=32, order=">", machine=8, needed=["a"], strings_last=True),
        bpf_object(["xdp", "kprobe/x"], core_relocations=24),
        elf(
            sections={
                ".rodata": bpf_object(),
                ".go.buildinfo": b"\xff Go buildinf:\x08\x02" + bytes(16) + b"\x06go1.22",
            }
        ),
    )


def _databases() -> tuple[bytes, ...]:
    status = b"Package: libc6\nStatus: install ok installed\nVersion: 2.36\nArchitecture: amd64\n\n"
    rpm = [
        lzma.decompress((RECORDED / f"{name}.xz").read_bytes()) for name in ("rpmdb.sqlite", "Packages", "Packages.db")
    ]
    conda = conda_record(["a >=1"], ["lib/libx.so"])
    spack = spack_spec(spack_node("a", uses=("b",)), spack_node("b"))
    parts = [status, b"P:musl\nV:1\nA:x86_64\n\n", *rpm, b"Name: x\nVersion: 1\n\n", conda, spack]
    assert len(parts) == len(DATABASES)
    return tuple(bytes([number]) + part for number, part in enumerate(parts))


def _manifests() -> tuple[bytes, ...]:
    one = cuda_program()
    config = image_config([one], {"Env": ["A=b"], "Labels": {"a": "b"}}, history=[{"created_by": "x"}])
    top = manifest([one], config)
    entry = {**json.loads(top)["config"], "platform": {"os": "linux", "architecture": "amd64", "os.features": ["x"]}}
    return (top, config, index(entry))


def _texts() -> tuple[bytes, ...]:
    return (
        b'ID=debian\nVERSION_ID="12"\nNAME=\'a\\"b\'\n',
        b'#!/bin/sh -e\nexec env A=1 python3 -m app "$@" | tee x && (cd y; ./z) <<E\nE\n',
        b"import a.b as c\ntry:\n    from . import d\nexcept ImportError:\n    pass\n",
        lzma.compress(b"\0vermagic=6.1.0-1-amd64 SMP\0intree=Y\0"),
        jar("META-INF/native/libx.so", "b"),
    )
