"""Every way to install the package carries its schemas, templates and knowledge, and nothing that is not the package's."""

import posixpath
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from build import ProjectBuilder

ROOT = Path(__file__).parents[2]
DATA = {
    f"compatbuild/data/{room}/{path.relative_to(ROOT / room)}"
    for room in ("schemas", "templates")
    for path in (ROOT / room).rglob("*")
    if path.is_file()
}
KNOWLEDGE = {
    str(path.relative_to(ROOT))
    for ending in ("yaml", "json")
    for path in (ROOT / "compatbuild").rglob(f"*.{ending}")
    if "data" not in path.parts
}
PAGES = {
    f"compatbuild/report/{page}/page.{ending}" for page in ("page", "fleet/page") for ending in ("html.j2", "css", "js")
}
MODULES = {str(path.relative_to(ROOT)) for path in (ROOT / "compatbuild").rglob("*.py")}
CARRIED = DATA | KNOWLEDGE | PAGES | MODULES | {"compatbuild/py.typed"}
LIST = """
import os
from importlib.util import find_spec

(package,) = find_spec("compatbuild").submodule_search_locations  # found, not imported: its dependencies are not there
for directory, _, names in os.walk(package, followlinks=True):
    print(*(os.path.join("compatbuild", os.path.relpath(directory, package), name) for name in names), sep="\\n")
"""


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packaging")


@pytest.fixture(scope="module")
def sdist(out: Path) -> Path:
    return Path(ProjectBuilder(ROOT).build("sdist", out / "sdist"))


def in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def wheel_of_tree(out: Path, _: Path) -> Path:
    return Path(ProjectBuilder(ROOT).build("wheel", out / "wheel"))


def wheel_of_sdist(out: Path, sdist: Path) -> Path:
    (out / "unpacked").mkdir()
    subprocess.run(["tar", "--extract", "--file", sdist, "--directory", out / "unpacked"], check=True)
    (source,) = (out / "unpacked").iterdir()
    return Path(ProjectBuilder(source).build("wheel", out / "wheel-of-sdist"))


@pytest.mark.parametrize("build", [wheel_of_tree, wheel_of_sdist])
def test_a_wheel_carries_the_package_and_nothing_else(
    out: Path, sdist: Path, build: Callable[[Path, Path], Path]
) -> None:
    held = {name for name in in_wheel(build(out, sdist)) if ".dist-info/" not in name}
    assert held == CARRIED


def test_the_schemas_and_templates_are_not_nothing() -> None:
    assert {name.split("/")[2] for name in DATA} == {"schemas", "templates"}


def test_an_sdist_carries_what_a_packager_needs_and_no_output(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    assert all(member.isfile() for member in members)
    held = {member.name.partition("/")[2] for member in members}
    assert held >= CARRIED | {"LICENSE", "Makefile", "README.md", "pyproject.toml", "requirements.lock"}
    assert any(name.startswith("tests/unit/") for name in held)
    strange = {name for name in held if {".venv", ".git", ".ci", "out", "dist", "__pycache__"} & set(name.split("/"))}
    assert strange == set()


def test_an_editable_install_finds_all_of_it(out: Path) -> None:
    editable = Path(ProjectBuilder(ROOT).build("editable", out / "editable"))
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(out / "venv")], check=True)
    python = out / "venv" / "bin" / "python"
    (site,) = (out / "venv" / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(editable) as archive:
        archive.extractall(site)
    listing = subprocess.run([python, "-c", LIST], cwd=out, capture_output=True, text=True, check=True)
    assert {posixpath.normpath(line) for line in listing.stdout.splitlines()} >= CARRIED
