"""``compatbuild select``, as a user types it: several references, and the variants of an index."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from compatbuild import select
from compatbuild.hosts.exported import exported_hosts
from compatbuild.registry.attach import attach
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.subject import BUILDKIT_TYPE
from tests.unit.cli.conftest import Cli
from tests.unit.registry.building import CREATED, empty_layout, on, push_image, push_index

FLAGS = {"amd64": "SSE2", "arm64": "ASIMD"}


def needs(flag: str, weight: int = 0) -> bytes:
    rule = {"name": "r", "matchFeatures": [{"feature": "cpu.cpuid", "matchExpressions": {flag: {"op": "Exists"}}}]}
    return json.dumps({"version": "v1alpha1", "compatibilities": [{"weight": weight, "rules": [rule]}]}).encode()


def node(name: str, *flags: str, architecture: str = "amd64") -> dict[str, Any]:
    names: dict[str, dict[str, str]] = {flag: {} for flag in (FLAGS[architecture], *flags)}
    return {
        "kind": "NodeFeature",
        "metadata": {"name": name},
        "spec": {"features": {"flags": {"cpu.cpuid": {"elements": names}}}},
    }


@pytest.fixture
def layout(elsewhere: Path) -> LayoutStore:
    """An index of a plain and a fast image for amd64 and one for arm64, an attestation, and a nodes.json."""
    store = empty_layout(elsewhere / "app")
    plain, fast = push_image(store, mark="plain"), push_image(store, mark="fast")
    arm = push_image(store, architecture="arm64", mark="arm")
    attest(store, plain, needs("SSE2"))
    attest(store, fast, needs("AVX2", 10))
    attest(store, arm, needs("ASIMD"))
    paper = push_image(store, architecture="amd64", mark="attestation")
    index = push_index(
        store,
        "v1",
        on("linux/amd64", plain),
        on("linux/amd64", fast, annotations={"org.example.variant": "avx2"}) | features("avx2"),
        on("linux/arm64", arm),
        on("unknown/unknown", paper, annotations={BUILDKIT_TYPE: "attestation-manifest"}),
    )
    assert index.digest
    nodes = [node("old"), node("new", "AVX2"), node("arm", architecture="arm64")]
    (elsewhere / "nodes.json").write_text(json.dumps({"kind": "List", "items": nodes}))
    (elsewhere / "new.json").write_text(json.dumps(node("new", "AVX2")))
    (elsewhere / "old.json").write_text(json.dumps(node("old")))
    return store


def features(*names: str) -> dict[str, Any]:
    return {"platform": {"os": "linux", "architecture": "amd64", "os.features": list(names)}}


def attest(store: LayoutStore, image: Descriptor, spec: bytes) -> None:
    attach(store, image, spec, {}, CREATED)


def test_the_best_of_an_index_for_a_host(cli: Cli, layout: LayoutStore) -> None:
    for file, number in (("old.json", 0), ("new.json", 1)):
        done = cli("select", "oci-dir:app:v1", "--features", file, "-o", "json")
        assert (done.code, done.value["hosts"][0]["image"]) == (0, number)
    assert [one["platform"] for one in done.value["images"]] == ["linux/amd64", "linux/amd64", "linux/arm64"]
    assert done.value["images"][1]["os.features"] == ["avx2"]
    assert done.value["images"][1]["annotations"] == {"org.example.variant": "avx2"}


def test_quiet_prints_what_docker_run_takes(cli: Cli, layout: LayoutStore) -> None:
    done = cli("select", "-q", "oci-dir:app:v1", "--features", "new.json")
    digest = cli("select", "oci-dir:app:v1", "--features", "new.json", "-o", "json").value["images"][1]["digest"]
    assert (done.code, done.out, done.err) == (0, f"oci-dir:app@{digest}\n", "")


def test_each_node_gets_its_image(cli: Cli, layout: LayoutStore) -> None:
    value = cli("select", "oci-dir:app:v1", "--features", "nodes.json", "-o", "json").value
    assert {one["name"]: one["image"] for one in value["hosts"]} == {"old": 0, "new": 1, "arm": 2}
    assert value["fewest"] == {"exact": True, "pools": [{"image": 0, "hosts": ["new", "old"]}, {"image": 2, "hosts": ["arm"]}]}  # fmt: skip
    assert value["pools"] == [{"image": at, "hosts": [name]} for at, name in enumerate(("old", "new", "arm"))]
    assert value["unserved"] == []
    quiet = cli("select", "-q", "oci-dir:app:v1", "--features", "nodes.json")
    assert quiet.out == "".join(f"{value['images'][at]['reference']}\n" for at in (0, 2))


def test_the_tables_hold_their_width(cli: Cli, layout: LayoutStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    one = cli("select", "oci-dir:app:v1", "--features", "new.json").out
    many = cli("select", "oci-dir:app:v1", "--features", "nodes.json").out
    rows = [line for line in one.splitlines() if line]
    assert rows[1].startswith("> oci-dir:app:v1 ")
    assert "set without a tag," in one
    assert "linux/amd64 (avx2)" in " ".join(one.split())
    assert max(len(line) for line in (*rows[:-1], *many.splitlines()) if "@sha256:" not in line) <= 80
    assert "The fewest images that serve these hosts" in many


def test_a_node_that_nothing_fits(cli: Cli, layout: LayoutStore) -> None:
    done = cli("select", "oci-dir:app:v1", "--platform", "linux/amd64", "--features", "nodes.json")
    assert done.code == 10
    assert "No image fits arm" in done.out
    assert "the host is linux/arm64" in " ".join(done.out.split())
    quiet = cli("select", "-q", "oci-dir:app:v1", "--platform", "linux/arm64", "--features", "old.json")
    assert (quiet.code, quiet.out) == (10, "")


def test_several_references(cli: Cli, layout: LayoutStore, elsewhere: Path) -> None:
    attest(layout, push_image(layout, "small", mark="small"), needs("SSE2", 99))
    done = cli("select", "oci-dir:app:v1", "oci-dir:app:small", "--features", "new.json", "-o", "json")
    assert (done.code, done.value["hosts"][0]["image"]) == (0, 3)
    assert done.value["images"][3]["name"] == "oci-dir:app:small"


def test_an_index_s_specification_stands_for_images_without_one(cli: Cli, elsewhere: Path) -> None:
    store = empty_layout(elsewhere / "shared")
    image = push_image(store, mark="x")
    attest(store, push_index(store, "v1", on("linux/amd64", image)), needs("AVX2"))
    (elsewhere / "old.json").write_text(json.dumps(node("old")))
    done = cli("select", "oci-dir:shared:v1", "--features", "old.json", "-o", "json")
    assert (done.code, done.value["images"][0]["level"]) == (10, "index")


def test_strict_and_open_verdicts(cli: Cli, layout: LayoutStore) -> None:
    assert cli("select", "oci-dir:app:v1", "--os", "debian-12").code == 0
    strict = cli("select", "oci-dir:app:v1", "--os", "debian-12", "--platform", "linux/amd64", "--strict")
    assert strict.code == 0  # SSE2 is every amd64 host's
    attest(layout, push_image(layout, "fast", mark="alone"), needs("AVX2"))
    assert cli("select", "oci-dir:app:fast", "--os", "debian-12").code == 0
    assert cli("select", "oci-dir:app:fast", "--os", "debian-12", "--strict").code == 11


def test_nothing_is_attached(cli: Cli, elsewhere: Path) -> None:
    push_image(empty_layout(elsewhere / "bare"), "v1")
    done = cli("select", "oci-dir:bare:v1", "--os", "debian-12")
    assert (done.code, done.out) == (3, "")
    assert "no specification is attached" in done.err


def test_an_unsigned_specification_does_not_count_with_a_key(
    cli: Cli, layout: LayoutStore, keys: tuple[Path, Path]
) -> None:
    done = cli("select", "oci-dir:app:v1", "--key", keys[1], "--os", "debian-12")
    assert done.code == 13


def test_from_python(layout: LayoutStore) -> None:
    found = select(["oci-dir:app:v1"], exported_hosts("nodes.json"))
    assert [(found.images[one.image].digest, one.hosts) for one in found.pools if "new" in one.hosts] == [
        (found.images[1].digest, ("new",))
    ]
