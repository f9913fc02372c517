"""This machine as we read it and as NFD does: every feature is equal, or its difference is listed here with its reason."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from compatbuild.hosts.exported import exported_hosts
from compatbuild.hosts.host import Host
from compatbuild.hosts.node.host import node_host
from compatbuild.nfd.features import Features
from tests.peers import peer

KINDS = ("flags", "attributes", "instances")
VOLATILE = ("operstate", "speed")  # of network interfaces, which may come and go between two readings


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the file with what the real NFD says of this machine."""
    file = tmp_path_factory.mktemp("nfd") / "this.json"
    ended = subprocess.run([peer("nfd"), "export", "features"], capture_output=True, check=True, timeout=60)
    file.write_bytes(ended.stdout)
    return file


@pytest.fixture(scope="module")
def here() -> Host:
    return node_host()


def elements(features: Features, kind: str, name: str) -> Any:
    found = getattr(features, kind).get(name)
    if kind == "instances":
        return [{key: value for key, value in one.items() if key not in VOLATILE} for one in found or ()]
    return found


def differences(ours: Features, theirs: Features) -> set[str]:
    """Name what differs: ``feature/element`` in flags and attributes, ``feature`` for devices and what one lacks."""
    found: set[str] = set()
    for kind in KINDS:
        for name in {*getattr(ours, kind), *getattr(theirs, kind)}:
            mine, real = elements(ours, kind, name), elements(theirs, kind, name)
            if kind == "instances":
                found |= {name} if mine != real else set()
            elif kind == "flags":
                found |= {f"{name}/{element}" for element in (mine or set()) ^ (real or set())}
            else:
                mine, real = mine or {}, real or {}
                found |= {f"{name}/{element}" for element in {*mine, *real} if mine.get(element) != real.get(element)}
    return found


def test_every_feature_is_equal_or_known_to_be_unknown(export: Path, here: Host) -> None:
    theirs = Features.from_document(json.loads(export.read_text()))
    for place in differences(here.features, theirs):
        feature, _, element = place.partition("/")
        # NFD asks the processor itself. /proc/cpuinfo shows less, and what it does not show we call unknown: that is
        # the one reason for which anything may differ, and no flag may be claimed that NFD does not see.
        assert feature == "cpu.cpuid", place
        assert not here.known(feature, element), place
        assert element in {*(theirs.flags[feature] or ()), *(theirs.attributes.get(feature) or ())}, place


def test_no_feature_is_missing_on_one_side_only(export: Path, here: Host) -> None:
    theirs = Features.from_document(json.loads(export.read_text()))
    assert set(here.features.names()) == set(theirs.names())
    for kind in KINDS:
        mine = set(getattr(here.features, kind))
        assert mine ^ set(getattr(theirs, kind)) <= {"cpu.cpuid"}  # the attribute AVX10_VERSION, which is unknown to us


def test_what_nfd_does_not_publish_is_unknown_to_both(export: Path, here: Host) -> None:
    (theirs,) = exported_hosts(str(export))
    ours = {place for place in here.unknown if "/" not in place}
    assert ours == {place for place in theirs.unknown if "/" not in place}
    assert theirs.architecture == here.architecture
