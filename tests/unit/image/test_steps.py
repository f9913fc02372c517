"""Lines of layers: from a Dockerfile and the history that each builder wrote of it, and never a wrong one.

The histories are those that BuildKit 0.34.2, buildah 1.28 (with ``--layers`` and without) and docker's classic builder
wrote of these very Dockerfiles.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.image.dockerfile import instructions, last_stage
from compatbuild.image.steps import lines_of_layers
from compatbuild.image.view import ImageConfig

DOCKERFILE = r"""# a comment
FROM scratch AS base
COPY --chmod=755 busybox /bin/sh
RUN echo one > /one
ARG AT=5.10
ENV DIR=/opt/x Z="a b"
FROM base AS build
RUN echo building
FROM base
LABEL x=y
WORKDIR $DIR
RUN echo $AT \
    # a comment
 && echo "two  spaces" > /two \

    && echo "t\"q"
COPY a d /dst/
COPY ["b c", "a", "/dst2/"]
COPY --from=build /one /three
ADD --chown=1:1 d/ ${DIR}/d
run ["/bin/sh", "-c", "echo exec"]
RUN --mount=type=cache,target=/c --network=none echo mounted
"""
HEREDOCS = """RUN <<EOT
echo heredoc
echo more
EOT
COPY <<EOT /file
content $AT
EOT
COPY <<'A' <<B /dir/
x
A
y
B
"""
SHELLED = """SHELL ["/bin/sh", "-e", "-c"]
RUN echo shelled
RUN echo shelled
USER 1
CMD echo hi
"""
LINES = [3, 4, 11, 12, 17, 18, 19, 20, 21, 22]
BUILDKIT = [
    "COPY --chmod=755 busybox /bin/sh # buildkit",
    "RUN /bin/sh -c echo one > /one # buildkit",
    "-ARG AT=5.10",
    "-ENV DIR=/opt/x Z=a b",
    "-LABEL x=y",
    "WORKDIR /opt/x",
    'RUN |1 AT=5.10 /bin/sh -c echo $AT  && echo "two  spaces" > /two     && echo "t\\"q" # buildkit',
    "COPY a d /dst/ # buildkit",
    "COPY b c a /dst2/ # buildkit",
    "COPY /one /three # buildkit",
    "ADD --chown=1:1 d/ /opt/x/d # buildkit",
    "RUN |1 AT=5.10 /bin/sh -c echo exec # buildkit",
    "RUN |1 AT=5.10 /bin/sh -c echo mounted # buildkit",
    "RUN |1 AT=5.10 /bin/sh -c echo heredoc\necho more\n # buildkit",
    "COPY <<EOT /file # buildkit",
    "COPY <<A <<B /dir/ # buildkit",
    "-SHELL [/bin/sh -e -c]",
    "RUN |1 AT=5.10 /bin/sh -e -c echo shelled # buildkit",
    "RUN |1 AT=5.10 /bin/sh -e -c echo shelled # buildkit",
    "-USER 1",
    '-CMD ["/bin/sh" "-e" "-c" "echo hi"]',
]
HASH = "0" * 64
BUILDAH = [
    f"/bin/sh -c #(nop) COPY file:{HASH} in /bin/sh ",
    "/bin/sh -c echo one > /one",
    "-/bin/sh -c #(nop) ARG AT",
    '-/bin/sh -c #(nop) ENV DIR=/opt/x Z="a b"',
    "-/bin/sh -c #(nop) LABEL x=y",
    "-/bin/sh -c #(nop) WORKDIR $DIR",
    '/bin/sh -c echo $AT  && echo "two  spaces" > /two     && echo "t\\"q"',
    f"/bin/sh -c #(nop) COPY multi:{HASH} in /dst/ ",
    f"/bin/sh -c #(nop) COPY multi:{HASH} in /dst2/ ",
    f"/bin/sh -c #(nop) COPY file:{HASH} in /three ",
    f"/bin/sh -c #(nop) ADD dir:{HASH} in ${{DIR}}/d ",
    '/bin/sh -c ["/bin/sh", "-c", "echo exec"]',
    "/bin/sh -c echo mounted",
    '-/bin/sh -c #(nop) SHELL ["/bin/sh", "-e", "-c"]',
    "/bin/sh -c echo shelled",
    "/bin/sh -c echo shelled",
    "-/bin/sh -c #(nop) USER 1",
    "-/bin/sh -c #(nop) CMD echo hi",
]
CLASSIC_FILE = 'FROM scratch\nARG A=1\nCOPY a d /dst/\nCOPY ["b c", "a", "/dst2/"]\nADD --chown=1:1 d/ /x/\nWORKDIR /w\nCOPY a .\nLABEL x=y\nCOPY a b$A\nCMD echo hi\n'
CLASSIC = [
    "-/bin/sh -c #(nop)  ARG A=1",
    f"/bin/sh -c #(nop) COPY multi:{HASH} in /dst/ ",
    f"/bin/sh -c #(nop) COPY multi:{HASH} in /dst2/ ",
    f"/bin/sh -c #(nop) ADD --chown=1:1dir:{HASH} in /x/ ",
    "/bin/sh -c #(nop) WORKDIR /w",
    f"/bin/sh -c #(nop) COPY file:{HASH} in . ",
    "-/bin/sh -c #(nop)  LABEL x=y",
    f"/bin/sh -c #(nop) COPY file:{HASH} in b1 ",
    '-/bin/sh -c #(nop)  CMD ["/bin/sh" "-c" "echo hi"]',
]
BASE = ["# debian.sh --arch 'amd64' out/ 'trixie'", '-CMD ["bash"]', "RUN /bin/sh -c apt-get update # buildkit"]


def config(steps: list[str]) -> ImageConfig:
    """Return the config of an image with these steps; those that begin with a hyphen made no layer."""
    layered = tuple(not step.startswith("-") for step in steps)
    ids = tuple(f"sha256:{number:064x}" for number in range(sum(layered)))
    return ImageConfig(history=tuple(step.removeprefix("-") for step in steps), layered=layered, diff_ids=ids)


def lines(dockerfile: str, steps: list[str]) -> list[int]:
    """Return the line of each layer, 0 for none."""
    of = config(steps)
    found = lines_of_layers(dockerfile, of)
    return [found.get(layer, 0) for layer in of.diff_ids]


def test_what_buildkit_wrote() -> None:
    assert lines(DOCKERFILE + HEREDOCS + SHELLED, BUILDKIT) == [*LINES, 23, 27, 30, 36, 37]


def test_what_buildah_wrote() -> None:
    assert lines(DOCKERFILE + SHELLED, BUILDAH) == [line for line in LINES if line != 11] + [24, 25]


def test_what_docker_wrote() -> None:
    assert lines(CLASSIC_FILE, CLASSIC) == [3, 4, 5, 6, 7, 9]


def test_buildah_without_layers_counts_its_one_layer_under_the_wrong_step() -> None:
    steps = [f"-{step.removeprefix('-')}" for step in BUILDAH]
    steps[3], steps[-1] = steps[3].removeprefix("-"), steps[-1].removeprefix("-")
    assert lines(DOCKERFILE + SHELLED, steps) == [0, 0]


def test_what_the_base_brought_is_its_from() -> None:
    dockerfile = "ARG V=1\nFROM debian:$V\nRUN apt-get update\nCOPY app /app\n"
    own = ["RUN /bin/sh -c apt-get update # buildkit", "COPY app /app # buildkit"]
    assert lines(dockerfile, [*BASE, *own]) == [2, 2, 3, 4]


@pytest.mark.parametrize(
    ("dockerfile", "own"),
    [
        ("FROM debian\nRUN make\n", ["RUN /bin/sh -c cd /a && make # buildkit"]),
        ("FROM debian\nRUN make\n", ["/bin/sh -c cd /a && make"]),
        ("FROM debian\nRUN make\n", ["RUN /bin/bash -c make # buildkit"]),
        ("FROM debian\nRUN make\nRUN make install\n", ["RUN /bin/sh -c make install # buildkit"]),
        ("FROM debian\nCOPY a /b\n", ["COPY a /c # buildkit"]),
        ("FROM debian\nCOPY a$X /b\n", ["COPY b /b # buildkit"]),
        ("FROM debian\nCOPY a$X /b\n", ["COPY a/b # buildkit"]),
        ("FROM debian\nADD a /b\n", ["COPY a /b # buildkit"]),
        ("FROM scratch\nCOPY a /b\n", ["COPY a /b # buildkit"]),
        ("FROM debian\nWORKDIR /x\n", ["WORKDIR /x"]),
        ("FROM debian\nRUN a\nENV B=c\n", ["RUN /bin/sh -c a # buildkit", "ENV B=c"]),
        ("RUN a\n", ["RUN /bin/sh -c a # buildkit"]),
        ("FROM debian\n", []),
        ("", []),
    ],
)
def test_another_dockerfile_than_the_images_tells_nothing(dockerfile: str, own: list[str]) -> None:
    assert set(lines(dockerfile, [*BASE, *own])) == {0}


def test_steps_that_do_not_fit_the_layers_tell_nothing() -> None:
    of = config(["COPY a /b # buildkit", "COPY a /c # buildkit"])
    dockerfile = "FROM scratch\nCOPY a /b\nCOPY a /c\n"
    assert set(lines_of_layers(dockerfile, of).values()) == {2, 3}
    assert lines_of_layers(dockerfile, replace(of, diff_ids=of.diff_ids[:1])) == {}
    assert lines_of_layers(dockerfile, replace(of, layered=())) == {}


def test_a_layer_that_two_lines_made_has_none() -> None:
    of = config(["COPY a /b # buildkit", "COPY a /c # buildkit", "COPY a /d # buildkit"])
    ids = (of.diff_ids[0], of.diff_ids[0], of.diff_ids[2])
    assert lines_of_layers("FROM scratch\nCOPY a /b\nCOPY a /c\nCOPY a /d\n", replace(of, diff_ids=ids)) == {ids[2]: 4}


def test_an_escape_of_its_own_and_documents_without_tabs() -> None:
    text = "# syntax=x\n# escape=`\nFROM a\nRUN one `\n two\nRUN <<-E\n\tthree\n\tE\nCOPY b \\\n"
    assert [(one.word, one.text, one.line) for one in instructions(text)] == [
        ("FROM", "a", 3),
        ("RUN", "one  two", 4),
        ("RUN", "<<-E", 6),
        ("COPY", "b \\", 9),
    ]


@given(st.text(), st.lists(st.text()))
def test_no_text_is_an_error(text: str, steps: list[str]) -> None:
    found = lines_of_layers(text, config(steps))
    assert set(found.values()) <= {one.line for one in instructions(text)}


COMMAND = st.from_regex(r"[a-z&$][a-z0-9 &|$={}/.\"'-]{0,30}[a-z]", fullmatch=True)


@given(st.lists(COMMAND, min_size=1, max_size=6), st.lists(COMMAND, max_size=3), st.data())
def test_each_command_is_found_on_its_line(commands: list[str], before: list[str], data: st.DataObject) -> None:
    """Whatever is run, however the lines are broken, and whatever the base did before."""
    text, expected = "FROM base\n", []
    for command in commands:
        text += "# a comment\n" * data.draw(st.integers(0, 2))
        expected.append(text.count("\n") + 1)
        at = data.draw(st.integers(0, command.count(" ")))
        words = command.split(" ")
        broken = " ".join(words[:at]) + (" \\\n# not this\n" if at else "") + " ".join(words[at:])
        text += f"RUN {broken}\n"
    steps = [f"RUN /bin/sh -c {command} # buildkit" for command in (*before, *commands)]
    assert lines(text, steps) == [1] * len(before) + expected


def test_a_stage_is_what_the_file_ends_with() -> None:
    assert last_stage("RUN x\n") is None
    stage = last_stage("FROM --platform=a b AS One\nRUN 1\nFROM x AS two\nRUN 2\nFROM one\nRUN 3\n")
    assert stage is not None
    assert (stage.base.line, stage.scratch, [one.text for one in stage.instructions]) == (1, False, ["1", "3"])
    own = last_stage("FROM a AS a\nRUN 1\n")
    assert own is not None
    assert own.base.line == 1
