"""Real Debian packages of any architecture, fetched with apt once and kept outside the tree."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import platformdirs

from tests.builders.layers import Entry, directory, file, symlink

SUITE = "deb http://deb.debian.org/debian bookworm main\n"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


def debs(architecture: str, *names: str) -> list[Path] | str:
    """Return packages by name, or what went wrong; those of an architecture are kept from the first time on."""
    kept = Path(platformdirs.user_cache_dir("compatbuild-tests")) / "debs-foreign" / architecture
    kept.mkdir(parents=True, exist_ok=True)
    missing = [name for name in names if not list(kept.glob(f"{name}_*.deb"))]
    if missing:
        try:
            _fetch(architecture, missing, kept)
        except (OSError, subprocess.CalledProcessError) as error:
            said = getattr(error, "stderr", b"") or b""
            return f"{', '.join(missing)} for {architecture} cannot be had with apt-get: {error} {said.decode()[-300:]}"
    return [min(kept.glob(f"{name}_*.deb")) for name in names]


def _fetch(architecture: str, names: Sequence[str], kept: Path) -> None:
    """Download with lists and settings of apt's own for this architecture: the machine's stay as they are."""
    with tempfile.TemporaryDirectory(dir=kept) as place:
        for name in ("state/lists/partial", "cache/archives/partial", "debs"):
            Path(place, name).mkdir(parents=True)
        Path(place, "sources").write_text(SUITE.replace("deb ", f"deb [signed-by={KEYRING}] "))
        settings = {"APT::Architecture": architecture, "APT::Architectures::": architecture}
        settings |= {"Dir::State": f"{place}/state", "Dir::Cache": f"{place}/cache", "Dir::State::status": "/dev/null"}
        settings |= {"Dir::Etc::sourcelist": f"{place}/sources", "Dir::Etc::sourceparts": "/dev/null"}
        command = ["apt-get", "-qq", *(word for key, value in settings.items() for word in ("-o", f"{key}={value}"))]
        command += ["-o", "APT::Sandbox::User=root"]
        subprocess.run([*command, "update"], capture_output=True, check=True)
        subprocess.run([*command, "download", *names], cwd=f"{place}/debs", capture_output=True, check=True)
        for package in Path(place, "debs").glob("*.deb"):
            package.replace(kept / package.name)


def entries(packages: Sequence[Path], root: Path) -> list[Entry]:
    """Unpack packages into an empty directory, and return what is there as a layer's entries."""
    for package in packages:
        subprocess.run(["dpkg-deb", "--extract", package, root], check=True, capture_output=True)
    found = []
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found.append(symlink(name, str(path.readlink())))
        elif path.is_dir():
            found.append(directory(name))
        else:
            found.append(file(name, path.read_bytes(), path.stat().st_mode & 0o7777))
    return found
