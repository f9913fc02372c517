import dataclasses
import shutil
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from compatbuild.errors import KnowledgeError
from compatbuild.knowledge import load
from compatbuild.knowledge.loader import COMPILED, compiled, load_directory
from compatbuild.knowledge.rows import Grade, Row, capped
from compatbuild.knowledge.subjects import SUBJECTS
from compatbuild.model.finding import Confidence


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the shipped files that a test may spoil."""
    for name in SUBJECTS:
        shutil.copy(str(resources.files("compatbuild.knowledge") / f"{name}.yaml"), tmp_path)
    return tmp_path


def spoil(directory: Path, **changes: Any) -> None:
    path = directory / "cuda.yaml"
    document = yaml.safe_load(path.read_text())
    for key, value in changes.items():
        if value is None:
            document["driver_floors"].pop(key)
        else:
            document["driver_floors"][key] = value
    path.write_text(yaml.safe_dump(document))


def test_the_shipped_files_load_once_and_know_their_date() -> None:
    assert load() is load()
    assert date.fromisoformat(load().as_of) >= date(2026, 11, 23)


def test_the_compiled_file_says_what_the_files_say() -> None:
    shipped = resources.files("compatbuild.knowledge")
    assert (shipped / COMPILED).read_text("utf-8") == compiled(), "run: python -m tests.golden.knowledge"
    assert load() == load_directory(shipped)


def test_values_are_those_of_the_vendors() -> None:
    knowledge = load()
    assert {k: row.value for k, row in knowledge.cuda.driver_floors.items()} == {
        11: "450.80.02",
        12: "525.60.13",
        13: "580.65.06",
    }
    assert knowledge.cuda.library_sonames["libcufft.so.11"].value == 12
    assert "libcusparse.so.12" not in knowledge.cuda.library_sonames
    assert knowledge.mpi.sonames["libmpi.so.12"].value.family == "MPICH"


def test_every_row_has_source_grade_and_date() -> None:
    knowledge = load()
    for subject in SUBJECTS:
        for field in dataclasses.fields(getattr(knowledge, subject)):
            table = getattr(getattr(knowledge, subject), field.name)
            assert table, f"{subject}.{field.name} is empty"
            for key, row in table.items():
                assert row.source, f"{subject}.{field.name}[{key}]"
                assert isinstance(row.grade, Grade)
                assert date(2026, 1, 1) <= row.retrieved <= date.fromisoformat(knowledge.as_of)


def test_a_row_takes_its_own_grade_before_its_blocks() -> None:
    branches = load().cuda.branches
    assert branches["12.8"].grade is Grade.READ
    assert branches["12.7"].grade is Grade.BELIEVED
    assert branches["13.4"].grade is Grade.SECONDARY


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        load().cuda.driver_floors[11] = load().cuda.driver_floors[12]  # type: ignore[index]  # that is the point


@pytest.mark.parametrize("missing", ["src", "source", "retrieved", "rows"])
def test_a_block_without_its_source_is_refused(directory: Path, missing: str) -> None:
    spoil(directory, **{missing: None})
    with pytest.raises(KnowledgeError, match=r"cuda\.yaml, driver_floors"):
        load_directory(directory)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("src", "rumour"),
        ("source", ""),
        ("retrieved", "lately"),
        ("rows", {}),
        ("rows", {"12": "525.60.13"}),
        ("rows", {12: 525.6}),
        ("grades", {12: "hearsay"}),
        ("grades", {14: "read"}),
        ("sauce", "release notes"),
    ],
)
def test_a_block_that_breaks_the_rules_is_refused(directory: Path, key: str, value: Any) -> None:
    spoil(directory, **{key: value})
    with pytest.raises(KnowledgeError):
        load_directory(directory)


def test_an_unknown_and_a_missing_block_are_named(directory: Path) -> None:
    path = directory / "fabric.yaml"
    document = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({"token_ring": document["efa_plugins"]}))
    with pytest.raises(KnowledgeError, match=r"blocks: efa_devices, .*, token_ring"):
        load_directory(directory)


@pytest.mark.parametrize("text", ["- a list", "{", "", "x: !!python/object/apply:os.getcwd []"])
def test_a_file_that_is_no_mapping_is_refused(directory: Path, text: str) -> None:
    (directory / "mpi.yaml").write_text(text)
    with pytest.raises(KnowledgeError, match=r"mpi\.yaml"):
        load_directory(directory)


def test_a_missing_file_is_refused(directory: Path) -> None:
    (directory / "cpu.yaml").unlink()
    with pytest.raises(KnowledgeError, match=r"cpu\.yaml"):
        load_directory(directory)


@pytest.mark.parametrize(
    ("grade", "strongest"),
    [
        (Grade.RUN, Confidence.PROVEN),
        (Grade.READ, Confidence.PROVEN),
        (Grade.SECONDARY, Confidence.LIKELY),
        (Grade.BELIEVED, Confidence.HINT),
    ],
)
def test_a_grade_caps_what_may_be_concluded(grade: Grade, strongest: Confidence) -> None:
    row = Row("value", grade, "somewhere", date(2026, 11, 23))
    assert capped(Confidence.PROVEN, row) is strongest
    assert capped(Confidence.HINT, row) is Confidence.HINT


def test_the_weakest_of_several_rows_decides() -> None:
    rows = [Row(1, grade, "somewhere", date(2026, 11, 23)) for grade in (Grade.RUN, Grade.SECONDARY, Grade.READ)]
    assert capped(Confidence.PROVEN, *rows) is Confidence.LIKELY
    assert capped(Confidence.PROVEN) is Confidence.PROVEN
