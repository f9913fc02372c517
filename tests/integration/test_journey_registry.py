"""The whole journey with a registry: one with the referrers API, and one that needs the fallback tag."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.builders.programs import write_image, write_index
from tests.integration import journey
from tests.integration.journey import Journey, begin, make_keys
from tests.integration.shell import REGISTRIES, Shell, push, registry, shell

pytestmark = pytest.mark.peer
FOUND_BY = {"api": "the referrers API", "fallback": "the fallback tag"}
NUMBER = count()  # of repositories: one a test


@pytest.fixture(scope="module", params=sorted(REGISTRIES))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def address(kind: str) -> Iterator[str]:
    with registry(kind) as running:
        yield running


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


@pytest.fixture
def image(run: Shell, keys: Path, address: str, tmp_path: Path) -> Journey:
    layout = write_image(tmp_path / "image")
    return begin(run, push(run, layout, address, f"team/app-{next(NUMBER)}"), keys)


@pytest.mark.parametrize("step", journey.STEPS)
def test_on_an_image(step: Callable[[Journey], None], image: Journey) -> None:
    step(image)


def test_on_an_index(run: Shell, keys: Path, address: str, tmp_path: Path) -> None:
    layout = write_index(tmp_path / "index")
    reference = push(run, layout, address, f"team/index-{next(NUMBER)}")
    journey.an_index_and_its_platforms_each_have_their_own(begin(run, reference, keys))


def test_on_several_images_at_once(run: Shell, image: Journey, address: str, tmp_path: Path) -> None:
    others = [push(run, write_image(tmp_path / n, mark=n), address, f"team/{n}-{next(NUMBER)}") for n in ("b", "c")]
    layout = write_image(run.directory / "d", mark="d")
    journey.several_images_at_once(image, *others, f"oci-dir:{layout}:v1")  # a directory is no exception


def test_an_image_that_crane_pushed(run: Shell, keys: Path, address: str, tmp_path: Path) -> None:
    layout = write_image(tmp_path / "image")
    reference = f"{address}/team/crane-{next(NUMBER)}:v1"
    run.peer("crane", "push", "--insecure", layout, reference)
    journey.everything_is_attached_and_signed(begin(run, reference, keys))


def test_it_is_said_how_readers_find_it(kind: str, image: Journey) -> None:
    out = image.run.ok("publish", image.reference)
    assert out.count(f"found by {FOUND_BY[kind]}") == 2


def test_publishing_again_leaves_the_registry_as_it_is(kind: str, image: Journey, address: str) -> None:
    """Told by a program that is not ours: the same referrers under the same digests."""

    def listed() -> list[str]:
        run = image.run
        tree = run.peer("oras", "discover", "--plain-http", "--format", "json", "--depth", "3", image.reference)
        name = image.reference.removeprefix(f"{address}/").partition(":")[0]
        tags = run.peer("crane", "ls", "--insecure", f"{address}/{name}").split()
        fallback = [tag for tag in tags if tag != "v1"]
        assert bool(fallback) == (kind == "fallback")
        manifests = [run.peer("crane", "digest", "--insecure", f"{address}/{name}:{tag}") for tag in sorted(tags)]
        return [tree, *tags, *manifests]

    image.publish()
    before = listed()
    image.publish()
    assert listed() == before


def test_what_was_published_in_a_directory_holds_in_a_registry(run: Shell, keys: Path, address: str) -> None:
    write_image(run.directory / "image")
    local = begin(run, "oci-dir:image:v1", keys)
    local.publish()
    remote = Journey(run, push(run, run.directory / "image", address, f"team/copied-{next(NUMBER)}"))
    assert remote.attached() == local.attached()
    assert [one["spec"] for one in remote.verified()] == [one["spec"] for one in local.verified()]


def test_the_reference_may_be_a_digest(image: Journey) -> None:
    image.publish()
    (digest,) = image.attached()
    by_digest = Journey(image.run, f"{image.reference.rpartition(':')[0]}@{digest}")
    assert by_digest.attached() == image.attached()
    assert len(by_digest.verified()) == 1


def test_an_attached_artifact_is_no_image(image: Journey) -> None:
    spec = image.publish()["published"][0]["digest"]
    ended = image.run.run("publish", f"{image.reference.rpartition(':')[0]}@{spec}")
    assert ended.code == 2
    assert "is an artifact attached to" in ended.err
