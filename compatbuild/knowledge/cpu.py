"""What is known of instruction sets: the class whose fields are the blocks of ``cpu.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass

from compatbuild.knowledge.rows import Table
from compatbuild.model.base import Model

Needs = tuple[str, ...]
"""Levels of x86-64 (``x86-64-v2``) and flags by NFD's names (``AVX2``), all of which must be there."""


class WheelNeed(Model):
    """What a wheel of the package index needs from version ``since`` on."""

    since: str
    needs: Needs


class ServerNeed(Model):
    """What the ``programs`` of a package need from version ``since`` on, by OCI architecture."""

    since: str
    programs: tuple[str, ...]
    needs: Mapping[str, Needs]


@dataclass(frozen=True, slots=True)
class Cpu:
    """Instruction sets. Levels are ``x86-64-v2``; flags are NFD's names in ``cpu.cpuid``."""

    levels: Table[str, Needs]  # level → the flags it adds to the level below
    distributions: Table[str, str]  # "ID:major version" of os-release → level its packages are built for
    distribution_flags: Table[str, Needs]  # "ID:version/architecture" → flags its packages are built for
    rebuilds: Table[str, Mapping[str, str]]  # the same key → rpm architecture of a rebuild → that rebuild's level
    numpy_features: Table[str, str]  # name in NumPy's baseline list → level or flag
    arrow_flags: Table[str, Needs]  # compiler option that Arrow's library names → what it means
    rust_features: Table[str, str]  # Rust target feature → flag
    go_settings: Table[str, Needs]  # "GOAMD64=v3" → what the program checks for or is compiled for
    wheels: Table[str, WheelNeed]  # project name as PEP 503 compares it → what its wheels need
    servers: Table[str, ServerNeed]  # package name in any ecosystem → what its programs need
    spack_targets: Table[str, Needs]  # name of a Spack target → what it means
    spack_features: Table[str, str]  # archspec's name of a feature that compilers use on their own → flag
    openblas_cores: Table[str, Needs]  # "architecture/core type in lower case" → what its kernels need
