"""What docker's own flags say to us, what the plugin answers without loading anything, and where it is written."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.ci import docker_plugin
from compatbuild.ci.completion import completion
from compatbuild.errors import CompatError
from compatbuild.version import __version__


@pytest.mark.parametrize(
    ("typed", "variables"),
    [
        ([], {}),
        (["-D", "--tls"], {}),
        (["-H", "tcp://h:1"], {"DOCKER_HOST": "tcp://h:1"}),
        (["--host=tcp://h:1"], {"DOCKER_HOST": "tcp://h:1"}),
        (["-Htcp://h:1"], {"DOCKER_HOST": "tcp://h:1"}),
        (["-c", "compat"], {"DOCKER_CONTEXT": "compat"}),
        (["--config", "d", "-l", "debug", "--tlskey", "compat"], {"DOCKER_CONFIG": "d"}),
        (["--tlsverify", "--log-level=compat"], {}),
    ],
)
def test_flags_of_docker_come_before_the_word(typed: list[str], variables: dict[str, str]) -> None:
    assert docker_plugin.split([*typed, "compat", "infer", "-H", "x"]) == (variables, [], ["infer", "-H", "x"])


def test_a_word_before_it_is_what_docker_wants_of_the_plugin() -> None:
    assert docker_plugin.split(["help", "compat", "infer"]) == ({}, ["help"], ["infer"])


@given(st.lists(st.text(max_size=12), max_size=6), st.lists(st.text(max_size=12), max_size=4))
def test_what_stands_after_the_word_arrives_as_typed(before: list[str], after: list[str]) -> None:
    flags = [flag for flag in before if flag != "compat" and not flag.startswith("-")]
    assert docker_plugin.split([*flags, "compat", *after]) == ({}, flags, after)


def test_metadata_loads_no_command_line() -> None:
    program = (
        "import sys; sys.argv[1:] = ['docker-cli-plugin-metadata']\n"
        "from compatbuild.ci.docker_plugin import main; main()\n"
        "print(*{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert told["Version"] == __version__
    assert {"typer", "rich", "pydantic"} & set(done.stderr.split()) == set()


def test_it_is_written_once_more_and_never_over_what_is_not_ours(tmp_path: Path) -> None:
    path = docker_plugin.install(None, {"DOCKER_CONFIG": str(tmp_path)})
    assert path == tmp_path / "cli-plugins" / "docker-compat"
    assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert docker_plugin.install(path.parent, {}) == path
    path.write_text("#!/bin/sh\n")
    with pytest.raises(CompatError, match="is there already"):
        docker_plugin.install(path.parent, {})
    assert path.read_text() == "#!/bin/sh\n"
    path.unlink()
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(CompatError, match="is there already"):
        docker_plugin.install(path.parent, {})


def test_a_directory_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CompatError, match="cannot write"):
        docker_plugin.install(tmp_path / "file" / "plugins", {})


def test_a_package_of_our_name_in_the_current_directory_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "compatbuild" / "ci").mkdir(parents=True)
    for name in ("compatbuild/__init__.py", "compatbuild/ci/__init__.py", "compatbuild/ci/docker_plugin.py"):
        (tmp_path / name).write_text("raise SystemExit('ran')\n")
    path = docker_plugin.install(tmp_path / "plugins dir", {})
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [path, docker_plugin.METADATA_COMMAND],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["Vendor"] == "compatbuild"


def test_completion_offers_commands_options_and_files() -> None:
    commands = completion([""]).splitlines()
    assert commands[-1] == ":4"
    assert any(line.startswith("infer\t") for line in commands)
    assert completion(["inf"]).splitlines()[0].startswith("infer\tSay what an image needs")
    assert completion(["key", ""]).splitlines()[0].startswith("generate\t")
    assert completion(["infer", "--pl"]).startswith("--platform\tWhich image of an index")
    assert completion(["infer", ""]) == ":0\n"
    assert completion([]) == completion([""])
    assert completion(["zzz"]) == ":4\n"
