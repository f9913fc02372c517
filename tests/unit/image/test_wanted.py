"""What is kept of an image beside what detectors ask for: how it starts, its packages, its os-release."""

from typing import Any

import pytest

from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import ImageConfig
from compatbuild.image.wanted import MAX_ROOTS, MAX_WORDS, Start, Wanted


def wanted(interests: Interests | None = None, **config: Any) -> Wanted:
    return Wanted(interests or Interests(), Start.of(ImageConfig(**config)), DEFAULT)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("/etc/ld.so.conf", "/etc/ld.so.conf"),
        ("/etc/ld.so.conf.d/*.conf", "/etc/ld.so.conf.d/x.conf"),
        ("/**/*.dist-info/METADATA", "/usr/lib/python3/site-packages/x-1.dist-info/METADATA"),
        ("/**", "/anything"),
        ("/lib/modules/**/modules.builtin", "/lib/modules/6.1/modules.builtin"),
        ("/**/lib?.so", "/usr/liba.so"),
        ("/**/x*", "/x1"),
    ],
)
def test_a_path_that_an_interest_names_is_near_and_has_its_limit(glob: str, path: str) -> None:
    interests = Interests((FileInterest(glob, 7),))
    it = wanted(interests)
    assert (it.near(path), it.limit(path)) == (True, 7)
    assert it.limit(path) == interests.file_limit(path)


def test_the_largest_limit_counts() -> None:
    assert wanted(Interests((FileInterest("/a", 3), FileInterest("/*", 9), FileInterest("/b", 20)))).limit("/a") == 9


def test_other_paths_are_not_near() -> None:
    it = wanted(Interests((FileInterest("/etc/x/*.conf"), FileInterest("/**/METADATA")), packages=True))
    assert not any(map(it.near, ["/usr/share/doc/x/copyright", "/opt/app/index.js", "/etc/passwd", "/METADATA.txt"]))


def test_os_release_is_always_kept_and_package_databases_on_demand() -> None:
    paths = ["/etc/os-release", "/usr/lib/os-release", "/var/lib/dpkg/status", "/lib/apk/db/installed"]
    assert [bool(wanted().limit(path)) for path in paths] == [True, True, False, False]
    assert all(wanted(Interests(packages=True)).limit(path) for path in paths)


@pytest.mark.parametrize(
    ("argv", "names"),
    [
        (("/docker-entrypoint.sh", "nginx", "-g", "daemon off;"), {"docker-entrypoint.sh", "nginx", "daemon", "off"}),
        (
            ("/bin/sh", "-c", 'exec gunicorn app:app --bind "0.0.0.0:80" && ./run.sh'),
            {"sh", "exec", "gunicorn", "run.sh"},
        ),
        (("python", "-m", "server"), {"python", "server"}),
        (("..", "/", "."), set()),
    ],
)
def test_words_of_the_command_line_are_names_of_programs(argv: tuple[str, ...], names: set[str]) -> None:
    assert names <= Start.of(ImageConfig(entrypoint=argv)).names
    assert not {"..", ".", ""} & Start.of(ImageConfig(entrypoint=argv)).names


def test_a_program_named_by_the_config_is_kept_wherever_it_lies() -> None:
    it = wanted(cmd=("docker-entrypoint.sh",))
    assert it.near("/usr/local/bin/docker-entrypoint.sh")
    assert it.limit("/usr/local/bin/docker-entrypoint.sh") == DEFAULT.script
    assert it.limit("/docker-entrypoint.sh") == DEFAULT.script
    assert it.limit("/other-docker-entrypoint.sh") == 0


def test_a_name_with_wildcards_is_no_pattern_for_everything() -> None:
    it = wanted(cmd=("**", "a*b"))
    assert not it.limit("/etc/shadow")
    assert it.limit("/bin/a*b")


@pytest.mark.parametrize(
    ("config", "path", "kept"),
    [
        ({"working_dir": "/app"}, "/app/pkg/mod.py", True),
        ({"working_dir": "/app"}, "/apparent/mod.py", False),
        ({"working_dir": "/app"}, "/app/.venv/lib/python3.12/site-packages/numpy/__init__.py", False),
        ({"working_dir": "/usr/src/app"}, "/usr/src/app/main.py", True),
        ({"working_dir": "app"}, "/app/main.py", True),
        ({"cmd": ("python", "/srv/it/main.py")}, "/srv/it/other.py", True),
        ({"working_dir": "/app", "cmd": ("python", "src/main.py")}, "/app/src/other.py", True),
        ({"env": ("PYTHONPATH=/extra:relative",)}, "/extra/x.py", True),
        ({}, "/main.py", True),
        ({}, "/src/main.py", True),
        ({}, "/usr/lib/python3/abc.py", False),
        ({"cmd": ("/usr/local/bin/tool",), "working_dir": "/app"}, "/usr/local/bin/x.py", False),
    ],
)
def test_python_sources_around_the_program_are_kept(config: dict[str, Any], path: str, *, kept: bool) -> None:
    it = wanted(**config)
    assert it.is_source(path, 100) is kept
    assert it.near(path) or not kept


def test_a_source_is_whole_or_not_there() -> None:
    it = wanted(working_dir="/app")
    assert it.is_source("/app/a.py", DEFAULT.python_source)
    assert not it.is_source("/app/a.py", DEFAULT.python_source + 1)
    assert not it.is_source("/app/a.txt", 1)


def test_files_that_add_to_the_path_of_python_are_kept_and_models_of_that_ending_are_not() -> None:
    it = wanted()
    assert it.near("/venv/lib/python3.12/site-packages/local.pth")
    assert it.limit("/venv/lib/python3.12/site-packages/local.pth") == DEFAULT.script
    assert it.limit("/usr/lib/python3/dist-packages/x.pth") == DEFAULT.script
    assert it.limit("/models/resnet.pth") == 0


def test_words_and_roots_are_counted() -> None:
    start = Start.of(ImageConfig(cmd=tuple(f"/d{number}/p{number}" for number in range(500))))
    assert (len(start.names), len(start.roots)) == (MAX_WORDS, MAX_ROOTS)


@pytest.mark.parametrize(
    "interests", [Interests(elf=True), Interests(device_code=True), Interests(bpf=True), Interests(go=True)]
)
def test_any_need_of_elf_is_one(interests: Interests) -> None:
    assert wanted(interests).elf
    assert not wanted().elf
