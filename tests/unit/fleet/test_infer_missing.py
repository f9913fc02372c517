"""``--infer-missing``: images that carry nothing are read, and what cannot be read is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from compatbuild.fleet import run
from compatbuild.fleet.answering import Work
from compatbuild.fleet.judging import BUSY
from compatbuild.fleet.layers import Layer, Reading
from compatbuild.fleet.rows import Problem
from compatbuild.image.limits import DEFAULT
from compatbuild.image.wanted import Start
from compatbuild.registry.descriptor import OCI_CONFIG, OCI_MANIFEST
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.pace import Pace
from compatbuild.registry.registries import Registries
from compatbuild.registry.retry import LONGEST_ASKED
from tests.builders.images import image_config, manifest
from tests.builders.layers import Layer as Built
from tests.builders.layers import file, layer
from tests.builders.programs import cuda_program
from tests.unit.cli.conftest import Cli
from tests.unit.fleet.building import fleet, image, nodes, rows, told

DATA = layer(file("data", b"nothing to run"))


def push(store: LayoutStore, tag: str, *layers: Built, config: bytes = b"") -> None:
    config = config or image_config(layers, {"Entrypoint": ["/usr/bin/app"]})
    for one in layers:
        store.push_blob(one.blob, one.media_type)
    store.push_blob(config, OCI_CONFIG)
    store.push_manifest(manifest(layers, config), OCI_MANIFEST, tag)


@pytest.fixture
def layout(elsewhere: Path) -> LayoutStore:
    store = fleet(elsewhere)
    push(store, "cuda", DATA, cuda_program())
    push(store, "data", DATA)
    names = ("any", "cuda", "data")
    (elsewhere / "images").write_text("".join(f"oci-dir:app:{name}\n" for name in names))
    nodes(elsewhere)
    return store


def test_what_carries_nothing_is_read(cli: Cli, layout: LayoutStore) -> None:
    done = cli("fleet", "images", "--features", "nodes.json", "--infer-missing", "-o", "jsonl")
    assert done.code == 0, done.err
    found = told(done.out)
    assert found["any"] == ("compatible", "attached")
    assert found["data"] == ("compatible", "inferred")  # it needs nothing that one could say
    assert found["cuda"][1] == "inferred"
    assert found["cuda"][0] != "compatible"


def test_a_layer_that_is_not_what_it_says_costs_its_images_and_no_others(cli: Cli, layout: LayoutStore) -> None:
    bad = layer(file("bad", b"bad"))
    wrong = image_config([DATA]).replace(DATA.diff_id.encode(), b"sha256:" + b"0" * 64)
    push(layout, "bad1", bad, config=wrong)
    push(layout, "bad2", bad, config=wrong.replace(b'"amd64"', b'"amd64","author":"me"'))
    with Path("images").open("a") as names:
        names.write("oci-dir:app:bad1\noci-dir:app:bad2\n")
    done = cli("fleet", "images", "--features", "nodes.json", "--infer-missing", "-o", "jsonl")
    assert done.code == 1
    by_tag = {row.names[0].rpartition(":")[2]: row for row in rows(done.out)}
    for tag in ("bad1", "bad2"):
        error = by_tag[tag].error
        assert error is not None
        assert error.code == "image"
    assert by_tag["cuda"].origin == by_tag["data"].origin == "inferred"


def test_what_is_not_the_author_s_is_read_instead(cli: Cli, layout: LayoutStore, keys: tuple[Path, Path]) -> None:
    image(layout, "unsigned", "AVX2")
    Path("images").write_text("oci-dir:app:unsigned\n")
    (row,) = rows(cli("fleet", "images", "--features", "nodes.json", "--key", keys[1], "--infer-missing", "-o", "jsonl").out)  # fmt: skip
    assert row.signature == "unsigned"
    assert row.origin != "attached"


class Refused:
    """An engine whose workers are sent away by the registry."""

    size = 1

    def share(self, question: object) -> object:
        return question

    def call(self, *_: object) -> Problem:
        return Problem(code=BUSY, what="registry.example answered 429")


def test_a_registry_that_sent_a_worker_away_is_left_alone_by_all(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[float] = []
    monkeypatch.setattr(Pace, "hold", lambda _, seconds: held.append(seconds))
    options = RegistryOptions()
    work = Work("", (), Registries(options), Refused(), infer=lambda *_: Problem(code="", what=""))  # type: ignore[arg-type]  # an engine that gives one answer
    one = Layer("registry.example/a@sha256:" + "0" * 64, "a", "sha256:" + "0" * 64, 1, "sha256:" + "1" * 64, "", Start(frozenset(), ()))  # fmt: skip
    reading = Reading(options, DEFAULT, "")
    found = run._Run(work, None, lambda _: None)._read(one, reading)  # type: ignore[arg-type]  # no row is written
    assert isinstance(found, Problem)
    assert held == [LONGEST_ASKED]
