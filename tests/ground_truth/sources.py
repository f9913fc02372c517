"""Where the content of cases comes from: wheels pinned by hash, Debian packages, programs built here."""

import csv
import io
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import platformdirs

from tests.builders.wheels import fetched
from tests.ground_truth import built
from tests.ground_truth.cases import Case

SITE = "usr/lib/python3.11/site-packages"
SCHEMES = {"data": "usr", "purelib": SITE, "platlib": SITE, "scripts": "usr/bin", "headers": "usr/include"}
"""Where the directories below ``NAME.data`` of a wheel go (PEP 427)."""


class UnavailableError(Exception):
    """A package cannot be had here, or nothing can build it; the text says why."""


def unpack(case: Case, root: Path) -> None:
    """Put the content of a case under a directory; UnavailableError when a part cannot be had."""
    for filename, sha256 in case.wheels.items():
        wheel = fetched(filename, sha256)
        if isinstance(wheel, str):
            raise UnavailableError(wheel)
        _install(wheel, root)
    if case.debs:
        packages = [_deb(name) for name in case.debs]
        try:
            _unpack_debs(packages, root)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UnavailableError(f"Debian packages cannot be unpacked here: {error}") from error
    if case.built:
        try:
            built.RECIPES[case.built](root)
        except (OSError, subprocess.CalledProcessError) as error:
            raise UnavailableError(f"{case.built} cannot be built here: {error}") from error


def _install(wheel: Path, root: Path) -> None:
    """Put the files of a wheel where pip puts them, and rewrite its RECORD accordingly."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if member.is_dir():
                continue
            target = root / _place(member.filename)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, target.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            if target.name == "RECORD" and target.parent.suffix == ".dist-info":
                target.write_text(_record(target.read_text("utf-8")), "utf-8")


def _place(name: str) -> str:
    head, _, rest = name.partition("/")
    if not head.endswith(".data"):
        return f"{SITE}/{name}"
    scheme, _, inner = rest.partition("/")
    return f"{SCHEMES[scheme]}/{inner}"


def _record(text: str) -> str:
    placed = io.StringIO()
    for path, *rest in csv.reader(io.StringIO(text)):
        where = _place(path)
        inside = where.startswith(f"{SITE}/")
        csv.writer(placed).writerow([where.removeprefix(f"{SITE}/") if inside else f"../../../../{where}", *rest])
    return placed.getvalue()


def _deb(pin: str) -> Path:
    """Return a Debian package: the pinned version, else one that was fetched before or that the machine can have."""
    name, _, version = pin.partition("=")
    kept = Path(platformdirs.user_cache_dir("compatbuild-tests")) / "debs"
    kept.mkdir(parents=True, exist_ok=True)
    pinned = f"{name}_{version.replace(':', '%3a')}_*.deb"
    found = sorted(kept.glob(pinned)) or _apt(pin, kept) or sorted(kept.glob(f"{name}_*.deb")) or _apt(name, kept)
    if not found:
        raise UnavailableError(f"{pin} cannot be downloaded with apt-get")
    return found[0]


def _apt(wanted: str, kept: Path) -> list[Path]:
    """Download a package with apt; empty when there is no such version, or no apt."""
    with tempfile.TemporaryDirectory(dir=kept) as directory:
        command = ["apt-get", "download", "--quiet", "--quiet", wanted]
        try:
            subprocess.run(command, cwd=directory, capture_output=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return []
        return [file.replace(kept / file.name) for file in Path(directory).glob("*.deb")]


def _unpack_debs(packages: list[Path], root: Path) -> None:
    """Unpack Debian packages and record them, as dpkg does."""
    paragraphs = []
    for package in packages:
        subprocess.run(["dpkg-deb", "--extract", str(package), str(root)], check=True, capture_output=True)
        fields = ["dpkg-deb", "--field", str(package), "Package", "Version", "Architecture"]
        told = subprocess.run(fields, check=True, capture_output=True, text=True).stdout
        paragraphs.append(f"{told}Status: install ok installed\n")
    status = root / "var/lib/dpkg/status"
    status.parent.mkdir(parents=True, exist_ok=True)
    status.write_text("\n".join(paragraphs), "utf-8")
