"""Small images of programs that need something of their host: OCI layouts with one image, or with one a platform."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.builders import images
from tests.builders.elf import elf
from tests.builders.layers import Layer, directory, file, layer

MACHINES = {"amd64": 62, "arm64": 183}
"""e_machine of an OCI architecture (ELF specification, EM_X86_64 and EM_AARCH64)."""
ISA_V3 = 4
"""GNU_PROPERTY_X86_ISA_1_V3 (x86-64 psABI)."""
RUNTIME = {"Entrypoint": ["/usr/bin/app"]}


def cuda_program(architecture: str = "amd64", *, mark: str = "") -> Layer:
    """Return the layer of a program that cannot work without CUDA 12; on amd64 it is built for x86-64-v3.

    Layers with another ``mark`` differ, and need the same.
    """
    machine = MACHINES[architecture]
    isa = ISA_V3 if architecture == "amd64" else None
    return layer(
        directory("usr"),
        file("usr/bin/app", elf(needed=["libcudart.so.12"], machine=machine, isa=isa), mode=0o755),
        file("usr/lib/libcudart.so.12", elf(soname="libcudart.so.12", machine=machine)),
        file("etc/os-release", b"ID=debian\nVERSION_ID=12\n"),
        file("usr/share/mark", mark.encode()),
    )


def write_image(path: Path, tag: str = "v1", *, mark: str = "", **config: Any) -> Path:
    """Write an OCI layout with the program's image for amd64, and return its directory."""
    program = cuda_program(mark=mark)
    return images.oci_layout(path, [program], images.image_config([program], RUNTIME, **config), tag)


def write_index(path: Path, tag: str = "v1") -> Path:
    """Write an OCI layout with an index of the program's images for amd64 and arm64, and return its directory."""
    blobs: list[bytes] = []
    entries: list[Mapping[str, Any]] = []
    for architecture in MACHINES:
        program = cuda_program(architecture)
        config = images.image_config([program], RUNTIME, architecture=architecture)
        manifest = images.manifest([program], config)
        blobs += [program.blob, config, manifest]
        platform = {"os": "linux", "architecture": architecture}
        entries.append(images.describe(manifest, images.MANIFEST, platform=platform))
    top = images.index(*entries)
    named = images.describe(top, images.INDEX, annotations={"org.opencontainers.image.ref.name": tag})
    return images.write_files(path, images.oci_files([*blobs, top], [named]))
