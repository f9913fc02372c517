"""``compatbuild diff``: images, reports and specifications, and when it fails."""

import json
from pathlib import Path

import pytest

from compatbuild.report.documents import report_bytes
from tests.builders import based_images
from tests.golden import compared
from tests.unit.cli.conftest import Cli


@pytest.fixture
def reports() -> tuple[Path, Path]:
    for name, report in (("old.json", compared.OLD), ("new.json", compared.NEW)):
        Path(name).write_bytes(report_bytes(report))
    return Path("old.json"), Path("new.json")


@pytest.fixture
def images() -> tuple[str, str]:
    based_images.write(Path("images"), based_images.BASE, based_images.built())
    return "oci-dir:images:base", "oci-dir:images:app"


def specification(cli: Cli, source: str, name: str) -> str:
    assert cli("refine", source, "-o", f"spec={name}").code == 0
    return name


def test_reports_are_compared(cli: Cli, reports: tuple[Path, Path]) -> None:
    result = cli("diff", *reports)
    assert (result.code, result.err) == (0, "")
    assert "tightened  cpu " in result.out
    assert result.out == (compared.DIRECTORY / "diff.txt").read_text(encoding="utf-8")


def test_images_are_inferred_and_compared(cli: Cli, images: tuple[str, str]) -> None:
    value = cli("diff", *images, "-o", "json").value
    assert value["schema"] == "compatbuild.diff/v1"
    assert (value["old"]["kind"], value["old"]["digest"]) == ("image", based_images.BASE.digest)
    assert value["direction"] == "more"
    assert [(one["change"], one["new"]) for one in value["requirements"]] == [
        ("added", "kernel module nvidia_uvm loaded")
    ]


def test_specifications_are_compared(cli: Cli, images: tuple[str, str]) -> None:
    specs = [specification(cli, image, f"{index}.yaml") for index, image in enumerate(images)]
    value = cli("diff", *specs, "-o", "json").value
    assert [one["new"] for one in value["requirements"]] == ["kernel module nvidia_uvm loaded"]
    assert value["facts"] == []
    assert [value[side]["kind"] for side in ("old", "new")] == ["spec", "spec"]


def test_an_image_beside_a_specification_is_made_into_one(cli: Cli, images: tuple[str, str]) -> None:
    spec = specification(cli, images[0], "old.yaml")
    value = cli("diff", spec, images[1], "-o", "json").value
    assert [one["new"] for one in value["requirements"]] == ["kernel module nvidia_uvm loaded"]
    assert value["notes"] == ["oci-dir:images:app was made into a specification to be compared with one"]
    assert cli("diff", spec, images[0], "-o", "json").value["direction"] == "same"


def test_a_template_is_used_for_that(cli: Cli, images: tuple[str, str]) -> None:
    spec = specification(cli, images[0], "old.yaml")
    Path("t.j2").write_text("version: compatbuild/v1\nrequirements: []\n")
    value = cli("diff", spec, images[0], "-t", "t.j2", "-o", "json").value
    assert {one["change"] for one in value["requirements"]} == {"removed"}


@pytest.mark.parametrize(
    ("fail_on", "forth", "back"),
    [
        (["tightened"], 10, 0),
        (["loosened"], 0, 10),
        (["added"], 10, 0),
        (["removed"], 0, 10),
        (["any"], 10, 10),
        (["added,removed"], 10, 10),
        (["added", "removed"], 10, 10),
        ([], 0, 0),
    ],
)
def test_it_fails_on_what_it_was_told_to(
    cli: Cli, images: tuple[str, str], fail_on: list[str], forth: int, back: int
) -> None:
    flags = [flag for word in fail_on for flag in ("--fail-on", word)]
    assert cli("diff", *images, *flags).code == forth
    assert cli("diff", *reversed(images), *flags).code == back
    assert cli("diff", images[0], images[0], *flags).code == 0


def test_the_result_is_printed_before_it_fails(cli: Cli, reports: tuple[Path, Path]) -> None:
    result = cli("diff", *reports, "--fail-on", "any", "-o", "markdown", "-o", "json=out.json")
    assert result.code == 10
    assert result.out == (compared.DIRECTORY / "diff.md").read_text(encoding="utf-8").replace("app:1.1.json", "old.json").replace("app:1.2.json", "new.json")  # fmt: skip
    assert json.loads(Path("out.json").read_text(encoding="utf-8"))["direction"] == "mixed"


def test_a_misspelt_wish_costs_nobody_a_long_run(cli: Cli) -> None:
    result = cli("diff", "nothing", "there", "--fail-on", "tighter")
    assert result.code == 2
    assert "use --fail-on tightened" in result.err


@pytest.mark.parametrize(
    ("content", "code", "told"),
    [
        (b'{"schema": "compatbuild.report/v1"}', 2, "is not a report of compatbuild"),
        (b"compatibilities: 1", 12, "cannot read"),
        (b"- a", 12, "cannot read"),
        (b"\x00\x01", 1, "archive"),
    ],
)
def test_a_file_that_is_nothing_of_these_is_refused(cli: Cli, content: bytes, code: int, told: str) -> None:
    Path("a").write_bytes(content)
    result = cli("diff", "a", "a")
    assert result.code == code
    assert told in result.err
    assert result.out == ""


def test_an_empty_specification_needs_nothing(cli: Cli) -> None:
    Path("a").write_bytes(b"")
    Path("b").write_bytes(b"version: v1alpha1\n")
    assert "It needs the same" in cli("diff", "a", "b").out
