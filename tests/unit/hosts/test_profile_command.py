"""``compatbuild profile`` as it is typed: what it prints, writes and refuses."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.builders.hosts import host
from tests.builders.nodes import node


def typed(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "compatbuild", "profile", *words]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, timeout=60)


def test_the_list() -> None:
    ended = typed("list", "-o", "json")
    rows = json.loads(ended.stdout)["profiles"]
    assert (ended.returncode, len(rows)) == (0, 84)
    (row,) = (row for row in rows if row["name"] == "rhcos-4.18")
    assert (row["fidelity"], row["architectures"], row["aliases"]) == (
        "derived",
        ["x86_64", "aarch64"],
        ["openshift-4.18"],
    )
    assert "talos-1.14" in typed("list", "talos-*").stdout


def test_one_profile_as_it_was_written_and_as_json() -> None:
    written = typed("show", "openshift-4.18").stdout
    assert "oracle/kconfigs" in written
    assert json.loads(typed("show", "rhcos-4.18", "-o", "json").stdout) == yaml.safe_load(written)


def test_a_near_name_is_suggested() -> None:
    ended = typed("show", "rhel-9.44")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "did you mean rhel-9.4" in ended.stderr


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_several_profiles_are_not_shown_as_one(form: str) -> None:
    ended = typed("show", "cos-*", "-o", form)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "names 9 profiles" in ended.stderr


def test_a_profile_is_made_and_used(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    made = typed("create", "--root", str(node(tmp_path / "root")), "--name", "mine", "-o", f"yaml={file}")
    assert (made.returncode, made.stderr) == (0, "")
    assert json.loads(typed("list", str(file), "-o", "json").stdout)["profiles"][0]["name"] == "mine"


def test_a_profile_of_this_machine_and_of_an_export_on_stdin() -> None:
    here = yaml.safe_load(typed("create", "--host").stdout)
    assert here["metadata"]["fidelity"] == "live"
    export = host(config={"IO_URING": "y"}).document()
    ended = typed("create", "--features", "-", "-o", "json", stdin=json.dumps(export))
    assert json.loads(ended.stdout)["architectures"]["x86_64"]["config"]["IO_URING"] == "y"


@pytest.mark.parametrize("words", [(), ("--host", "--root", "/"), ("--host", "--features", "x")])
def test_a_profile_is_made_of_exactly_one_host(words: tuple[str, ...]) -> None:
    ended = typed("create", *words)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "one host" in ended.stderr
