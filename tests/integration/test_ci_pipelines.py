"""The files for GitLab, Tekton, Jenkins, pre-commit and make: each is what its system reads, and its scripts do the work.

The scripts are taken out of the files and run by a shell as those systems do, against a real registry.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.builders.programs import write_image
from tests.builders.python_tools import CHECK_JSONSCHEMA, PRE_COMMIT, unpacked, wheel_file
from tests.integration.shell import DEADLINE, PASSWORD, ROOT, Ended, Shell, push, registry, shell
from tests.peers import require

FILES = ROOT / "docs" / "ci"
HOSTILE = "$(touch pwned)`touch pwned`;touch pwned"
"""What a shell would run if it were put into a script."""


@dataclass(frozen=True)
class Project:
    """A repository with a template and keys, and its image in a registry."""

    run: Shell
    image: str

    def script(self, text: str, *, shell: str = "bash", **environment: str) -> Ended:
        """Run a script as a CI system does: in the repository, with variables, ending at the first failure."""
        return self.program([shell, "-e", "-c", text], **environment)

    def program(self, command: list[str | Path], **environment: str) -> Ended:
        """Run a program in the repository, with our command line on PATH."""
        told = {"HOME": str(self.run.home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            command,
            cwd=self.run.directory,
            env=told | environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            timeout=DEADLINE,
        )
        assert not (self.run.directory / "pwned").exists()
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    run = shell(tmp_path)
    run.ok("init")
    run.ok("key", "generate")
    write_image(run.directory / "image")
    with registry("api") as address:
        yield Project(run, push(run, run.directory / "image", address, "app"))


def gitlab() -> tuple[dict[str, Any], str]:
    """Return the header of the component, and the text of its jobs."""
    header, body = (FILES / "gitlab/compat.yml").read_text().split("\n---\n")
    return yaml.safe_load(header), body


def gitlab_jobs(**inputs: str) -> dict[str, Any]:
    """Return the jobs with inputs filled in as GitLab does: as text, before the YAML is read."""
    header, body = gitlab()
    declared = header["spec"]["inputs"]
    assert set(inputs) <= set(declared)
    filled = {name: inputs.get(name, one.get("default")) for name, one in declared.items()}
    text = re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: filled[found[1]], body)
    jobs: dict[str, Any] = yaml.safe_load(text)
    return jobs


@pytest.mark.download
def test_gitlab_reads_the_component() -> None:
    schema = json.loads(wheel_file(CHECK_JSONSCHEMA, "check_jsonschema/builtin_schemas/vendor/gitlab-ci.json"))
    validator = jsonschema.Draft7Validator(schema)
    header, _ = gitlab()
    jobs = gitlab_jobs(image="r.example/app:1", **{"tool-image": "r.example/compatbuild:1"})
    for document in (header, jobs):
        assert [error.message for error in validator.iter_errors(document)] == []
    jobs["compat-validate"]["artifacts"]["when"] = "sometimes"
    assert list(validator.iter_errors(jobs))


def test_gitlab_uses_every_input_and_declares_each() -> None:
    header, body = gitlab()
    assert set(re.findall(r"\$\[\[ inputs\.([a-z-]+) \]\]", body)) == set(header["spec"]["inputs"])
    scripts = "\n".join("\n".join(job["script"]) for job in yaml.safe_load(body).values())
    assert "$[[" not in scripts


def gitlab_script(project: Project, job: dict[str, Any]) -> Ended:
    return project.script("\n".join(job["script"]), **job["variables"])


def test_gitlab_validates_and_reports_code_quality(project: Project) -> None:
    where = project.run.directory
    project.run.ok("infer", "oci-dir:image:v1", "-o", "spec=compat.yaml")
    job = gitlab_jobs(specs="compat.yaml.j2 compat.yaml", **{"tool-image": "t"})["compat-validate"]
    ended = gitlab_script(project, job)
    assert ended.code == 0, ended.err
    report = where / job["artifacts"]["reports"]["codequality"]
    assert json.loads(report.read_text()) == []
    (where / "compat.yaml.j2").write_text("version: x\n{% if %}\n")
    ended = gitlab_script(project, job)
    assert ended.code == 12
    (problem,) = json.loads(report.read_text())
    assert problem["location"] == {"path": "compat.yaml.j2", "lines": {"begin": 2}}


def test_gitlab_publishes(project: Project) -> None:
    jobs = gitlab_jobs(image=project.image, sign="key:cosign.key", **{"tool-image": "t"})
    ended = project.script(
        "\n".join(jobs["compat-publish"]["script"]),
        COSIGN_PASSWORD=PASSWORD,
        **jobs["compat-publish"]["variables"],
    )
    assert ended.code == 0, ended.err
    assert project.run.run("verify", project.image, "--key", "cosign.pub").code == 0
    assert json.loads((project.run.directory / "compat-report.json").read_text())["findings"]


def test_gitlab_publishes_unsigned_where_no_key_is_named(project: Project) -> None:
    jobs = gitlab_jobs(image=project.image, **{"tool-image": "t"})
    ended = gitlab_script(project, jobs["compat-publish"])
    assert ended.code == 0, ended.err
    assert project.run.run("verify", project.image, "--key", "cosign.pub").code == 13


def task() -> dict[str, Any]:
    value: dict[str, Any] = yaml.safe_load((FILES / "tekton/compat-publish.yaml").read_text())
    return value


def test_tekton_declares_what_it_uses_and_puts_nothing_into_the_script() -> None:
    """No schema of Tekton's is to be had from a package registry, so this looks at what its documentation asks for."""
    value = task()
    assert (value["apiVersion"], value["kind"]) == ("tekton.dev/v1", "Task")
    spec = value["spec"]
    declared = {f"params.{one['name']}" for one in spec["params"]}
    declared |= {f"workspaces.{one['name']}.path" for one in spec["workspaces"]}
    declared |= {f"results.{one['name']}.path" for one in spec["results"]}
    (step,) = spec["steps"]
    used = set(re.findall(r"\$\(([a-z-]+\.[A-Za-z_.-]+)\)", yaml.safe_dump(step)))
    assert used == declared
    assert not re.search(r"\$\((params|workspaces|results|context)\.", step["script"])


def tekton(project: Project, tmp_path: Path, values: Mapping[str, str]) -> tuple[Ended, str]:
    """Run the step with these values, and return how it ended and its result."""
    result = tmp_path / "result"
    (step,) = task()["spec"]["steps"]
    known = {"results.ARTIFACT_DIGEST.path": str(result), **values}
    environment = {
        one["name"]: re.sub(r"\$\((.*?)\)", lambda found: known.get(found[1], ""), one["value"]) for one in step["env"]
    }
    environment["HOME"] = str(project.run.home)
    text = step["script"]
    ended = project.program([*text.split("\n", 1)[0].removeprefix("#!").split(), "-c", text], **environment)
    return ended, result.read_text() if result.exists() else ""


def test_tekton_publishes_signed_and_tells_the_digest(project: Project, tmp_path: Path) -> None:
    signing = tmp_path / "signing"
    signing.mkdir()
    (signing / "password").write_text(f"{PASSWORD}\n")
    (project.run.directory / "cosign.key").rename(signing / "cosign.key")
    values = {"params.image": project.image, "workspaces.signing.path": str(signing)}
    ended, digest = tekton(project, tmp_path, values)
    assert ended.code == 0, ended.err
    assert project.run.run("verify", project.image, "--key", "cosign.pub").code == 0
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest)
    assert digest in project.run.ok("show", project.image, "-o", "json")


def test_tekton_takes_a_template_and_runs_nothing_of_a_parameter(project: Project, tmp_path: Path) -> None:
    values = {"params.image": project.image, "params.template": "minimal"}
    assert tekton(project, tmp_path, values)[0].code == 0
    for name in ("params.image", "params.template"):
        ended, _ = tekton(project, tmp_path, {**values, name: HOSTILE})
        assert ended.code not in {0, 127}, ended.err


def jenkins(number: int) -> str:
    """Return a script of the Jenkinsfile; no linter for it is to be had, as that needs a Jenkins."""
    text = (FILES / "jenkins/Jenkinsfile").read_text()
    assert not re.search(r'^\s*sh\s*\(?"', text, re.MULTILINE)  # Groovy would put parameters into the script
    scripts: list[str] = re.findall(r"sh '''\n(.*?)'''", text, re.DOTALL)
    return scripts[number]


def test_jenkins_validates_checks_and_publishes(project: Project) -> None:
    assert project.script(jenkins(0), shell="sh").code == 0
    ended = project.script(jenkins(1), shell="sh", IMAGE=project.image, SYSTEMS="debian-12")
    assert ended.code == 0, ended.err
    text = (project.run.directory / "compat-junit.xml").read_text()
    assert '<testcase classname="compatbuild.profile" name="debian-12"' in text
    signed = {"SIGNING_KEY": str(project.run.directory / "cosign.key"), "COSIGN_PASSWORD": PASSWORD}
    ended = project.script(jenkins(2), shell="sh", IMAGE=project.image, **signed)
    assert ended.code == 0, ended.err
    assert project.run.run("verify", project.image, "--key", "cosign.pub").code == 0


@pytest.mark.parametrize("names", [{"IMAGE": HOSTILE, "SYSTEMS": "all"}, {"SYSTEMS": HOSTILE}])
def test_jenkins_runs_nothing_of_a_parameter(project: Project, names: dict[str, str]) -> None:
    assert project.script(jenkins(1), shell="sh", **({"IMAGE": project.image} | names)).code in {1, 2, 3}


def make(project: Project, *arguments: str, **environment: str) -> Ended:
    (project.run.directory / "Makefile").write_text(f"all:\n\ninclude {FILES / 'compat.mk'}\n")
    return project.program([require("make"), "--warn-undefined-variables", *arguments], **environment)


def test_make_checks_and_publishes(project: Project) -> None:
    image = f"IMAGE={project.image}"
    ended = make(project, "compat-check", image, "COMPAT_SYSTEMS=debian-12")
    assert ended.code == 0, ended.err
    assert (project.run.directory / "build/compat-report.json").is_file()
    ended = make(project, "compat-publish", image, "SIGN=key:cosign.key", COSIGN_PASSWORD=PASSWORD)
    assert ended.code == 0, ended.err
    assert project.run.run("verify", project.image, "--key", "cosign.pub").code == 0


def test_make_asks_for_an_image_and_runs_nothing_of_a_name(project: Project) -> None:
    assert "Name the image" in make(project, "compat-infer").err
    for target in ("compat-infer", "compat-publish"):
        assert make(project, target, f"IMAGE={HOSTILE.replace('$', '$$')}").code == 2


@pytest.fixture(scope="module")
def pre_commit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("pre-commit"), *PRE_COMMIT)


@pytest.mark.download
def test_pre_commit_reads_the_manifest(project: Project, pre_commit: Path) -> None:
    command: list[str | Path] = [sys.executable, "-m", "pre_commit", "validate-manifest"]
    told = {"PYTHONPATH": str(pre_commit)}
    ended = project.program([*command, ROOT / ".pre-commit-hooks.yaml"], **told)
    assert ended.code == 0, ended.out
    (project.run.directory / "bad.yaml").write_text("- {id: x, entry: y}\n")
    assert project.program([*command, "bad.yaml"], **told).code == 1


@pytest.mark.download
def test_pre_commit_runs_the_hooks_on_the_files_that_they_are_about(project: Project, pre_commit: Path) -> None:
    """Our hooks as they are, but in the environment that is there instead of one that is installed."""
    where = project.run.directory
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    for hook in hooks:
        assert hook.pop("language") == "python"
        hook["language"] = "system"
    config = {"repos": [{"repo": "local", "hooks": hooks}]}
    (where / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    project.run.ok("infer", "oci-dir:image:v1", "-o", "spec=deploy/compat-gpu.yml")
    (where / "compose.yaml").write_text("services: {}\n")  # no file of ours
    git: list[str | Path] = [require("git")]
    assert project.program([*git, "init", "--quiet"]).code == 0

    def hooked() -> Ended:
        assert project.program([*git, "add", "--all"]).code == 0
        command: list[str | Path] = [sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose"]
        return project.program(command, PYTHONPATH=str(pre_commit))

    ended = hooked()
    assert ended.code == 0, ended.out + ended.err
    assert ended.out.count("1 specification, nothing to find fault with") == 2
    (where / "deploy/compat-gpu.yml").write_text("version: v1alpha1\ncompatabilities: []\n")
    ended = hooked()
    assert ended.code == 1
    assert "unknown-key" in ended.out
