"""What is known of instruction sets: the class whose fields are the blocks of ``cpu.yaml``."""

from collections.abc import Mapping
from dataclasses import dataclass

from compatbuild.knowledge.rows import Table


@dataclass(frozen=True, slots=True)
class Cpu:
    """Instruction sets. Levels are ``x86-64-v2``; flags are NFD's names in ``cpu.cpuid``."""

    levels: Table[str, tuple[str, ...]]  # level → the flags it adds to the level below
    distributions: Table[str, str]  # "ID:major version" of os-release → level its packages are built for
    rebuilds: Table[str, Mapping[str, str]]  # the same key → rpm architecture of a rebuild → that rebuild's level
    numpy_features: Table[str, str]  # name in NumPy's baseline list → level or flag
    rust_features: Table[str, str]  # Rust target feature → flag
