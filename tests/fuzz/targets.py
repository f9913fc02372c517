"""What is fuzzed: functions that take any bytes, and may fail only in the way that they promise.

A target returns normally or raises CompatError; whatever else it raises is a finding.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from functools import cache

from compatbuild.detectors import discover
from compatbuild.errors import CompatError
from compatbuild.image import jar, kmod, os_release, packages
from compatbuild.image.collect import Collector
from compatbuild.image.config import parse_config
from compatbuild.image.decompress import decompressed
from compatbuild.image.elf_scan import ElfScan
from compatbuild.image.interests import Interests
from compatbuild.image.limits import DEFAULT
from compatbuild.image.tar import TarReader
from compatbuild.image.toc_entries import toc_entries
from compatbuild.inference import engine, python_imports, shell
from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.registry.descriptor import media_type_of
from compatbuild.validation.validate import validate

SMALL = DEFAULT.stated({"layer_bytes": "16MiB", "entries": "20000", "directories": "5000", "ratio_from": "1MiB"})

FEATURES = Features(
    flags={"cpu.cpuid": frozenset({"AVX2", "SSE4"}), "kernel.loadedmodule": None},
    attributes={"kernel.version": {"full": "5.14.0-570.el9", "major": "5"}, "kernel.config": {"FUSE_FS": "m"}},
    instances={"pci.device": ({"vendor": "10de", "class": "0302"},)},
)

Target = Callable[[bytes], object]


@cache
def interests() -> Interests:
    """Return what all detectors together ask for."""
    return engine.interests(discover())


def layer(data: bytes) -> None:
    """Read a layer: decompress it, go through the archive, collect what it holds."""
    reader = TarReader(decompressed(io.BytesIO(data), SMALL), SMALL)
    collector = Collector(SMALL)
    for member in reader:
        if collector.add(member):
            reader.read(100)
    collector.facts()


def table(data: bytes) -> None:
    """Read the table of contents of a layer, in pieces that depend on its first bytes."""
    size = 1 + (data[7] if len(data) > 7 else 0)
    for _ in toc_entries(data[at : at + size] for at in range(0, len(data), size)):
        pass


def elf(data: bytes) -> None:
    """Read an ELF file with its GPU code, BPF objects and notes, in pieces that depend on its first bytes."""
    scan = ElfScan("/usr/bin/it", len(data), interests())
    view, size = memoryview(data), 64 + 8 * (data[7] if len(data) > 7 else 0)
    for at in range(0, len(view), size):
        scan.feed(view[at : at + size])
    scan.result()


def database(data: bytes) -> None:
    """Read a package database; the first byte says of which kind."""
    path = DATABASES[data[0] % len(DATABASES)] if data else DATABASES[0]
    packages.installed({path}, {path: data[1:]}, SMALL)


def manifest(data: bytes) -> None:
    """Read a manifest or an index, and an image config."""
    for read in (media_type_of, lambda raw: parse_config(raw, SMALL)):
        try:
            read(data)
        except CompatError:
            continue


def specification(data: bytes) -> None:
    """Validate a specification, and match it if it can be decoded."""
    validate(data, "fuzz.yaml")
    evaluate(decode(data), FEATURES)


def texts(data: bytes) -> None:
    """Read the small texts: os-release, scripts, Python sources, kernel modules, Java archives."""
    os_release.parse_os_release(data)
    list(python_imports.imports(data))
    list(shell.commands(data.decode("utf-8", "replace")))
    kmod.from_compressed("/lib/modules/1/extra/x.ko.xz", data)
    list(jar.entries(data))


DATABASES = (
    "/var/lib/dpkg/status",
    "/lib/apk/db/installed",
    "/var/lib/rpm/rpmdb.sqlite",
    "/var/lib/rpm/Packages",
    "/var/lib/rpm/Packages.db",
    "/v/x.dist-info/METADATA",
    "/opt/conda/conda-meta/a-1-0.json",
    "/opt/a/.spack/spec.json",
)
TARGETS: Mapping[str, Target] = {
    "layer": layer,
    "table": table,
    "elf": elf,
    "database": database,
    "manifest": manifest,
    "specification": specification,
    "texts": texts,
}
