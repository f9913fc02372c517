"""How an image of Singularity's starts: runscripts, environments, labels and definition files as an image config."""

from typing import Any

import pytest

from compatbuild.image.limits import DEFAULT
from compatbuild.image.singularity import (
    MAX_SCRIPT,
    RUNSCRIPT,
    STARTSCRIPT,
    Described,
    build_steps,
    described,
    image_config,
    json_object,
    labels,
)
from compatbuild.image.view import ImageConfig

# As Apptainer 1.4.5 writes them for an image of docker's (internal/pkg/build/sources/conveyorPacker_oci.go), shortened.
FROM_DOCKER = r"""#!/bin/sh
OCI_ENTRYPOINT='"/usr/local/bin/start" "--with space"'
OCI_CMD='"serve"'

# When SINGULARITY_NO_EVAL set, use OCI compatible behavior that does
# not evaluate resolved CMD / ENTRYPOINT / ARGS through the shell
if [ -n "$SINGULARITY_NO_EVAL" ]; then
    set -- '/usr/local/bin/start' "$@"
fi
exec "$@"
"""
ENVIRONMENT_FROM_DOCKER = r"""#!/bin/sh
export PATH="/opt/app/bin:/usr/bin"
export PRICE="${PRICE:-"5\$ \"each\""}"
export EMPTY="${EMPTY:-""}"
"""


def config(**texts: Any) -> ImageConfig:
    return image_config("amd64", Described(**texts), DEFAULT)


def environment(*scripts: str) -> dict[str, str]:
    return config(environment=scripts).environment


@pytest.mark.parametrize(
    ("script", "entrypoint", "cmd"),
    [
        (FROM_DOCKER, ("/usr/local/bin/start", "--with space"), ("serve",)),
        ("#!/bin/sh\nOCI_ENTRYPOINT=''\nOCI_CMD='\"/bin/bash\"'\nexec \"$@\"\n", (), ("/bin/bash",)),
        ('#!/bin/sh\n\n# it\nexec /opt/app --fast "$@"\n', ("/opt/app", "--fast"), ()),
        ("#!/bin/sh\nexec /bin/bash $@", ("/bin/bash",), ()),
        ('exec "$@"', (RUNSCRIPT,), ()),
        ('exec $APP "$@"', (RUNSCRIPT,), ()),
        ('exec a | tee "$@"', (RUNSCRIPT,), ()),
        ('exec /opt/app "$1"', (RUNSCRIPT,), ()),
        ('cd /opt\nexec ./app "$@"', (RUNSCRIPT,), ()),
        ("exec 'open", (RUNSCRIPT,), ()),
        ("OCI_ENTRYPOINT='\"open'\nOCI_CMD=''\n", (), ()),
        ("#!/bin/sh\n\n# nothing\n", (), ()),
        ("", (), ()),
    ],
)
def test_a_runscript_is_what_runs(script: str, entrypoint: tuple[str, ...], cmd: tuple[str, ...]) -> None:
    found = config(runscript=script)
    assert (found.entrypoint, found.cmd) == (entrypoint, cmd)
    assert found.platform == "linux/amd64"


def test_a_startscript_is_what_runs_where_there_is_no_runscript() -> None:
    service = "#!/bin/sh\n/usr/sbin/it -d\n"
    assert config(startscript=service).entrypoint == (STARTSCRIPT,)
    both = Described(runscript='exec /a "$@"', startscript=service)
    assert image_config("", both, DEFAULT).entrypoint == ("/a",)
    assert ["startscript" in note for note in both.notes] == [True]
    assert Described(runscript="a", startscript="#!/bin/sh\n").notes == ()


def test_the_environment_of_an_image_of_dockers() -> None:
    assert environment(ENVIRONMENT_FROM_DOCKER) == {
        "PATH": "/opt/app/bin:/usr/bin",
        "PRICE": '5$ "each"',
        "EMPTY": "",
    }


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("A=1", {"A": "1"}),
        ("export A=1 B='two words'", {"A": "1", "B": "two words"}),
        (
            "export PATH=/opt/bin:$PATH",
            {"PATH": "/opt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
        ),
        ("A=1\nexport B=${A}2\nC=$B", {"A": "1", "B": "12", "C": "12"}),
        ("A=1\nA=2", {"A": "2"}),
        ("A=$HOST_SETS_IT/x", {"A": "/x"}),
        ("A=$(uname -m)", {}),
        ("A=1\nA=`uname`", {}),
        ("A=1 command", {}),
        ('if [ -z "$A" ]; then\n  export A=1\nfi\nB=2', {"B": "2"}),
        ("if x; then A=1; fi\nB=2", {"B": "2"}),
        ("f() {\nA=1\n}\nB=2", {"B": "2"}),
        ("A='open", {}),
        ("export A", {}),
        ("A=1\\\n2", {}),
        ("# A=1", {}),
        ("A=1\nB=${A:-2}\nC=${D:-${A:-3}}", {"A": "1", "B": "1", "C": "1"}),
        ("A=" + "${A:-" * 10_000 + "1" + "}" * 10_000, {}),
        ("A=" + "${B:-" * 5 + "1" + "}" * 5, {"A": "1"}),
        ("A=" + "x" * MAX_SCRIPT * 2, {"A": "x" * (MAX_SCRIPT - 2)}),
    ],
)
def test_only_what_is_plainly_set_counts(script: str, expected: dict[str, str]) -> None:
    assert environment(script) == expected


def test_later_scripts_see_what_earlier_ones_set() -> None:
    assert environment("A=1", "B=$A", "A=3") == {"A": "3", "B": "1"}


def test_a_variable_cannot_grow_without_end() -> None:
    doubling = "A=xxxxxxxxxx\n" + "A=$A$A\n" * 60
    assert len(environment(doubling).get("A", "")) <= MAX_SCRIPT
    assert environment("A=" + "x" * 30_000 + "\nB=" + "$A" * 15_000) == {"A": "x" * 30_000}


def test_the_sections_that_build_an_image_are_its_history() -> None:
    definition = (
        "Bootstrap: docker\nFrom: debian:12\n\n%files\n  a /a\n%post -c /bin/bash\n  gcc -march=haswell a.c\n\n"
        "%environment\n  export A=1\n%appinstall x\n  make\n%labels\n  A 1\n"
    )
    assert build_steps(definition) == ["%post\n  gcc -march=haswell a.c", "%appinstall\n  make"]
    assert config(definition=definition).history == tuple(build_steps(definition))


def test_what_lies_in_the_tree_counts_before_what_repeats_it() -> None:
    told = {
        "data": {
            "attributes": {
                "runscript": "exec /told",
                "startscript": "start",
                "labels": {"a": "told"},
                "deffile": "%post\n told",
                "environment": {"/.singularity.d/env/91.sh": "B=2", "/.singularity.d/env/90.sh": "A=1"},
            }
        }
    }
    assert described(told, "", Described()) == Described(
        "exec /told", "start", ("A=1", "B=2"), {"a": "told"}, "%post\n told"
    )
    there = Described("exec /there", "s", ("C=3",), {"b": "there"}, "%post\n there")
    assert described(told, "%post\n other", there) == there
    assert described(told, "%post\n other", Described()).definition == "%post\n other"


@pytest.mark.parametrize(
    "told", [{}, {"data": 3}, {"data": {"attributes": {"runscript": 3, "environment": [1], "labels": 7}}}]
)
def test_metadata_of_another_shape_say_nothing(told: dict[str, Any]) -> None:
    assert described(told, "", Described()) == Described()


@pytest.mark.parametrize("raw", [b"", b"[]", b"{", b"[" * 100_000, b"\xff"])
def test_labels_that_are_none_say_nothing(raw: bytes) -> None:
    assert labels(json_object(raw)) == {}


def test_labels_are_texts() -> None:
    assert labels({"a": "1", "b": 2, "c": None}) == {"a": "1"}
