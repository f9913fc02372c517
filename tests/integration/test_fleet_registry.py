"""A whole registry: what its catalogue lists, what is asked of it, and how it is asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compatbuild import check_fleet
from compatbuild.api import Engines
from compatbuild.errors import RegistryError
from compatbuild.fleet.record import read_rows
from compatbuild.fleet.rows import Row
from compatbuild.fleet.sources.read import Filters, read
from compatbuild.hosts.exported import exported_hosts
from compatbuild.registry.descriptor import OCI_MANIFEST, Manifest, canonical_json
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.registries import Registries
from compatbuild.registry.store import Store, open_store
from tests.builders.signing import attach_spec
from tests.integration.tap import tap
from tests.peers import servers
from tests.unit.fleet.building import image, nodes
from tests.unit.registry.building import on, push_index
from tests.unit.registry.faults import fault_registry, status

pytestmark = pytest.mark.peer
KINDS = ("api", "fallback", "debian")


@contextmanager
def registry(kind: str) -> Iterator[str]:
    starting = {"api": servers.referrers_registry, "fallback": servers.fallback_registry, "debian": servers.debian_registry}  # fmt: skip
    with starting[kind]() as address:
        yield address


def store(address: str, name: str) -> Store:
    return open_store(parse_reference(f"{address}/{name}:any"))


def check(address: str, tmp_path: Path, *sources: str, **more: object) -> dict[str, Row]:
    run = check_fleet(
        [source.format(address) for source in sources],
        exported_hosts(str(tmp_path / nodes(tmp_path))),
        tmp_path / "results.jsonl",
        engines=Engines(workers=1),
        **more,  # type: ignore[arg-type]
    )
    return {row.names[0].partition("/")[2]: row for row in run.rows()}


@pytest.mark.parametrize("kind", ["api", "debian"])
def test_a_catalogue_of_several_pages(kind: str) -> None:
    with registry(kind) as address:
        made = {f"many/app{number}" for number in range(7)}
        for name in (*made, "other/app"):
            image(store(address, name), "v1")
        registries = Registries(RegistryOptions())
        with tap(address) as wire:
            assert set(registries.repositories(wire.address, "many", size=3)) == made
        assert len([one for one in wire.requests if "_catalog" in one]) >= 3


@pytest.mark.parametrize("kind", KINDS)
def test_tags_that_are_images_and_those_that_are_not(tmp_path: Path, kind: str) -> None:
    with registry(kind) as address:
        app, tools = store(address, "team/app"), store(address, "team/tools")
        one = image(app, "v1", "SSE2")
        image(app, "v2", "AVX2")
        push_index(app, "multi", on("linux/amd64", one))
        image(tools, "v1", mark="tools")
        chart = app.push_blob(b"{}", "application/vnd.cncf.helm.config.v1+json").as_json()
        helm = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": chart, "layers": []}
        app.push_manifest(canonical_json(helm), OCI_MANIFEST, "chart")
        rows = check(address, tmp_path, "registry:{}/team")
        assert {name: (row.verdict, row.origin, row.level) for name, row in rows.items()} == {
            "team/app:v1": ("compatible", "attached", "platform"),
            "team/app:v2": ("incompatible", "attached", "platform"),
            "team/app:multi": ("compatible", "attached", "platform"),
            "team/tools:v1": ("unknown", "none", ""),
        }
        (tmp_path / "results.jsonl").unlink()
        filters = Filters(repositories=("team/a*",), tags=("v*",))
        assert set(check(address, tmp_path, "registry:{}", filters=filters)) == {"team/app:v1", "team/app:v2"}


def test_a_registry_without_a_catalogue_still_lists_the_tags_of_one_repository(tmp_path: Path) -> None:
    """No registry at hand refuses its catalogue; the large public ones do."""
    with fault_registry() as registry:
        registry.fault("GET", "/tags/list", status(200, b'{"tags": ["v1", "v2"]}'))
        found = read([f"registry:{registry.address}/team/app"], Filters(), Registries(RegistryOptions()))
        assert [one.reference for one in found] == [f"{registry.address}/team/app:{tag}" for tag in ("v1", "v2")]
        with pytest.raises(RegistryError, match="does not list its repositories"):
            list(read([f"registry:{registry.address}"], Filters(), Registries(RegistryOptions())))


@pytest.mark.parametrize("kind", ["api", "fallback"])
def test_no_layer_is_asked_for_and_nothing_twice(tmp_path: Path, kind: str) -> None:
    with registry(kind) as address:
        app = store(address, "app")
        layers = []
        for number in range(12):
            pushed = app.manifest(image(app, f"v{number}", ("SSE2", "AVX2", "")[number % 3]).digest).parse()
            assert isinstance(pushed, Manifest)
            layers += [layer.digest for layer in pushed.layers]
        with tap(address) as wire:
            rows = check(wire.address, tmp_path, "registry:{}/app")
        assert len(rows) == 12
        asked = [request for request in wire.requests if not request.endswith("/v2/")]
        assert not [request for request in asked if any(layer in request for layer in layers)]
        again = {request for request in asked if asked.count(request) > 1}
        # Images that share a specification share its blob, and a list of referrers is asked for by kind.
        assert not {one for one in again if not re.search("/blobs/|/referrers/|manifests/sha256-", one)}
        assert len([one for one in asked if one.startswith("HEAD")]) == 12


def test_an_image_with_a_name_in_a_repository_that_has_no_specification(tmp_path: Path) -> None:
    with servers.referrers_registry() as address:
        image(store(address, "a-mirror/app"), "v1", mark="same")
        pushed = image(store(address, "team/app"), "v1", mark="same")
        attach_spec(store(address, "team/app"), pushed, text=b"version: v1alpha1\ncompatibilities: []\n")
        (row,) = check(address, tmp_path, "registry:{}").values()
        assert row.names == (f"{address}/a-mirror/app:v1", f"{address}/team/app:v1")
        assert (row.origin, row.verdict) == ("attached", "compatible")


def test_a_registry_that_is_gone_is_an_error_row_for_each_image(tmp_path: Path) -> None:
    with servers.referrers_registry() as address:
        image(store(address, "app"), "v1", "SSE2")
        with servers.referrers_registry() as dead:
            pass
        (tmp_path / "images").write_text(f"{address}/app:v1\n{dead}/app:v1\n{dead}/app:v2\n")
        check(address, tmp_path, str(tmp_path / "images"))
        rows = {row.names[0]: row for row in read_rows(tmp_path / "results.jsonl")}
        assert rows[f"{address}/app:v1"].origin == "attached"
        for tag in ("v1", "v2"):
            error = rows[f"{dead}/app:{tag}"].error
            assert error is not None
            assert "cannot be reached" in error.what
