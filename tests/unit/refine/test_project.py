"""A project: starting one, its settings, and what git says about it."""

import os
from pathlib import Path

import jsonschema
import pytest
import yaml
from git import Actor, Repo

from compatbuild.errors import TemplateError, UsageError
from compatbuild.refine.document import parse
from compatbuild.refine.gitfacts import GitFacts, git_facts, without_credentials
from compatbuild.refine.init import init
from compatbuild.refine.render import render
from compatbuild.refine.settings import SETTINGS_NAME, Settings, find_settings, load_settings
from compatbuild.validation.schema import load
from tests.unit.refine.reports import context

AUTHOR = Actor("An Author", "author@example.com")

SETTINGS = """\
image: registry.example/team/app:1.2
template: compat.yaml.j2
platform: linux/amd64
sign: key:cosign.key
verify: {key: cosign.pub}
registry: {plain_http: true, ca_file: ca.pem}
"""


def settings(tmp_path: Path, text: str) -> Settings:
    """Load settings given as text."""
    path = tmp_path / SETTINGS_NAME
    path.write_text(text, encoding="utf-8")
    return load_settings(path)


@pytest.fixture
def work_tree(tmp_path: Path) -> Repo:
    """A work tree with one commit."""
    repo = Repo.init(tmp_path / "tree", initial_branch="main")
    (tmp_path / "tree" / "file").write_text("1", encoding="utf-8")
    repo.index.add(["file"])
    repo.index.commit("first", author=AUTHOR, committer=AUTHOR)
    return repo


def test_init_writes_a_template_and_settings_that_work(tmp_path: Path) -> None:
    template, file = init(tmp_path / "new", image="registry.example/app:1.2")
    assert (template.name, file.name) == ("compat.yaml.j2", SETTINGS_NAME)
    assert render(template, context()) == render("default", context())
    found = load_settings(file)
    assert (found.image, found.file(found.template)) == ("registry.example/app:1.2", template)


def test_the_settings_fit_their_schema(tmp_path: Path) -> None:
    _, file = init(tmp_path)
    jsonschema.validate(yaml.safe_load(file.read_text(encoding="utf-8")), load("compatbuild-settings-v1.schema.json"))


def test_every_commented_setting_works(tmp_path: Path) -> None:
    _, file = init(tmp_path)
    text = file.read_text(encoding="utf-8")
    examples = [
        line
        for line in text.splitlines()
        if line.startswith("# ") and ": " in line and "Settings of" not in line and "$schema=" not in line
    ]
    assert len(examples) == 5
    for example in examples:
        assert settings(tmp_path, text.replace(example, example.removeprefix("# "))) != load_settings(
            init(tmp_path, force=True)[1]
        )


def test_init_overwrites_only_when_told_to(tmp_path: Path) -> None:
    init(tmp_path)
    (tmp_path / "compat.yaml.j2").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="there already"):
        init(tmp_path)
    assert (tmp_path / "compat.yaml.j2").read_text(encoding="utf-8") == "mine"
    init(tmp_path, "gpu", force=True)
    assert parse(render(tmp_path / "compat.yaml.j2", context())).tag == "gpu"


def test_init_never_writes_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine", encoding="utf-8")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / SETTINGS_NAME).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError):
        init(tmp_path / "d")
    init(tmp_path / "d", force=True)
    assert (tmp_path / "elsewhere").read_text(encoding="utf-8") == "mine"


def test_init_with_a_template_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="no template"):
        init(tmp_path / "new", "nothing")
    assert not (tmp_path / "new").exists()


def test_an_image_name_cannot_add_settings(tmp_path: Path) -> None:
    _, file = init(tmp_path, image='x"\nsign: keyless\n#')
    assert load_settings(file).sign == ""


def test_settings(tmp_path: Path) -> None:
    found = settings(tmp_path, SETTINGS)
    assert found.platform == "linux/amd64"
    assert found.registry.plain_http
    assert found.file(found.verify.key) == tmp_path / "cosign.pub"
    jsonschema.validate(yaml.safe_load(SETTINGS), load("compatbuild-settings-v1.schema.json"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("imag: x", "line 1: unknown key `imag` (did you mean `image`?)"),
        ("image: x\nsign: cosign.key", "line 2: `sign` is `cosign.key`"),
        ("directory: /", "line 1: unknown key `directory`"),
        ("registry:\n  plain_http: maybe", "line 2: `plain_http` is `maybe`"),
        ("image: [", "did not find"),
        ("", "it should be a settings file"),
    ],
)
def test_wrong_settings_are_told_with_their_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        settings(tmp_path, text)
    assert said in caught.value.why
    assert SETTINGS_NAME in caught.value.what


def test_settings_have_a_size_limit(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="too large"):
        settings(tmp_path, "#" * 100_000)


def test_settings_are_found_up_to_the_root_of_the_work_tree(tmp_path: Path, work_tree: Repo) -> None:
    root = Path(work_tree.working_dir)
    below = root / "a" / "b"
    below.mkdir(parents=True)
    (tmp_path / SETTINGS_NAME).write_text("image: above", encoding="utf-8")
    assert find_settings(below) is None
    (root / SETTINGS_NAME).write_text("image: root", encoding="utf-8")
    assert find_settings(below) == root / SETTINGS_NAME
    (below / SETTINGS_NAME).write_text("image: below", encoding="utf-8")
    assert find_settings(below) == below / SETTINGS_NAME


def test_outside_of_a_work_tree_only_the_directory_counts(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / SETTINGS_NAME).write_text("image: above", encoding="utf-8")
    assert find_settings(tmp_path / "d") is None
    assert find_settings(tmp_path) == tmp_path / SETTINGS_NAME


def test_git(work_tree: Repo) -> None:
    directory = Path(work_tree.working_dir)
    work_tree.create_remote("upstream", "git@git.example:team/other.git")
    work_tree.create_remote("origin", "https://user:secret@git.example/team/app.git?token=secret#x")
    commit = work_tree.head.commit.hexsha
    (directory / "d").mkdir()
    found = git_facts(directory / "d")
    assert found == GitFacts(
        commit=commit, branch="main", describe=commit[:7], remote="https://git.example/team/app.git"
    )


def test_git_tag_and_changes(work_tree: Repo) -> None:
    directory = Path(work_tree.working_dir)
    work_tree.create_tag("v1.2")
    assert (git_facts(directory).tag, git_facts(directory).describe) == ("v1.2", "v1.2")
    (directory / "file").write_text("2", encoding="utf-8")
    assert git_facts(directory).dirty
    work_tree.index.add(["file"])
    second = work_tree.index.commit("second", author=AUTHOR, committer=AUTHOR)
    assert git_facts(directory).describe == f"v1.2-1-g{second.hexsha[:7]}"
    work_tree.git.checkout(second.hexsha)
    found = git_facts(directory)
    assert (found.branch, found.tag, found.remote, found.dirty) == ("", "", "", False)


def test_git_without_a_commit(tmp_path: Path) -> None:
    Repo.init(tmp_path, initial_branch="main")
    assert git_facts(tmp_path).commit == ""


def test_no_git(tmp_path: Path) -> None:
    assert git_facts(tmp_path) == GitFacts()
    assert git_facts(tmp_path / "nothing") == GitFacts()


def test_a_repository_cannot_have_a_program_run(tmp_path: Path, work_tree: Repo) -> None:
    directory = Path(work_tree.working_dir)
    monitor = tmp_path / "monitor"
    monitor.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n", encoding="utf-8")
    monitor.chmod(0o755)
    with work_tree.config_writer() as config:
        config.set_value("core", "fsmonitor", str(monitor))
    assert git_facts(directory).commit
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://u:p@h/x.git", "https://h/x.git"),
        ("https://token@h:8443/x", "https://h:8443/x"),
        ("ssh://git@h/x", "ssh://h/x"),
        ("git@h:x/y.git", "git@h:x/y.git"),
        ("/srv/git/x", "/srv/git/x"),
        ("https://[bad", ""),
        ("https://u:p@w@h/x", "https://h/x"),
    ],
)
def test_a_remote_is_told_without_credentials(url: str, public: str) -> None:
    assert without_credentials(url) == public


def test_git_finds_nothing_where_there_is_no_program(work_tree: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    assert git_facts(Path(work_tree.working_dir)).describe == ""
