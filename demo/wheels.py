"""Hash-pinned wheels: fetched once with pip, and laid out in an image as an installer would lay them out.

Formats: wheels, https://packaging.python.org/en/latest/specifications/binary-distribution-format/, and what is recorded
of them once installed, https://packaging.python.org/en/latest/specifications/recording-installed-packages/.
"""

import base64
import configparser
import csv
import hashlib
import io
import os
import posixpath
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.tags import sys_tags
from packaging.utils import parse_wheel_filename

from demo.machine import DemoError
from demo.tree import File, Tree

INSTALLER = b"compatbuild-demo\n"


@dataclass(frozen=True)
class Pin:
    """One requirement: a project as PEP 503 spells it, its version, and the SHA-256 digests (hex) it may have."""

    name: str
    version: str
    digests: frozenset[str]


def cache_directory() -> Path:
    """Return where wheels are kept between runs (XDG Base Directory Specification)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "compatbuild-demo"


def read_pins(requirements: Path) -> list[Pin]:
    """Return the requirements of a file of the form ``NAME==VERSION --hash=sha256:DIGEST …``."""
    text = requirements.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return [_pin(line) for line in lines]


def _pin(line: str) -> Pin:
    name, _, version = line.split(maxsplit=1)[0].partition("==")
    return Pin(name, version, frozenset(re.findall(r"--hash=sha256:([0-9a-f]{64})", line)))


def fetch(requirements: Path, cache: Path) -> list[Path]:
    """Return a wheel for each requirement, in their order, downloading what the cache lacks; DemoError without it."""
    pins = read_pins(requirements)
    if not all(_cached(pin, cache) for pin in pins):
        _download(requirements, cache)
    wheels = [wheel for pin in pins if (wheel := _cached(pin, cache))]
    if len(wheels) == len(pins):
        return wheels
    raise DemoError(
        "The demo's wheels are not all there",
        why=f"{cache} changed while it was read",
        remedy="Repeat the command",
    )


def _cached(pin: Pin, cache: Path) -> Path | None:
    """Return the wheel of a pin that this interpreter can use and whose bytes are the pinned ones."""
    supported = frozenset(sys_tags())
    for wheel in sorted(cache.glob("*.whl")):
        name, version, _, tags = parse_wheel_filename(wheel.name)
        if (name, str(version)) == (pin.name, pin.version) and tags & supported:
            with wheel.open("rb") as stream:
                if hashlib.file_digest(stream, "sha256").hexdigest() in pin.digests:
                    return wheel
    return None


def _download(requirements: Path, cache: Path) -> None:
    """Let pip download the wheels; it asks the package index it is set up for, and checks the hashes."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--require-hashes", "--requirement", str(requirements), "--dest", str(cache)]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        errors = [line for line in result.stderr.splitlines() if line.strip()] or ["pip said nothing"]
        raise DemoError(
            "The demo's wheels could not be downloaded",
            why=errors[-1].removeprefix("ERROR: "),
            remedy="Check the package index that pip uses (pip config list, PIP_INDEX_URL), then repeat the command",
        )


@dataclass(frozen=True)
class Environment:
    """A virtual environment in the image: its prefix, and the version its directories are named after."""

    prefix: str
    version: str

    @property
    def site_packages(self) -> str:
        """Return where modules are installed."""
        return f"{self.prefix}/lib/python{self.version}/site-packages"

    @property
    def python(self) -> str:
        """Return the interpreter that scripts start."""
        return f"{self.prefix}/bin/python3"

    def scheme(self, kind: str, project: str) -> str:
        """Return where the files of a wheel's ``.data`` directory of a kind go (sysconfig, scheme ``venv``)."""
        return {
            "data": self.prefix,
            "headers": f"{self.prefix}/include/site/python{self.version}/{project}",
            "platlib": self.site_packages,
            "purelib": self.site_packages,
            "scripts": f"{self.prefix}/bin",
        }[kind]


def installed(wheel: Path, environment: Environment) -> Tree:
    """Return the files of a wheel where an installer would put them, with scripts made and RECORD true."""
    project, version = wheel.name.split("-")[:2]
    info = f"{environment.site_packages}/{project}-{version}.dist-info"
    tree: Tree = {}
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            if not member.is_dir():
                path = _place(member.filename, project, environment)
                executable = bool(member.external_attr >> 16 & 0o111)  # the upper half is st_mode (APPNOTE 4.4.15)
                data = archive.read(member)
                if path.startswith(f"{environment.prefix}/bin/") and data.startswith(b"#!python"):
                    data = f"#!{environment.python}\n".encode() + data.partition(b"\n")[2]
                tree[path] = File(data, executable)
    match tree.get(f"{info}/entry_points.txt"):
        case File() as entry_points:
            tree |= _console_scripts(entry_points.read().decode(), environment)
    tree[f"{info}/INSTALLER"] = File(INSTALLER)
    tree[f"{info}/RECORD"] = File(_record(tree, f"{info}/RECORD", environment))
    return tree


def _place(member: str, project: str, environment: Environment) -> str:
    head, _, rest = member.partition("/")
    if not head.endswith(".data"):
        return f"{environment.site_packages}/{member}"
    kind, _, rest = rest.partition("/")
    return f"{environment.scheme(kind, project)}/{rest}"


def _console_scripts(entry_points: str, environment: Environment) -> Iterator[tuple[str, File]]:
    """Yield the script of each console entry point (entry-points specification)."""
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # the documented way to keep the case of names
    parser.read_string(entry_points)
    for name, target in parser["console_scripts"].items() if "console_scripts" in parser else ():
        module, _, function = target.partition(":")
        text = f"#!{environment.python}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"
        yield f"{environment.prefix}/bin/{name}", File(text.encode(), executable=True)


def _record(tree: Tree, own: str, environment: Environment) -> bytes:
    """Return RECORD: path from site-packages, digest in URL-safe base64 without padding, size; its own row has none."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, entry in sorted(tree.items()):
        name = posixpath.relpath(path, environment.site_packages)
        if path == own:
            rows.writerow((name, "", ""))
        elif isinstance(entry, File):
            data = entry.read()
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.writerow((name, f"sha256={digest}", len(data)))
    return text.getvalue().encode()
