"""The README is tried out: its commands, its tables, its links and its program."""

import re
import shlex
import subprocess
import sys

import pytest

from compatbuild import errors
from compatbuild.errors import CompatError
from compatbuild.inference.resolve import ORDER
from compatbuild.refine.compile import compile_document
from compatbuild.refine.document import parse
from tests.integration.shell import ROOT, Shell, shell
from tests.unit.cli.conftest import Cli, cli
from tests.unit.cli.test_help import COMMANDS, words

__all__ = ["cli"]  # the fixture
README = (ROOT / "README.md").read_text()
TEXT = re.sub(r"<!-- screen -->.*<!-- /screen -->", "", README, flags=re.DOTALL)


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language, without the screenful of output at the top."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, flags=re.DOTALL | re.MULTILINE)


def typed() -> list[str]:
    return [line for block in blocks("console") for line in block.splitlines() if line.startswith("compatbuild ")]


def test_there_is_something_to_try() -> None:
    assert len(typed()) > 5
    assert len(blocks("python")) == len(blocks("yaml")) == 1


@pytest.mark.parametrize("line", [*typed(), re.findall(r"^\$ (compatbuild .*)$", README, re.MULTILINE)[0]])
def test_a_command_and_its_options_exist(cli: Cli, line: str) -> None:
    arguments = shlex.split(line)[1:]
    command = next(words for words in COMMANDS if tuple(arguments[: len(words)]) == words)
    told = words(cli, *command)
    for flag in (argument.partition("=")[0] for argument in arguments if argument.startswith("-")):
        assert re.search(rf"(?<!\S){flag}(?!\S)", told), flag


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"(?<=[ `])--?[a-z][a-z-]*(?=[ `])", TEXT))))
def test_a_flag_in_the_text_is_one_of_a_command_of_ours_or_of_another(cli: Cli, flag: str) -> None:
    theirs = {"--key", "-r", "--referrers", "-dc", "-march"}  # cosign, oras, regctl, gzip, compilers
    assert flag in theirs or any(
        re.search(rf"(?<!\S){flag}(?!\S)", words(cli, *command)) for command in ((), *COMMANDS)
    )


def test_the_exit_codes_are_those_of_errors_and_commands() -> None:
    table = README.partition("## Exit codes")[2].partition("\n## ")[0]
    documented = {int(code) for code in re.findall(r"^\| (\d+) \| .+ \|$", table, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CompatError)]
    commands = "".join(path.read_text() for path in (ROOT / "compatbuild" / "cli").glob("*.py"))
    stated = {int(code) for code in re.findall(r"^EXIT_[A-Z_]+(?:: \w+)? = (\d+)$", commands, re.MULTILINE)}
    assert documented == {0, *stated, *(kind.exit_code for kind in kinds)}


def test_the_requirements_shown_can_be_compiled() -> None:
    (block,) = blocks("yaml")
    spec, _ = compile_document(parse(block, "README.md"))
    assert len(spec.compatibilities) == 1


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_link_leads_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", (ROOT / page).read_text())
    assert links
    assert [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()] == []


def test_the_confidences_are_those_of_the_screenful() -> None:
    screen = README.partition("<!-- screen -->")[2].partition("<!-- /screen -->")[0]
    assert set(re.findall(r"^  (\w+)  \w", screen, re.MULTILINE)) <= {one.value for one in ORDER}


def test_pages_that_messages_name_exist() -> None:
    named: set[str] = set()
    for path in (ROOT / "compatbuild").rglob("*.py"):
        named |= set(re.findall(r"(?:docs|templates)/[a-z-]+\.md", path.read_text()))
    assert named
    assert {page for page in named if not (ROOT / page).is_file()} == set()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A directory with the demo's image where the README has it."""
    from demo.assemble import assemble  # noqa: PLC0415 - nothing else here needs the demo

    run = shell(tmp_path_factory.mktemp("readme"))
    (run.directory / "out" / "demo").mkdir(parents=True)
    assemble(run.directory / "out" / "demo" / "image", "v1")
    return run


@pytest.mark.download
def test_the_commands_work_one_after_the_other(demo: Shell) -> None:
    for line in typed():
        demo.ok(*shlex.split(line)[1:])


@pytest.mark.download
def test_the_program_works(demo: Shell) -> None:
    (program,) = blocks("python")
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=demo.directory, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "525.60.13\n"
