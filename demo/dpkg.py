"""The package database of the base layer: Debian's, cut down to the packages whose files were copied."""

from collections.abc import Collection, Iterable
from pathlib import Path

ADMIN = Path("/var/lib/dpkg")
STATUS = ADMIN / "status"


def status(files: Iterable[Path], admin: Path = ADMIN, merged: Collection[str] = ()) -> str | None:
    """Return the stanzas (deb-control(5)) of the packages that own files, in the order of the machine's own status.

    ``merged`` names the top directories that are links into /usr: packages may still list ``/lib/…`` for what stands in
    ``/usr/lib/…``. None where there is no dpkg database. A file in no package, such as a Python built by hand, is
    nobody's.
    """
    if not (admin / "status").is_file():
        return None
    wanted = {str(file) for file in files}
    wanted |= {path.removeprefix("/usr") for path in wanted if path.startswith(tuple(f"/usr/{top}/" for top in merged))}
    owners = {
        listing.stem
        for listing in (admin / "info").glob("*.list")
        if not wanted.isdisjoint(listing.read_text(encoding="utf-8", errors="replace").splitlines())
    }
    stanzas = (admin / "status").read_text(encoding="utf-8", errors="replace").split("\n\n")
    chosen = (stanza.strip("\n") for stanza in stanzas if owners & _names(stanza))
    return "".join(f"{stanza}\n\n" for stanza in chosen)


def _names(stanza: str) -> set[str]:
    """Return the two names a package's files may be listed under: ``zlib1g`` and ``zlib1g:amd64`` (multi-arch)."""
    fields = dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
    package = fields.get("Package", "")
    return {package, f"{package}:{fields.get('Architecture', '')}"}
