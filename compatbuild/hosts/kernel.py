"""What the kernel's options, modules and settings have to do with each other: the facts of ``kernel.yaml``."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

CONFIG, LOADED, ENABLED = "kernel.config", "kernel.loadedmodule", "kernel.enabledmodule"
BUILT = ("y", "m")  # the values of an option that is on: in the kernel itself, or as a module


@dataclass(frozen=True, slots=True)
class Substitute:
    """An option that is not set although something else gives what is behind it."""

    option: str
    reason: str
    given_by: str = ""
    module: str = ""
    when: str = "absent"


@dataclass(frozen=True, slots=True)
class Setting:
    """A sysctl some of whose values forbid what an option built."""

    sysctl: str
    values: tuple[str, ...]
    option: str
    reason: str


@dataclass(frozen=True, slots=True)
class KernelFacts:
    """All facts.

    ``files`` maps an option to the file name of its module, ``options`` a module (with underscores) to its options,
    ``remedies`` what is changed (``sysctl``, ``modules``, ``signatures``) to advice by the ID of os-release.
    """

    files: Mapping[str, str]
    options: Mapping[str, tuple[str, ...]]
    substitutes: tuple[Substitute, ...]
    settings: tuple[Setting, ...]
    out_of_tree: tuple[str, ...]
    remedies: Mapping[str, Mapping[str, str]]


@cache
def facts() -> KernelFacts:
    """Give the facts, read once from ``kernel.yaml``."""
    text = (files(__package__) / "kernel.yaml").read_text(encoding="utf-8")
    rows: Any = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    names: dict[str, str] = rows["modules"]["files"]
    options: dict[str, tuple[str, ...]] = {}
    for option, file in names.items():
        options[loaded_name(file)] = (*options.get(loaded_name(file), ()), option)
    return KernelFacts(
        files=names,
        options=options,
        substitutes=tuple(Substitute(**row) for row in rows["substitutes"]["rows"]),
        settings=tuple(Setting(**{**row, "values": tuple(row["values"])}) for row in rows["settings"]["rows"]),
        out_of_tree=tuple(rows["out_of_tree"]["names"]),
        remedies=rows["remedies"],
    )


def loaded_name(file: str) -> str:
    """Give the name that /proc/modules shows for a module's file: hyphens are underscores there."""
    return file.replace("-", "_")


def built_in_names(names: Collection[str]) -> frozenset[str]:
    """Give the names of built-in modules as modules.builtin spells them, from names with underscores."""
    spelt = {loaded_name(file): file for file in facts().files.values()}
    return frozenset(spelt.get(name, name) for name in names)


def substitutes(config: Mapping[str, str], absent: Collection[str], modules: Collection[str]) -> dict[str, str]:
    """Give ``kernel.config/OPTION`` to what gives it instead, for options that are off or do not exist in a kernel.

    ``config`` holds the options with their values (``n`` for off), ``absent`` those that do not exist, ``modules`` the
    names of modules that are there.
    """
    found: dict[str, str] = {}
    for one in _substitutes(config, absent, modules):
        found.setdefault(f"{CONFIG}/{one.option}", one.reason)
    return found


def _substitutes(config: Mapping[str, str], absent: Collection[str], modules: Collection[str]) -> Iterator[Substitute]:
    for one in facts().substitutes:
        off = one.option in absent or (one.when == "off" and config.get(one.option) == "n")
        given = config.get(one.given_by) in BUILT or one.module in modules
        if off and given:
            yield one
