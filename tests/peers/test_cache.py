from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.peers import REMEDIES, REQUIRE_VARIABLE, build, cache, peer, require


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache.DIRECTORY_VARIABLE, str(tmp_path / "peers"))
    monkeypatch.delenv(REQUIRE_VARIABLE, raising=False)
    return tmp_path / "peers"


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One module, `greet`, that needs nothing from the network."""
    module = tmp_path / "modules" / "greet"
    module.mkdir(parents=True)
    (module / "go.mod").write_text("module greet\n\ngo 1.26.0\n")
    (module / "main.go").write_text('package main\n\nfunc main() { println("hello") }\n')
    monkeypatch.setattr(cache, "MODULES", module.parent)
    return module.parent


def test_every_peer_of_the_design_has_a_module() -> None:
    ours = ("nfdmatch", "nodeaffinity", "refregistry", "sif", "toclayer")
    theirs = ("act", "actionlint", "buildctl", "buildkitd", "buildx", "cosign", "crane", "nfd", "oras", "regctl")
    assert cache.names() == tuple(sorted((*theirs, *ours)))


def test_a_binary_lies_under_its_name_and_key(empty: Path, modules: Path) -> None:
    where = cache.binary("greet")
    assert where.parent.parent == empty
    assert where.parent.name.startswith("greet-")
    assert where.name == "greet"


@pytest.mark.parametrize("file", ["go.mod", "go.sum", "main.go"])
def test_the_key_follows_every_source(empty: Path, modules: Path, file: str) -> None:
    before = cache.binary("greet")
    with (modules / "greet" / file).open("a") as source:
        source.write("// changed\n")
    assert cache.binary("greet") != before


def test_the_key_ignores_what_is_not_built(empty: Path, modules: Path) -> None:
    before = cache.binary("greet")
    (modules / "greet" / "NOTES").write_text("nothing of the program")
    assert cache.binary("greet") == before


def test_an_unknown_peer_has_no_place() -> None:
    with pytest.raises(KeyError):
        cache.binary("../crane")


def test_a_missing_peer_skips_and_says_how_to_build_it(empty: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=r"python -m tests\.peers\.build crane"):
        peer("crane")


def test_a_missing_peer_fails_where_peers_are_required(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REQUIRE_VARIABLE, "1")
    with pytest.raises(pytest.fail.Exception, match=r"python -m tests\.peers\.build crane"):
        peer("crane")


@pytest.mark.parametrize(("program", "remedy"), REMEDIES.items())
def test_a_missing_program_names_its_remedy(
    empty: Path, monkeypatch: pytest.MonkeyPatch, program: str, remedy: str
) -> None:
    monkeypatch.setenv("PATH", str(empty))
    with pytest.raises(pytest.skip.Exception, match=remedy):
        require(program)
    monkeypatch.setenv(REQUIRE_VARIABLE, "1")
    with pytest.raises(pytest.fail.Exception, match=remedy):
        require(program)


@pytest.mark.peer
def test_building_gives_a_program_and_only_once(empty: Path, modules: Path, capfd: pytest.CaptureFixture[str]) -> None:
    require("go")
    assert build.main(["greet"]) == 0
    out, progress = capfd.readouterr()
    program = Path(out.strip())
    assert program == peer("greet")
    assert progress.startswith("greet: building\ngreet: built in ")
    assert list(program.parent.iterdir()) == [program]
    assert subprocess.run([program], capture_output=True, check=True).stderr == b"hello\n"
    assert build.main([]) == 0
    assert capfd.readouterr() == (out, "greet: already built\n")


@pytest.mark.peer
def test_a_failed_build_leaves_nothing(empty: Path, modules: Path, capfd: pytest.CaptureFixture[str]) -> None:
    require("go")
    (modules / "greet" / "main.go").write_text("package main\n\nfunc main() { nonsense }\n")
    assert build.main(["greet"]) == 1
    out, progress = capfd.readouterr()
    assert out == ""
    assert "undefined: nonsense" in progress
    assert [file for file in empty.rglob("*") if file.is_file()] == []


def test_building_an_unknown_peer_is_a_usage_error(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build.main(["nonsuch"])
    assert ended.value.code == 2
    assert "no such peer: nonsuch" in capsys.readouterr().err


@pytest.mark.peer
@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("act", ["--version"], "act version"),
        ("actionlint", ["-version"], "v1.7.12"),
        ("cosign", ["version"], "v3.1.3"),
        ("crane", ["version"], "v0.22.1"),
        ("nfd", ["compat", "--help"], "validate-node"),
        ("oras", ["version"], "1.3.6"),
        ("refregistry", ["-help"], "-unfiltered"),
        ("regctl", ["version"], "v0.11.7"),
    ],
)
def test_every_built_peer_runs(name: str, arguments: list[str], expected: str) -> None:
    done = subprocess.run([peer(name), *arguments], capture_output=True, text=True, check=True)
    assert expected in done.stdout + done.stderr
