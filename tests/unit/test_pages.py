"""Every page: its commands exist, its links lead somewhere; tutorial and how-to pages are done, word by word."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.programs import write_image
from tests.integration.shell import ROOT, push, registry, shell
from tests.unit.cli.conftest import Cli, cli, elsewhere
from tests.unit.cli.test_help import COMMANDS, words

__all__ = ["cli", "elsewhere"]  # the fixtures
OURS = "compatbuild "
THEIRS = ("docker ", "kubectl ")
"""Commands of other programs, which are not there; what they would write is."""
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in [*(ROOT / "docs").rglob("*.md"), ROOT / "github-action/README.md", ROOT / "templates/README.md"]
)
DONE = ["docs/tutorial.md", *(page for page in PAGES if page.startswith("docs/how-to/"))]
REGISTRIES = ("registry.example", "mirror.example")
NODES = '{"flags": {"cpu.cpuid": {"elements": {}}}, "attributes": {}, "instances": {}}'
EXIT = re.compile(r"# exit code (\d+)( if .*)?$")
"""How a page says that a command does not end with 0, for sure or on some hosts."""


def typed(page: str) -> list[str]:
    """Return the lines that a page tells to type, prompts and continuations taken off."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"^```(?:console|sh|bash)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line.strip().removeprefix("$ ") for line in lines if line.strip()]


def ours(page: str) -> list[str]:
    """Return our own commands of a page, whatever stands before or after them on the line."""
    found = [part.strip() for line in typed(page) for part in re.split(r" \| |\$\(|\)", line)]
    return [part.removeprefix("docker compat ").join((OURS, "")) if part.startswith("docker compat ") else part
            for part in found if part.startswith((OURS, "docker compat "))]  # fmt: skip


@pytest.mark.parametrize("page", [page for page in PAGES if ours(page)])
def test_commands_and_their_options_exist(cli: Cli, page: str) -> None:
    for line in ours(page):
        arguments = shlex.split(line.partition(" #")[0])[1:]
        command = next(words for words in COMMANDS if tuple(arguments[: len(words)]) == words)
        told = words(cli, *command)
        for flag in (argument.partition("=")[0] for argument in arguments if re.match("--?[a-z]", argument)):
            assert re.search(rf"(?<!\S){flag}(?=[\s,])", told), line


@pytest.mark.parametrize("page", PAGES)
def test_links_between_files_lead_somewhere(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", (ROOT / page).read_text(), flags=re.DOTALL | re.MULTILINE)
    for link in re.findall(r"\]\((?!https?:|#)([^)#\s]+)", text):
        assert (ROOT / page).parent.joinpath(link).exists(), link


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """A registry, and layouts of two versions of an application."""
    directory = tmp_path_factory.mktemp("pages")
    run = shell(directory)
    with registry("api") as address:
        for version in ("1.1", "1.2"):
            write_image(directory / version, version, mark=version)
        yield address, directory
    assert run.directory.is_dir()


@pytest.mark.peer
@pytest.mark.parametrize("page", DONE)
def test_what_a_page_tells_can_be_done(
    cli: Cli, registered: tuple[str, Path], elsewhere: Path, tmp_path_factory: pytest.TempPathFactory, page: str
) -> None:
    address, layouts = registered
    repository = f"{address}/{Path(page).stem}"
    for version in ("1.1", "1.2"):
        push(shell(tmp_path_factory.mktemp("push")), layouts / version, address, f"{Path(page).stem}/app", version)
    (elsewhere / "nodes.json").write_text(NODES)
    shutil.copy(ROOT / "Dockerfile", elsewhere / "Dockerfile")
    for line in typed(page):
        if line.startswith(THEIRS):
            continue
        assert line.startswith(OURS), f"{line}: of another program, name it in THEIRS"
        said = re.sub("|".join(REGISTRIES), repository, line)
        found = EXIT.search(line)
        codes = {int(found[1]), *([0] if found[2] else [])} if found else {0}
        ended = cli(*shlex.split(said, comments=True)[1:])
        assert ended.code in codes, f"{line}\n{ended.out}{ended.err}"
