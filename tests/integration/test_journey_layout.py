"""The whole journey without a server: an OCI layout directory is a registry here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from tests.builders.programs import write_image, write_index
from tests.integration import journey
from tests.integration.journey import Journey, begin, make_keys
from tests.integration.shell import Shell, shell


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


@pytest.fixture
def image(run: Shell, keys: Path) -> Journey:
    write_image(run.directory / "image")
    return begin(run, "oci-dir:image:v1", keys)


def files(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize("step", journey.STEPS)
def test_on_an_image(step: Callable[[Journey], None], image: Journey) -> None:
    step(image)


def test_on_an_index(run: Shell, keys: Path) -> None:
    write_index(run.directory / "index")
    journey.an_index_and_its_platforms_each_have_their_own(begin(run, "oci-dir:index:v1", keys))


def test_on_several_images_at_once(run: Shell, image: Journey) -> None:
    for name in ("second", "third"):
        write_image(run.directory / name, mark=name)
    journey.several_images_at_once(image, "oci-dir:second:v1", "oci-dir:third:v1")


def test_publishing_again_leaves_every_byte_as_it_is(image: Journey) -> None:
    image.publish()
    before = files(image.run.directory)
    image.publish()
    assert files(image.run.directory) == before


def test_the_image_itself_is_left_as_it_is(image: Journey) -> None:
    before = {name: data for name, data in files(image.run.directory / "image").items() if name.startswith("blobs/")}
    image.publish()
    after = files(image.run.directory / "image")
    assert before.items() <= after.items()


def test_detaching_leaves_nothing_behind(image: Journey) -> None:
    reference = parse_reference(f"oci-dir:{image.run.directory}/image:v1")
    spec, _, of_spec, _ = (row["digest"] for row in image.publish()["published"])
    image.run.ok("detach", image.reference)
    store = open_store(reference)
    listed = (image.run.directory / "image" / "index.json").read_text()
    for digest in (spec, of_spec):
        assert digest not in listed
    assert len(store.referrers(store.resolve("v1").descriptor.digest)) == 1


def test_a_date_given_to_the_build_makes_equal_artifacts(run: Shell) -> None:
    digests = []
    for name in ("one", "two"):
        (run.directory / name).mkdir()
        write_image(run.directory / name / "image")
        there = Shell(run.directory / name, run.home)
        ended = there.run("publish", "oci-dir:image:v1", "-o", "json", SOURCE_DATE_EPOCH="1767225600")
        digests.append([row["digest"] for row in ended.value["published"]])
    assert digests[0] == digests[1]


@pytest.mark.download
def test_the_demo_s_image_from_its_layers_to_a_verified_specification(run: Shell, keys: Path) -> None:
    """The one long journey, over a real image of NumPy, CUDA 12 and MPI."""
    from demo.assemble import assemble  # noqa: PLC0415 - nothing else here needs the demo

    assemble(run.directory / "image", "v1")
    demo = begin(run, "oci-dir:image:v1", keys)
    run.ok("init", "--template", "hpc-mpi")
    run.ok("infer", demo.reference, "-o", "json=report.json")
    run.ok("refine", "report.json", "-o", "spec=compat.yaml")
    run.ok("validate", "compat.yaml")
    published = demo.publish()
    assert [row["what"] for row in published["published"]] == journey.PUBLISHED
    assert demo.publish()["changed"] is False
    assert run.ok("pull", demo.reference) == (run.directory / "compat.yaml").read_text()
    report = json.loads(run.ok("pull", demo.reference, "-o", "report"))
    assert report["findings"] == json.loads((run.directory / "report.json").read_text())["findings"]
    assert len(demo.verified()) == 1
