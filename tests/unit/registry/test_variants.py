"""Every image behind a reference: variants for one platform, platforms from configs, and what is no image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import NotFoundError
from compatbuild.registry.descriptor import MAX_FEATURES, parse_descriptor
from compatbuild.registry.digest import ContentError
from compatbuild.registry.platform import Platform
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.subject import BUILDKIT_TYPE, variants
from tests.unit.registry.building import empty_layout, on, push_image, push_index


def test_all_of_one_platform_are_there_in_order(tmp_path: Path) -> None:
    store = empty_layout(tmp_path)
    one, two, arm = (push_image(store, mark=mark) for mark in ("one", "two", "arm"))
    paper = push_image(store, mark="paper")
    fast = {"platform": {"os": "linux", "architecture": "amd64", "os.features": ["fast"]}, "annotations": {"a": "b"}}
    attested = on("unknown/unknown", paper, annotations={BUILDKIT_TYPE: "attestation-manifest"})
    index = push_index(
        store, "v1", on("linux/amd64", two), on("linux/amd64", one) | fast, on("linux/arm64", arm), attested
    )
    top, found = variants(store, parse_reference(f"oci-dir:{tmp_path}:v1"))
    assert top is not None
    assert top.descriptor == index
    assert [each.descriptor.digest for each in found] == [two.digest, one.digest, arm.digest]
    assert found[1].platform == Platform("linux", "amd64", "", ("fast",))
    assert found[1].annotations == {"a": "b"}
    _, amd = variants(store, parse_reference(f"oci-dir:{tmp_path}:v1"), "linux/x86_64")
    assert [each.descriptor.digest for each in amd] == [two.digest, one.digest]
    with pytest.raises(NotFoundError, match="has no linux/s390x"):
        variants(store, parse_reference(f"oci-dir:{tmp_path}:v1"), "linux/s390x")


def test_a_platform_that_the_index_does_not_tell_is_the_config_s(tmp_path: Path) -> None:
    store = empty_layout(tmp_path)
    image = push_image(store, "alone", architecture="arm64")
    push_index(store, "v1", image.as_json())
    for tag in ("v1", "alone"):
        top, (only,) = variants(store, parse_reference(f"oci-dir:{tmp_path}:{tag}"))
        assert (top is None, str(only.platform)) == (tag == "alone", "linux/arm64")


@pytest.mark.parametrize("features", ["fast", [1], ["x" * 300], ["x"] * (MAX_FEATURES + 1), {"a": 1}])
def test_features_of_a_platform_are_short_texts(features: Any) -> None:
    platform = {"os": "linux", "architecture": "amd64", "os.features": features}
    entry = {"mediaType": "a/b", "digest": f"sha256:{'0' * 64}", "size": 1, "platform": platform}
    with pytest.raises(ContentError):
        parse_descriptor(entry, "it")
    entry["platform"] = platform | {"os.features": ["win32k"]}
    parsed = parse_descriptor(entry, "it")
    assert parsed.as_json()["platform"] == entry["platform"]
