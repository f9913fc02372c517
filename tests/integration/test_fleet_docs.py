"""The page about fleets is tried out: its manifests by Kubernetes' own types, its commands by the command line."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from compatbuild.fleet.rows import Row
from tests.integration.shell import ROOT
from tests.peers import peer
from tests.unit.cli.conftest import Cli, cli, elsewhere
from tests.unit.cli.test_help import COMMANDS, words
from tests.unit.fleet.building import fleet, rows

__all__ = ["cli", "elsewhere"]  # fixtures
PAGE = (ROOT / "docs" / "how-to" / "fleet.md").read_text()
MANIFESTS = [one for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) for one in block.split("\n---\n")]  # fmt: skip
TYPED = [line for block in re.findall(r"^```console\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE) for line in block.splitlines()]  # fmt: skip


def kinds() -> list[str]:
    return [yaml.safe_load(one)["kind"] for one in MANIFESTS]


@pytest.mark.peer
def test_kubernetes_reads_every_manifest() -> None:
    questions = [json.dumps({"id": str(at), "kind": "any", "manifest": one}) for at, one in enumerate(MANIFESTS)]
    questions.append(json.dumps({"id": "bad", "kind": "any", "manifest": MANIFESTS[0] + "\nmisspelt: 1\n"}))
    done = subprocess.run([str(peer("nodeaffinity"))], input="\n".join(questions), capture_output=True, text=True, check=True)  # fmt: skip
    *answers, bad = map(json.loads, done.stdout.splitlines())
    assert [one["error"] for one in answers] == [""] * len(MANIFESTS)
    assert "unknown field" in bad["error"]
    assert kinds().count("Deployment") == 2
    assert len(answers) == 8


def container(kind: str) -> dict[str, Any]:
    (manifest,) = [one for one in map(yaml.safe_load, MANIFESTS) if one["kind"] == kind]
    (found,) = manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def test_the_command_of_the_nightly_job_works(cli: Cli, elsewhere: Path) -> None:
    fleet(elsewhere)
    containers = [{"name": name, "image": f"oci-dir:app:{name}"} for name in ("any", "fast", "bare")]
    pod = {"kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": containers}}
    Path("pods.json").write_text(json.dumps({"kind": "List", "items": [pod]}))
    shell, flag, script = container("CronJob")["command"]
    assert (shell, flag) == ("sh", "-c")
    arguments = shlex.split(script.replace("/work/", "").replace("/records/", "").replace("$(date +%F)", "today"))
    assert arguments[0] == "compatbuild"
    assert cli(*arguments[1:]).code == 0
    assert {row.used_by[0].namespace for row in rows(Path("today.jsonl").read_text())} == {"shop"}
    assert Path("fleet.html").is_file()


@pytest.mark.parametrize("line", [line for line in TYPED if line.startswith("compatbuild ")])
def test_a_command_and_its_options_exist(cli: Cli, line: str) -> None:
    arguments = shlex.split(line)[1:]
    command = next(words for words in COMMANDS if tuple(arguments[: len(words)]) == words)
    told = words(cli, *command)
    for flag in (argument.partition("=")[0] for argument in arguments if argument.startswith("-")):
        assert re.search(rf"(?<!\S){flag}(?!\S)", told), flag


def test_every_field_of_a_row_is_told() -> None:
    assert [name for name in Row.model_fields if f"`{name}`" not in PAGE] == []


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", PAGE)
    assert links
    assert [link for link in links if not (ROOT / "docs" / "how-to" / link).exists()] == []
