"""On this machine, NFD's own client and ``check --host --nfd-compat`` print the same document."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from compatbuild.checking.nfd_status import status_document
from compatbuild.errors import SpecError
from compatbuild.hosts.node.host import node_host
from compatbuild.inference.rules import compile_set
from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from compatbuild.nfd.spec import Spec
from compatbuild.nfd.write import dump
from compatbuild.registry import referrers
from compatbuild.registry.attach import attach
from tests.builders.needs import random_requirements
from tests.builders.signing import push_image
from tests.builders.stores import place
from tests.peers import peer

pytestmark = pytest.mark.peer

SPECS = 50
DOMAINS = ("cpu.cpuid", "cpu.model", "cpu.topology", "kernel", "memory.numa", "pci", "system.osrelease", "system.name")
"""Features that do not change while the test runs."""


def test_the_same_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "SETTLE_PAUSE", (0.001, 0.002))
    random, program, features = Random(20261123), peer("nfd"), node_host().features
    with place("fallback", tmp_path) as registry:
        matched = []
        for number in range(SPECS):
            spec = required(random) if number % 2 else about(random, features)
            store = registry.store(f"app{number}")
            attach(store, push_image(store, "v1"), spec, {}, "2026-11-23T00:00:00Z")
            flags = ("--plain-http", "--output-json", "--image", f"{registry.address}/app{number}:v1")
            done = subprocess.run(
                [program, "compat", "validate-node", *flags],
                env={"HOME": str(tmp_path)}, capture_output=True, check=True, timeout=60,
            )  # fmt: skip
            assert status_document(decode(spec), features) == done.stdout.decode(), spec.decode()
            matched += [rule["isMatch"] for item in json.loads(done.stdout) for rule in item["rules"]]
    assert {True, False} == set(matched)


def required(random: Random) -> bytes:
    """A specification as we write them."""
    while True:
        try:
            return dump(Spec(compatibilities=(compile_set(random_requirements(random), name="r").compatibility,)))
        except SpecError:  # what was drawn contradicts itself
            continue


def about(random: Random, features: Features) -> bytes:
    """A specification about what this host has, or nearly has."""
    names = [name for name in features.names() if name.startswith(DOMAINS)]
    terms = [about_feature(random, name, features) for name in random.choices(names, k=random.randint(1, 3))]
    branches = [{"matchFeatures": [about_feature(random, name, features)]} for name in random.choices(names, k=2)]
    rule = {"name": "r", "matchFeatures": terms, "matchAny": random.choice([branches, []])}
    return json.dumps({"compatibilities": [{"tag": "t", "weight": 2, "rules": [rule]}]}).encode()


def about_feature(random: Random, name: str, features: Features) -> dict[str, Any]:
    known: dict[str, str] = dict.fromkeys(features.flags.get(name) or (), "")
    for values in (features.attributes.get(name) or {}, *features.instances.get(name, ())):
        known.update(values)
    if not known or random.random() < 0.2:
        return {"feature": name, "matchName": {"op": "InRegexp", "value": [random.choice([*known, "^A", "x$"])[:3]]}}
    chosen = random.sample(sorted(known), min(len(known), random.randint(1, 2)))
    return {"feature": name, "matchExpressions": {one: expression(random, known[one]) for one in chosen}}


def expression(random: Random, value: str) -> dict[str, Any]:
    op = random.choice(["Exists", "DoesNotExist", "In", "In", "NotIn", "Exists"])
    return {"op": op} if op in {"Exists", "DoesNotExist"} else {"op": op, "value": [value or "y", "other"]}
