"""Selecting in real registries: what is printed is a reference that other programs resolve to the chosen image."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from compatbuild import select
from compatbuild.hosts.exported import exported_hosts
from compatbuild.registry.attach import attach
from compatbuild.registry.descriptor import canonical_json
from compatbuild.registry.digest import digest_of
from compatbuild.report.selection import references
from tests.builders.signing import CREATED
from tests.builders.stores import REGISTRIES, place
from tests.peers import peer
from tests.unit.checking.building import term
from tests.unit.registry.building import on, push_image, push_index

pytestmark = pytest.mark.peer


def spec(flag: str, weight: int) -> bytes:
    rules = [{"name": "r", "matchFeatures": [term("cpu.cpuid", **{flag: ("Exists",)})]}]
    return json.dumps({"version": "v1alpha1", "compatibilities": [{"weight": weight, "rules": rules}]}).encode()


@pytest.mark.parametrize("kind", REGISTRIES)
def test_the_winner_can_be_pulled_by_what_is_printed(tmp_path: Path, kind: str) -> None:
    nodes = tmp_path / "nodes.json"
    nodes.write_text(json.dumps({"flags": {"cpu.cpuid": {"elements": {"SSE2": {}, "AVX2": {}}}}}))
    with place(kind, tmp_path) as registry:
        store = registry.store("team/app")
        plain, fast = push_image(store, mark="plain"), push_image(store, mark="fast")
        push_index(store, "v1", on("linux/amd64", plain), on("linux/amd64", fast))
        attach(store, plain, spec("SSE2", 0), {}, CREATED)
        attach(store, fast, spec("AVX2", 7), {}, CREATED)
        found = select([f"{registry.address}/team/app:v1"], exported_hosts(str(nodes)))
        printed = references(found).strip()
        assert printed == f"{registry.address}/team/app@{fast.digest}"
        command = [str(peer("crane")), "manifest", "--insecure", printed]
        shown = json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout)
    assert digest_of(canonical_json(shown)) == fast.digest
