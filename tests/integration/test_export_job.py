"""The command of an exported Job, given to NFD's real client with a real registry."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from compatbuild import export
from compatbuild.registry.attach import attach
from tests.builders.signing import CREATED
from tests.builders.stores import place
from tests.peers import peer
from tests.unit.registry.building import on, push_image, push_index

pytestmark = pytest.mark.peer
SPEC = (
    b"version: v1alpha1\ncompatibilities: [{tag: required, rules: [{name: kernel, matchFeatures: [{feature: kernel.version, "
    b"matchExpressions: {full: {op: Exists}}}]}]}]\n"
)


@pytest.mark.parametrize("level", ["index", "image"])
def test_nfd_finds_the_specification_by_the_job_s_command(tmp_path: Path, level: str) -> None:
    """NFD bridges index and image neither way: the Job names the one that has the specification."""
    with place("api", tmp_path) as registry:
        store = registry.store("app")
        image = push_image(store)
        index = push_index(store, "v1", on("linux/amd64", image))
        attach(store, index if level == "index" else image, SPEC, {}, CREATED)
        found = export(f"{registry.address}/app:v1", "job", platform="linux/amd64")
        (container,) = yaml.safe_load(found.content)["spec"]["template"]["spec"]["containers"]
        program, *arguments = container["command"]
        assert program == "nfd"
        command = [str(peer("nfd")), *arguments, "--plain-http"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    (only,) = json.loads(done.stdout)
    assert (only["tag"], only["rules"][0]["isMatch"]) == ("required", True)
