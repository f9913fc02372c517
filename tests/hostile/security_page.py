"""The tables of docs/security.md, made from the code: ``python -m tests.hostile.security_page`` writes them."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from compatbuild.fleet import rows, wanted
from compatbuild.fleet.sources import compose, pods, references
from compatbuild.image import bpf, elf_format, elf_keep, elf_linking, fatbin, hipfat, jar, kmod, view
from compatbuild.image import config as image_config
from compatbuild.image.limits import GIB, KIB, MIB, Limits
from compatbuild.inference import library_search, reachability
from compatbuild.nfd import matcher, tree
from compatbuild.registry import descriptor, referrers, registries
from compatbuild.sources import archive

PAGE = Path(__file__).parents[2] / "docs" / "security.md"
BEGIN, END = "<!-- {}: from the code -->", "<!-- end -->"
FIXED = (
    ("a manifest", descriptor.MAX_MANIFEST, "bytes"),
    ("an index", descriptor.MAX_INDEX, "bytes"),
    ("entries of an index, layers of a manifest", descriptor.MAX_ENTRIES, ""),
    ("pages of a list of referrers", referrers.MAX_PAGES, ""),
    ("repositories of a registry's catalogue", registries.MAX_REPOSITORIES, ""),
    ("a list of pods, or of references", max(pods.MAX_BYTES, references.MAX_BYTES), "bytes"),
    ("a compose file", compose.MAX_BYTES, "bytes"),
    ("nodes of a compose file, aliases written out", compose.MAX_NODES, ""),
    ("one line of a record of a fleet", rows.MAX_LINE, "bytes"),
    ("images of one fleet", wanted.MAX_WANTED, ""),
    ("members of an image archive", archive.MAX_MEMBERS, ""),
    ("entries of a list in an image config", image_config.MAX_ITEMS, ""),
    ("one text in an image config", image_config.MAX_TEXT, "characters"),
    ("symbolic links followed in one path", view.MAX_LINKS, ""),
    ("segments of an ELF file", elf_format.SEGMENTS_MAX, ""),
    ("sections of an ELF file", elf_format.SECTIONS_MAX, ""),
    ("kept of one ELF file while it is read", elf_keep.KEEP_MAX, "bytes"),
    ("libraries that an ELF file needs", elf_linking.NEEDED_MAX, ""),
    ("symbol versions of an ELF file", elf_linking.VERSIONS_MAX, ""),
    ("reads within the GPU code of an ELF file", fatbin.READS_MAX, ""),
    ("bundles of HIP code in an ELF file", hipfat.BUNDLES_MAX, ""),
    ("read of a bundle of HIP code, decompressed", hipfat.PLAIN_MAX, "bytes"),
    ("BPF objects of an ELF file", bpf.OBJECTS_MAX, ""),
    ("read of a compressed kernel module, decompressed", kmod.READ_MAX, "bytes"),
    ("entries of a Java archive", jar.MAX_ENTRIES, ""),
    ("programs that start each other, one after the other", reachability.MAX_DEPTH, ""),
    ("commands of scripts that are followed", reachability.MAX_COMMANDS, ""),
    ("places where libraries are looked for", library_search.MAX_LOOKUPS, ""),
    ("a specification", tree.MAX_BYTES, "bytes"),
    ("depth of a specification", tree.MAX_DEPTH, ""),
    ("comparisons of one check", matcher.MAX_COMPARISONS, ""),
)
"""Caps that nobody needs to change."""


def settable() -> str:
    """Return the table of limits with a name."""
    rows = [
        f"| `{one.name}` | {_number(int(str(one.default)), one.metadata['unit'])} | {one.metadata['what']} "
        f"| {one.metadata['effect']} |"
        for one in fields(Limits)
    ]
    return "\n".join(["| name | default | counts | above it |", "|---|---|---|---|", *rows])


def fixed() -> str:
    """Return the table of the others."""
    rows = [f"| {what} | {_number(most, unit)} |" for what, most, unit in FIXED]
    return "\n".join(["| what | at most |", "|---|---|", *rows])


def written(page: str) -> str:
    """Return the page with its tables as the code has them."""
    for name, table in (("limits", settable()), ("fixed", fixed())):
        before, _, rest = page.partition(BEGIN.format(name))
        _, _, after = rest.partition(END)
        page = f"{before}{BEGIN.format(name)}\n\n{table}\n\n{END}{after}"
    return page


def _number(value: int, unit: str) -> str:
    if unit == "bytes":
        for size, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
            if value >= size and value % size == 0:
                return f"{value // size:,} {name}"
    return f"{value:,}{'' if unit[:1] == ':' else ' '}{unit}".rstrip()


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
