from __future__ import annotations

from pathlib import Path

import pytest

from compatbuild.errors import NotFoundError, UsageError
from compatbuild.registry.attach import attach
from compatbuild.registry.descriptor import OCI_EMPTY, OCI_MANIFEST, Descriptor, describe
from compatbuild.registry.digest import ContentError
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.reference import LayoutReference
from compatbuild.registry.subject import BUILDKIT_TYPE, Subject, subjects
from tests.unit.registry.building import CREATED, SPEC_TEXT, empty_layout, manifest, on, push_image, push_index


@pytest.fixture
def layout(tmp_path: Path) -> LayoutStore:
    return empty_layout(tmp_path / "out")


def ask(layout: LayoutStore, tmp_path: Path, platform: str | None = None, tag: str = "v1") -> list[str]:
    return [one.descriptor.digest for one in subjects(layout, LayoutReference(tmp_path / "out", tag), platform)]


def test_an_image_of_one_platform(layout: LayoutStore, tmp_path: Path) -> None:
    image = push_image(layout, "v1")
    for platform in (None, "all", "linux/amd64", "linux/x86_64"):
        assert ask(layout, tmp_path, platform) == [image.digest]
    with pytest.raises(NotFoundError) as caught:
        ask(layout, tmp_path, "linux/arm64")
    assert "linux/amd64" in caught.value.why


def test_an_index_and_its_platforms(layout: LayoutStore, tmp_path: Path) -> None:
    amd, arm = push_image(layout), push_image(layout, architecture="arm64")
    index = push_index(layout, "v1", on("linux/amd64", amd), on("linux/arm64/v8", arm))
    assert ask(layout, tmp_path) == [index.digest]
    assert ask(layout, tmp_path, "all") == [index.digest, amd.digest, arm.digest]
    assert ask(layout, tmp_path, "linux/arm64") == [arm.digest]
    assert ask(layout, tmp_path, "linux/aarch64/v8") == [arm.digest]
    with pytest.raises(NotFoundError) as caught:
        ask(layout, tmp_path, "linux/s390x")
    assert caught.value.why == "it has linux/amd64, linux/arm64/v8"


def test_what_a_subject_knows(layout: LayoutStore, tmp_path: Path) -> None:
    image = push_image(layout)
    index = push_index(layout, "v1", on("linux/amd64", image))
    found = subjects(layout, LayoutReference(tmp_path / "out", "v1"), "all")
    assert found[0] == Subject(index, is_index=True)
    assert (found[1].descriptor, found[1].is_index, str(found[1].platform)) == (image, False, "linux/amd64")


def test_attestations_are_left_out(layout: LayoutStore, tmp_path: Path) -> None:
    image, unknown, marked, typed = (push_image(layout, mark=mark) for mark in ("", "unknown", "marked", "typed"))
    config = describe(b"{}", OCI_EMPTY)
    attached = layout.push_manifest(manifest(config, [], subject=image.as_json()), OCI_MANIFEST)
    artifact = layout.push_manifest(manifest(config, [], artifactType="x/y"), OCI_MANIFEST)
    index = push_index(
        layout,
        "v1",
        on("unknown/unknown", unknown),
        on("linux/amd64", marked, annotations={BUILDKIT_TYPE: "attestation-manifest"}),
        on("linux/amd64", attached),
        artifact.as_json(),
        on("linux/amd64", image),
        on("linux/amd64", image),
        typed.as_json(),
    )
    assert ask(layout, tmp_path, "all") == [index.digest, image.digest, typed.digest]
    assert ask(layout, tmp_path, "linux/amd64") == [image.digest]


def test_a_platform_that_was_not_copied_along(layout: LayoutStore, tmp_path: Path) -> None:
    image = push_image(layout)
    index = push_index(layout, "v1", on("linux/amd64", image), on("linux/arm64", describe(b"missing", OCI_MANIFEST)))
    assert ask(layout, tmp_path, "all") == [index.digest, image.digest]


def test_an_index_within_an_index(layout: LayoutStore, tmp_path: Path) -> None:
    image = push_image(layout)
    inner = push_index(layout, None, on("linux/amd64", image))
    outer = push_index(layout, "v1", inner.as_json())
    assert ask(layout, tmp_path, "linux/amd64") == [image.digest]
    assert ask(layout, tmp_path, "all") == [outer.digest, image.digest]
    for _ in range(3):
        outer = push_index(layout, "v1", outer.as_json())
    with pytest.raises(ContentError, match="too large"):
        ask(layout, tmp_path, "all")


def test_an_entry_that_lies_about_its_manifest(layout: LayoutStore, tmp_path: Path) -> None:
    image = push_image(layout)
    push_index(layout, "v1", on("linux/amd64", Descriptor(OCI_MANIFEST, image.digest, 1)))
    with pytest.raises(ContentError, match="not what its index says"):
        ask(layout, tmp_path, "all")


def test_an_artifact_is_no_image(layout: LayoutStore, tmp_path: Path) -> None:
    image = push_image(layout, "v1")
    done = attach(layout, image, SPEC_TEXT, {}, CREATED)
    with pytest.raises(UsageError) as caught:
        subjects(layout, LayoutReference(tmp_path / "out", "", done.descriptor.digest))
    assert image.digest in caught.value.remedy


def test_a_platform_that_is_none(layout: LayoutStore, tmp_path: Path) -> None:
    push_index(layout, "v1")
    with pytest.raises(UsageError):
        ask(layout, tmp_path, "amd64")
