"""What buildx says of a build, in the modes in which it tells the truth and in those in which it does not.

The forms are those that buildx 0.13.1 wrote with docker's classic and containerd's stores, shortened.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import CompatError, NotFoundError, UsageError
from compatbuild.sources.metadata_file import built

ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64
INDEX = "application/vnd.oci.image.index.v1+json"
PUSHED = {
    "containerimage.config.digest": ONE,  # the containerd store repeats the index's here
    "containerimage.descriptor": {"mediaType": INDEX, "digest": ONE, "size": 856},
    "containerimage.digest": ONE,
    "image.name": "127.0.0.1:5000/t/app:1,127.0.0.1:5000/t/app:2,registry.example/app",
}
CLASSIC_PUSH = {"containerimage.config.digest": TWO, "containerimage.digest": ONE, "image.name": "docker.io/t/app:1"}
LOADED = {"containerimage.config.digest": ONE, "containerimage.digest": ONE, "image.name": "docker.io/t/app:1"}
EXPORTED = {"containerimage.config.digest": TWO, "containerimage.digest": ONE}


def written(path: Path, document: Any) -> Path:
    (path / "m.json").write_text(document if isinstance(document, str) else json.dumps(document))
    return path / "m.json"


def test_each_repository_is_named_once(tmp_path: Path) -> None:
    assert built(written(tmp_path, PUSHED), "") == (f"127.0.0.1:5000/t/app@{ONE}", f"registry.example/app@{ONE}")


def test_a_push_without_a_descriptor_is_believed(tmp_path: Path) -> None:
    assert built(written(tmp_path, CLASSIC_PUSH), "") == (f"docker.io/t/app@{ONE}",)


def test_bake_nests_one_object_a_target(tmp_path: Path) -> None:
    path = written(
        tmp_path, {"buildx.build.warnings": [], "app": CLASSIC_PUSH, "tools": PUSHED | {"image.name": "r.example/t"}}
    )
    assert built(path, "") == (f"docker.io/t/app@{ONE}", f"r.example/t@{ONE}")
    with pytest.raises(UsageError, match="of 2 targets"):
        built(path, "r.example/other")


def test_a_name_stands_in_for_the_files(tmp_path: Path) -> None:
    assert built(written(tmp_path, EXPORTED), "r.example/app:v1") == (f"r.example/app@{ONE}",)
    assert built(written(tmp_path, PUSHED), "r.example/app:v1") == (f"r.example/app@{ONE}",)
    assert built(written(tmp_path, EXPORTED), "oci-dir:image:v1") == (f"oci-dir:image@{ONE}",)


def test_an_image_that_was_loaded_is_in_no_registry(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="was loaded, and not pushed") as caught:
        built(written(tmp_path, LOADED), "")
    assert "--push" in caught.value.remedy


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (EXPORTED, "names no image"),
        ({}, "not the metadata file"),
        ({"containerimage.buildinfo": "x"}, "made no image"),
        ({"app": {"buildx.build.ref": "x"}}, "made no image"),
        (PUSHED | {"containerimage.digest": "latest"}, "no digest"),
        (PUSHED | {"containerimage.digest": TWO}, "not that of a manifest"),
        (PUSHED | {"containerimage.descriptor": {"mediaType": "text/plain", "digest": ONE}}, "not that of a manifest"),
        (PUSHED | {"image.name": ["a"]}, "is no text"),
        (PUSHED | {"image.name": "Upper/Case"}, "image.name"),
        ("[]", "not a JSON object"),
        ("{", "not JSON"),
        ('{"a":1,"a":2}', "not JSON"),
    ],
)
def test_what_is_no_metadata_file_is_refused(document: Any, told: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        built(written(tmp_path, document), "")
    assert told in str(caught.value)
    assert caught.value.remedy


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        built(tmp_path / "none", "")
    with pytest.raises(CompatError):
        built(tmp_path, "")
