"""What is attached: shown with its signatures, pulled only when it is the author's, and copied with all of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli


@pytest.fixture
def published(cli: Cli, image: str, keys: tuple[Path, Path]) -> str:
    assert cli("publish", image, "--sign", f"key:{keys[0]}").code == 0
    return image


def stranger(cli: Cli) -> Path:
    assert cli("key", "generate", "-o", "stranger").code == 0
    return Path("stranger.pub")


def test_without_a_key_a_signature_is_there_and_not_verified(cli: Cli, published: str) -> None:
    told = cli("show", published).out
    assert told.count("(signature present, not verified)") == 2  # the image, and the specification
    assert told.count("(not verified)") == 2
    assert "    report  " in told
    assert "(unsigned)" in told
    (subject,) = cli("show", published, "-o", "json").value["subjects"]
    assert subject["signed"] == "signature present, not verified"
    assert subject["nfd_takes"] is None  # it reads no layout
    assert {one["signed"] for one in subject["attachments"]} == {
        "unsigned",
        "not verified",
        "signature present, not verified",
    }


def test_with_a_key_signatures_are_verified(cli: Cli, published: str, keys: tuple[Path, Path]) -> None:
    told = cli("show", published, "--key", keys[1]).out
    assert told.count("(verified)") == 4
    foreign = cli("show", published, "--key", stranger(cli)).out
    assert foreign.count("(not signed by anyone trusted)") == 2
    assert "(verified)" not in foreign


def test_pull_by_a_key(cli: Cli, published: str, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    plain = cli("pull", published).out
    assert cli("pull", published, "--key", keys[1]).out == plain
    assert ", verified" in cli("pull", published, "--key", keys[1]).err
    refused = cli("pull", published, "--key", stranger(cli), "-o", "spec=pulled.yaml")
    assert (refused.code, refused.out) == (13, "")
    assert not Path("pulled.yaml").exists()
    assert cli("pull", published, "--verify").code == 2
    monkeypatch.setenv("COMPATBUILD_KEY", str(keys[1]))
    assert cli("pull", published, "--verify").out == plain
    assert "signature not looked at" in cli("pull", published).err  # a variable alone asks for nothing


def test_a_settings_key_verifies_what_is_pulled(cli: Cli, published: str, keys: tuple[Path, Path]) -> None:
    Path(".compatbuild.yaml").write_text(f"verify: {{key: {keys[1]}}}\n")
    assert cli("pull", published, "--verify").code == 0


def test_an_unsigned_specification_is_not_pulled_by_a_key(cli: Cli, image: str, keys: tuple[Path, Path]) -> None:
    assert cli("publish", image).code == 0
    assert cli("pull", image).code == 0
    assert cli("pull", image, "--key", keys[1]).code == 13


def test_a_report_is_not_signed(cli: Cli, published: str, keys: tuple[Path, Path]) -> None:
    assert cli("pull", published, "-o", "report").code == 0
    assert cli("pull", published, "-o", "report", "--key", keys[1]).code == 13


def test_a_copy_has_everything_and_a_second_one_changes_nothing(
    cli: Cli, published: str, keys: tuple[Path, Path]
) -> None:
    done = cli("copy", published, "oci-dir:copies/one", "-o", "json").value
    assert done["changed"]
    assert [part["tag"] for part in done["parts"] if part["kind"] == "tag"] == ["v1"]
    assert len([part for part in done["parts"] if part["kind"] == "attached"]) == 4
    assert cli("verify", "oci-dir:copies/one:v1", "--key", keys[1]).code == 0
    again = cli("copy", published, "oci-dir:copies/one")
    assert again.out.endswith("oci-dir:copies/one: nothing to do, 0 bytes of blobs sent\n")
    assert again.err == ""
    files = {path: path.read_bytes() for path in Path("copies/one").rglob("*") if path.is_file()}
    assert cli("copy", published, "oci-dir:copies/one", "-q").code == 0
    assert {path: path.read_bytes() for path in Path("copies/one").rglob("*") if path.is_file()} == files


def test_a_copy_under_another_name(cli: Cli, published: str) -> None:
    assert cli("copy", published, "oci-dir:copy:other").code == 0
    assert cli("pull", "oci-dir:copy:other").out == cli("pull", published).out
    (entry,) = [
        one for one in json.loads(Path("copy/index.json").read_text())["manifests"] if "annotations" in one and
        one["annotations"].get("org.opencontainers.image.ref.name")
    ]  # fmt: skip
    digest = entry["digest"]
    assert cli("copy", published, f"oci-dir:by-digest@{digest}").code == 0
    assert cli("show", f"oci-dir:by-digest@{digest}").code == 0
    assert cli("copy", published, f"oci-dir:copy@sha256:{'0' * 64}").code == 2


@pytest.mark.parametrize(
    ("target", "code"), [("oci-dir:occupied:v1", 2), ("Not:A:Reference", 2), ("oci-dir:file:v1", 1)]
)
def test_where_nothing_can_be_copied_to(cli: Cli, published: str, target: str, code: int) -> None:
    Path("occupied").mkdir()
    Path("occupied/mine").write_text("x")
    Path("file").write_text("x")
    assert cli("copy", published, target).code == code
    assert [path.name for path in Path("occupied").iterdir()] == ["mine"]


def test_what_is_not_there_is_not_copied(cli: Cli, published: str) -> None:
    assert published
    assert cli("copy", "oci-dir:image:none", "oci-dir:copy").code == 3
    blob = max(Path("image/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    blob.unlink()
    result = cli("copy", published, "oci-dir:copy")
    assert result.code == 3
    assert cli("show", "oci-dir:copy:v1").code == 3
