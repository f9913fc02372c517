"""Files of npm packages, pinned by hash and cached outside the tree."""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from tests.peers import missing, require


@dataclass(frozen=True)
class Package:
    """A package's tarball: what npm calls it, the file it is packed into, and its SHA-256."""

    name: str
    tarball: str
    sha256: str


AXE = Package(
    "axe-core@4.14.1", "axe-core-4.14.1.tgz", "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745"
)
SARIF = Package(
    "@microsoft/jest-sarif@1.0.0-beta.0",
    "microsoft-jest-sarif-1.0.0-beta.0.tgz",
    "748e2c3d1a842e7bb258416685c7ea3a0da40005b72267b2052c2856d48ad102",
)


def npm_file(package: Package, path: str) -> str:
    """Return the text of one file of a package; the test that asks is skipped, or fails, when it cannot be had."""
    with tarfile.open(_tarball(package)) as archive:
        member = archive.extractfile(f"package/{path}")
        assert member is not None
        return member.read().decode()


def _tarball(package: Package) -> Path:
    kept = Path(platformdirs.user_cache_dir("compatbuild-tests")) / "npm" / package.tarball
    if kept.is_file() and _sha256(kept) == package.sha256:
        return kept
    npm = require("npm")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as directory:
        command: list[str | Path] = [
            npm,
            "pack",
            "--silent",
            "--ignore-scripts",
            "--pack-destination",
            directory,
            package.name,
        ]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        found = Path(directory, package.tarball)
        if done.returncode or not found.is_file():
            missing(f"{package.name} cannot be downloaded: {done.stderr.strip()[-500:]}")
        assert _sha256(found) == package.sha256, f"{package.name} is not what was pinned"
        found.replace(kept)
    return kept


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
