"""The action, and the workflows that its README shows, as schemas and linters see them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from compatbuild.ci.github.inputs import NAMES, SECRETS, variable
from tests.peers import missing, peer

ACTION = Path(__file__).parents[2] / "github-action"
README = (ACTION / "README.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", README, flags=re.DOTALL | re.MULTILINE)
WORKFLOWS = {yaml.safe_load(block)["name"]: block for block in BLOCKS if block.startswith("name:")}
DOCUMENT: dict[str, Any] = yaml.safe_load((ACTION / "action.yml").read_text())


def installed(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program that is a development dependency."""
    program = Path(sys.executable).parent / name
    if not program.is_file():
        missing(f"{name} is not installed: make test")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


@pytest.fixture
def workflows(tmp_path: Path) -> list[Path]:
    """The workflows of the README as files of a repository."""
    directory = tmp_path / ".github" / "workflows"
    directory.mkdir(parents=True)
    for name, text in WORKFLOWS.items():
        (directory / f"{name}.yml").write_text(text)
    return sorted(directory.iterdir())


def test_there_are_five_workflows() -> None:
    assert sorted(WORKFLOWS) == ["air-gapped", "deploy", "image", "platforms", "services"]


def test_the_schema_of_actions() -> None:
    done = installed("check-jsonschema", "--builtin-schema", "vendor.github-actions", ACTION / "action.yml")
    assert done.returncode == 0, done.stdout


def test_the_schema_of_workflows(workflows: list[Path]) -> None:
    done = installed("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    assert done.returncode == 0, done.stdout


def test_zizmor(workflows: list[Path]) -> None:
    options = ("--offline", "--no-progress", "--config", ACTION / "zizmor.yml")
    done = installed("zizmor", *options, ACTION / "action.yml", *workflows)
    assert done.returncode == 0, done.stdout


def test_zizmor_would_find_an_injection(tmp_path: Path) -> None:
    (tmp_path / "action.yml").write_text(
        (ACTION / "action.yml").read_text().replace('"$PYTHON" -I', "${{ inputs.python }} -I")
    )
    done = installed("zizmor", "--offline", "--no-progress", tmp_path / "action.yml")
    assert "template-injection" in done.stdout
    assert done.returncode >= 10


@pytest.mark.peer
def test_actionlint(workflows: list[Path]) -> None:
    command: list[str | Path] = [peer("actionlint"), "-no-color", "-shellcheck=", "-pyflakes=", *workflows]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def steps() -> list[dict[str, Any]]:
    return list(DOCUMENT["runs"]["steps"])


def test_no_script_holds_an_expression() -> None:
    assert [step["run"] for step in steps() if "${{" in step["run"]] == []


def test_every_input_is_passed_and_known() -> None:
    passed = {name: text for step in steps() for name, text in step["env"].items() if name.startswith("INPUT_")}
    assert passed == {variable(name): f"${{{{ inputs.{name} }}}}" for name in (*NAMES, *SECRETS)}
    assert set(DOCUMENT["inputs"]) == {*NAMES, *SECRETS, "python"}


def test_the_readme_describes_every_input_and_output() -> None:
    table = README.partition("## Inputs")[2].partition("## Workflows")[0]
    assert {name for name in (*DOCUMENT["inputs"], *DOCUMENT["outputs"]) if f"`{name}`" not in table} == set()


def test_the_workflows_use_inputs_and_outputs_that_there_are() -> None:
    used = [
        step
        for text in WORKFLOWS.values()
        for job in yaml.safe_load(text)["jobs"].values()
        for step in job["steps"]
        if "compatbuild/" in step.get("uses", "")
    ]
    assert len(used) == len(WORKFLOWS)
    assert {name for step in used for name in step["with"]} <= set(DOCUMENT["inputs"])
    assert set(re.findall(r"steps\.compat\.outputs\.([\w-]+)", README)) <= set(DOCUMENT["outputs"])


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", README)
    assert [link for link in links if not link.startswith("https://") and not (ACTION / link).exists()] == []
