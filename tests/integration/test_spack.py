"""An OCI build cache in the shape of Spack's, in real registries: found by name, attached to, and left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from tests.builders.elf import elf
from tests.builders.spack import Package, push_cache
from tests.integration import journey
from tests.integration.journey import begin, make_keys
from tests.integration.shell import Shell, shell
from tests.peers import servers

pytestmark = pytest.mark.peer
STORES = {"api": servers.referrers_registry, "fallback": servers.fallback_registry, "debian": servers.debian_registry}
ZLIB = Package("zlib", "1.3.1", {"lib/libz.so.1": elf(soname="libz.so.1", isa=0b111)})
HDF5 = Package("hdf5", "1.14.3", {"lib/libhdf5.so": elf(soname="libhdf5.so", needed=["libz.so.1"])}, uses=(ZLIB,))
TAG = f"hdf5-1.14.3-{HDF5.hash}.spack"


@pytest.fixture(scope="module", params=STORES)
def cache(request: pytest.FixtureRequest) -> Iterator[str]:
    with STORES[request.param]() as address:
        name = f"{address}/team/cache"
        push_cache(open_store(parse_reference(name)), (ZLIB, HDF5))
        yield name


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


def test_a_package_is_found_and_a_specification_is_attached_to_it(cache: str, run: Shell, tmp_path: Path) -> None:
    there = run.json("infer", f"spack:oci://{cache}#hdf5")
    assert there["image"]["reference"] == f"{cache}:{TAG}"
    assert there["facts"]["cpu.level"]["value"] == "x86-64-v3"
    before = open_store(parse_reference(cache)).tags()
    reference = f"{cache}:{TAG}"
    (tmp_path / "keys").mkdir()
    author = begin(run, reference, make_keys(tmp_path / "keys"))
    journey.everything_is_attached_and_signed(author)
    assert {row["subject"] for row in author.publish()["published"][:2]} == {there["image"]["digest"]}
    after = open_store(parse_reference(cache)).tags()
    assert [tag for tag in after if tag.endswith(".spack")] == [tag for tag in before if tag.endswith(".spack")]
    assert run.json("infer", f"spack:oci://{cache}#/{HDF5.hash[:7]}")["findings"] == there["findings"]


def test_what_is_not_there_is_told_with_what_is(cache: str, run: Shell) -> None:
    ended = run.run("infer", f"spack:oci://{cache}#hdf")
    assert ended.code == 3
    assert f"hdf5@1.14.3 /{HDF5.hash[:7]}" in ended.err
    index = run.run("infer", f"registry:{cache}:index.spack")
    assert index.code == 2
    assert f"name one: spack:oci://{cache}#PACKAGE" in index.err
