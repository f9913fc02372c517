"""Running the journey's steps: shown first, in the environment's own programs, ending with the first that fails."""

import os
import shlex
import sys
from pathlib import Path

import pytest

from demo import run
from demo.run import Step

NOTHING = Step("Assemble nothing", "true")


@pytest.fixture(autouse=True)
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "ASSEMBLE", NOTHING)
    return tmp_path


def test_a_step_is_shown_as_it_is_typed(capfd: pytest.CaptureFixture[str]) -> None:
    assert run.run(Step("Greet", "sh -c 'echo hello; exit 3'"), Path(), os.environ) == 3
    assert capfd.readouterr().out == "\n# Greet\n$ sh -c 'echo hello; exit 3'\nhello\n"


def test_steps_run_in_the_environment_of_the_demo(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    write = """python -c "import os, sys; open('seen', 'w').write(sys.prefix + os.environ['COSIGN_PASSWORD'])" """
    monkeypatch.setattr(run, "STEPS", (Step("Write", write),))
    assert run.main() == 0
    assert (directory / "out" / "demo" / "seen").read_text() == sys.prefix + run.PASSWORD


def test_it_begins_clean(monkeypatch: pytest.MonkeyPatch, directory: Path) -> None:
    (directory / "out" / "demo").mkdir(parents=True)
    (directory / "out" / "demo" / "old").touch()
    (directory / "out" / "bench.json").touch()
    monkeypatch.setattr(run, "STEPS", ())
    assert run.main() == 0
    assert sorted(path.name for path in (directory / "out").rglob("*")) == ["bench.json", "demo"]


def test_it_ends_with_the_first_step_that_fails(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "STEPS", (Step("Fail", "sh -c 'exit 12'"), Step("Never", "touch never")))
    assert run.main() == 12
    assert "exit code is 12" in capfd.readouterr().err
    assert not Path("never").exists()


def test_every_step_can_be_typed() -> None:
    for step in run.STEPS:
        assert shlex.split(step.command)[0] in ("python", "compatbuild")
        assert step.title
