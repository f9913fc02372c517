"""Packages that the corpus is made of, pinned by hash in ``pins.yaml`` and cached outside the tree."""

import hashlib
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import platformdirs
import yaml

from bench.measure import BenchError
from tests.builders.wheels import fetched

PINS = Path(__file__).with_name("pins.yaml")


def wheel(name: str) -> Path:
    """Return a wheel by the name of its project; BenchError when it cannot be had."""
    filename = next(one for one in _pins("wheels") if one.partition("-")[0] == name)
    found = fetched(filename, _pins("wheels")[filename])
    if isinstance(found, str):
        raise BenchError(found)
    return found


def debs() -> list[Path]:
    """Return all Debian packages; BenchError when one cannot be had in the version that is pinned."""
    return [_deb(pin, digest) for pin, digest in _pins("debs").items()]


@cache
def _pins(kind: str) -> dict[str, str]:
    return dict(yaml.safe_load(PINS.read_text("utf-8"))[kind])


def _deb(pin: str, digest: str) -> Path:
    kept = Path(platformdirs.user_cache_dir("compatbuild-bench")) / "debs" / f"{digest}.deb"
    if kept.is_file() and _sha256(kept) == digest:
        return kept
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as directory:
        command = ["apt-get", "download", "--quiet", "--quiet", "-o", "APT::Sandbox::User=root", pin]
        try:
            done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
        except OSError as error:
            raise BenchError(f"{pin} cannot be downloaded: {error}") from error
        found = next(Path(directory).glob("*.deb"), None)
        if done.returncode or found is None:
            raise BenchError(f"{pin} cannot be downloaded: {done.stderr.strip()[-300:]}")
        if _sha256(found) != digest:
            raise BenchError(f"{pin} does not have the SHA-256 that is pinned")
        found.replace(kept)
    return kept


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
