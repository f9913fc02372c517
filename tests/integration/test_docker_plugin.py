"""docker's own client, without a daemon, finds the plugin, describes it, completes it and passes on how it ends."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from compatbuild.version import __version__
from tests.builders.programs import write_image
from tests.integration.shell import DEADLINE, Ended, Shell, shell
from tests.peers import require


@dataclass(frozen=True)
class Docker:
    """The client, with a configuration directory of its own."""

    program: Path
    run: Shell

    def __call__(self, *arguments: str, **environment: str) -> Ended:
        told = {"HOME": str(self.run.home), "PATH": os.environ["PATH"], **environment}
        command: list[str | Path] = [self.program, *arguments]
        done = subprocess.run(
            command,
            cwd=self.run.directory,
            env=told,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE,
        )
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Docker:
    program = require("docker")
    run = shell(tmp_path_factory.mktemp("docker"))
    run.ok("docker", "install-plugin")
    write_image(run.directory / "image")
    return Docker(program, run)


def test_it_is_listed_as_valid(docker: Docker) -> None:
    told = docker("--help")
    assert "compat*" in told.out
    assert "Say what a container image needs of its host" in told.out
    assert "Invalid Plugins" not in told.out


def test_docker_knows_vendor_and_version(docker: Docker) -> None:
    told = docker("info", "--format", "{{range .ClientInfo.Plugins}}{{.Name}} {{.Vendor}} {{.Version}}\n{{end}}")
    assert f"compat compatbuild {__version__}" in told.out.splitlines()


def test_a_command_prints_what_ours_prints(docker: Docker) -> None:
    told = docker("compat", "infer", "oci-dir:image:v1", "-o", "json")
    assert told.code == 0, told.err
    assert told.value == docker.run.json("infer", "oci-dir:image:v1")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("version",), 0),
        (("infer", "oci-dir:nowhere:v1"), 3),
        (("infer", "--no-such-flag"), 2),
        (("check", "registry:127.0.0.1:1/app:v1", "--os", "debian-12"), 1),
    ],
)
def test_exit_codes_come_through(docker: Docker, arguments: tuple[str, ...], code: int) -> None:
    told = docker("compat", *arguments)
    assert told.code == code, told.err
    assert "Traceback" not in told.err


def test_an_incompatible_host_is_10(docker: Docker) -> None:
    docker.run.ok("infer", "oci-dir:image:v1", "-o", "spec=compat.yaml")
    text = (docker.run.directory / "compat.yaml").read_text()
    assert "cpu.cpuid" in text or "X86_64" in text
    (docker.run.directory / "empty.json").write_text('{"flags": {"cpu.cpuid": {"elements": {}}}, "attributes": {}}')
    told = docker("compat", "check", "compat.yaml", "--features", "empty.json")
    assert told.code == docker.run.run("check", "compat.yaml", "--features", "empty.json").code == 10, told.err


@pytest.mark.parametrize("flags", [("-D",), ("-H", "tcp://127.0.0.1:1"), ("--log-level", "warn"), ("-c", "default")])
def test_flags_of_docker_may_stand_before_it(docker: Docker, flags: tuple[str, ...]) -> None:
    told = docker(*flags, "compat", "version")
    assert told.code == 0, told.err
    assert told.out.startswith(f"compatbuild {__version__}")


def test_help_is_of_the_command_that_was_typed(docker: Docker) -> None:
    for typed in (("compat", "infer", "--help"), ("help", "compat", "infer")):
        told = docker(*typed)
        assert told.code == 0, told.err
        assert "Usage: docker compat infer" in told.out


def test_the_shell_completes_it(docker: Docker) -> None:
    told = docker("__complete", "compat", "va")
    assert told.code == 0
    assert told.out.splitlines()[0].startswith("validate\t")
    assert told.out.splitlines()[-1] == ":4"


def test_credentials_are_read_where_docker_was_told(docker: Docker) -> None:
    """``docker --config DIR`` is where the registry's credentials are, and where the plugin is found."""
    other = docker.run.home / "other"
    docker.run.ok("docker", "install-plugin", "--directory", other / "cli-plugins")
    (other / "config.json").write_text("{ broken")
    told = docker("--config", str(other), "compat", "infer", "registry:127.0.0.1:1/app:v1")
    assert told.code == 1
    assert str(other / "config.json") in told.err
