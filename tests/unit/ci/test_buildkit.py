"""What BuildKit's protocol asks of a scanner: which file systems it reads, which files it writes, and what they say."""

import json
from pathlib import Path
from typing import Any

import pytest

from compatbuild.ci.buildkit import DESTINATION, EXTRAS, SOURCE
from compatbuild.model.report import Report
from tests.builders.elf import elf
from tests.unit.cli.conftest import Cli, cli, elsewhere

__all__ = ["cli", "elsewhere"]  # fixtures


def root(path: Path, soname: str = "libcudart.so.12") -> Path:
    (path / "usr/bin").mkdir(parents=True)
    (path / "usr/lib").mkdir()
    (path / "usr/bin/app").write_bytes(elf(needed=[soname], machine=62))
    (path / "usr/bin/app").chmod(0o755)
    (path / "usr/lib" / soname).write_bytes(elf(soname=soname, machine=62))
    return path


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "out").mkdir()
    monkeypatch.setenv(SOURCE, str(root(tmp_path / "core" / "sbom")))
    monkeypatch.setenv(DESTINATION, str(tmp_path / "out"))
    return tmp_path


def statements(target: Path) -> dict[str, Any]:
    return {path.name: json.loads(path.read_text()) for path in (target / "out").iterdir()}


def test_the_image_alone(cli: Cli, target: Path) -> None:
    told = cli("buildkit-scan")
    assert (told.code, told.out) == (0, "")
    (name,) = found = statements(target)
    assert name == "sbom.spdx.json"
    assert found[name]["predicateType"] == "https://spdx.dev/Document"
    assert found[name]["_type"] == "https://in-toto.io/Statement/v1"


def test_the_annotations_are_the_report(cli: Cli, target: Path) -> None:
    """``infer`` says the same of that directory, and a reader puts it together again."""
    assert cli("buildkit-scan", "-q").err == ""
    annotations = statements(target)["sbom.spdx.json"]["predicate"]["annotations"]
    head, *rest = [json.loads(annotation["comment"]) for annotation in annotations]
    value = head | {"findings": [one["finding"] for one in rest]}
    assert value == cli("infer", f"dir:{target}/core/sbom", "-o", "json").value
    assert "cuda.driver.min" in Report.model_validate_json(json.dumps(value)).facts


def test_every_stage_that_is_named_is_read_and_nothing_else(
    cli: Cli, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root(target / "extras" / "sbom-build", "libmpi.so.12")
    (target / "extras" / "file").touch()
    (target / "extras" / "sbom-link").symlink_to("/")
    monkeypatch.setenv(EXTRAS, f"{target}/extras/")
    assert cli("buildkit-scan").code == 0
    found = statements(target)
    assert set(found) == {"sbom.spdx.json", "sbom-build.spdx.json"}
    assert "libmpi" not in json.dumps(found["sbom.spdx.json"])


@pytest.mark.parametrize("named", ["", "/no/such/directory"])
def test_no_stages_are_no_error(cli: Cli, target: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv(EXTRAS, named)
    assert cli("buildkit-scan").code == 0
    assert set(statements(target)) == {"sbom.spdx.json"}


def test_too_many_stages_are_refused(cli: Cli, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.ci.buildkit.MAX_EXTRAS", 1)
    for name in ("sbom-a", "sbom-b"):
        (target / "extras" / name).mkdir(parents=True)
    monkeypatch.setenv(EXTRAS, str(target / "extras"))
    told = cli("buildkit-scan")
    assert told.code == 1
    assert "at most 1 are read" in told.err


@pytest.mark.parametrize("variable", [SOURCE, DESTINATION])
@pytest.mark.parametrize("value", [None, "", "/no/such/directory"])
def test_outside_of_buildkit_it_says_so(
    cli: Cli, target: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    monkeypatch.delenv(variable) if value is None else monkeypatch.setenv(variable, value)
    told = cli("buildkit-scan")
    assert told.code == 2
    assert variable in told.err
    assert "--sbom=generator=IMAGE" in told.err
    assert statements(target) == {}


def test_the_same_file_system_at_the_same_moment_gives_the_same_bytes(
    cli: Cli, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written() -> bytes:
        assert cli("buildkit-scan").code == 0
        return (target / "out" / "sbom.spdx.json").read_bytes()

    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = written()
    assert b"2023-11-14T22:13:20Z" in first
    assert written() == first
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000001")
    assert written() != first


def test_an_empty_image_needs_nothing_and_is_no_error(cli: Cli, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (target / "empty").mkdir()
    monkeypatch.setenv(SOURCE, str(target / "empty"))
    assert cli("buildkit-scan").code == 0
    (statement,) = statements(target).values()
    assert len(statement["predicate"]["annotations"]) == 1


def test_names_from_the_image_never_reach_a_terminal(cli: Cli, target: Path) -> None:
    (target / "core/sbom/etc").mkdir()
    (target / "core/sbom/etc/os-release").write_text('ID=debian\nVERSION_ID="\x1b[31m\u202e12"\n')
    assert cli("buildkit-scan").code == 0
    text = (target / "out" / "sbom.spdx.json").read_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
