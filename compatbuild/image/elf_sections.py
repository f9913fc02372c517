"""The section headers of an ELF file and their names."""

from compatbuild.image.elf_format import SECTIONS_MAX, Header, Layout, Section
from compatbuild.image.elf_windows import Damage, DamagedError, Windows

NAMES_MAX = 1 << 20
"""Bytes of section names taken in."""

NAME_MAX = 256
"""Bytes of one section's name; the longest that matter here (``.note.gnu.property``) have twenty."""

NONE = 0
"""e_shstrndx of a file whose sections have no names (SHN_UNDEF)."""

IN_FIRST_SECTION = 0xFFFF
"""e_shstrndx when the index does not fit: it stands in sh_link of section 0 (SHN_XINDEX)."""


def read_sections(layout: Layout, header: Header, windows: Windows, damage: Damage) -> tuple[Section, ...]:
    """Read the section headers, without the empty first one; a name that cannot be read is empty."""
    if not header.sections_at:
        return ()
    with damage:
        if header.section_size != layout.section.size:
            raise DamagedError("section headers of an unknown size")
        rows = _rows(layout, header, windows, damage)
        names = None
        with damage:
            names = _names(rows, header.names_index, windows)
        return tuple(_section(row, names, damage) for row in rows[1:])
    return ()


def _rows(layout: Layout, header: Header, windows: Windows, damage: Damage) -> list[tuple[int, ...]]:
    size = layout.section.size
    first = layout.section.unpack(windows.read(header.sections_at, size, "section headers"))
    count = header.section_count or first[5]  # sh_size of section 0, when the number does not fit into e_shnum
    if count > SECTIONS_MAX:
        damage.note(f"more than {SECTIONS_MAX} sections")
        count = SECTIONS_MAX
    return list(layout.section.iter_unpack(windows.read(header.sections_at, count * size, "section headers")))


def _names(rows: list[tuple[int, ...]], index: int, windows: Windows) -> Windows | None:
    if index == IN_FIRST_SECTION:
        index = rows[0][6]
    if index == NONE:
        return None
    if not 0 < index < len(rows):
        raise DamagedError("section names not readable")
    _, _, _, _, offset, size, *_ = rows[index]
    return Windows.over(windows.read(offset, min(size, NAMES_MAX), "section names"))


def _section(row: tuple[int, ...], names: Windows | None, damage: Damage) -> Section:
    name = ""
    if names is not None:
        with damage:
            name = names.text(row[0], NAME_MAX, "the name of a section")
    return Section(name, row[1], row[2], row[3], row[4], row[5])
