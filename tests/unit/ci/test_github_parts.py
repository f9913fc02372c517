"""The parts of the action: inputs, the event, commands to the runner, places, and how it signs."""

from __future__ import annotations

import io
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.ci.github.commands import (
    MAX_ANNOTATIONS,
    MAX_SUMMARY,
    Annotation,
    add_summary,
    annotate,
    commands_stopped,
    set_outputs,
)
from compatbuild.ci.github.event import Event, read_event
from compatbuild.ci.github.inputs import Inputs, read_inputs
from compatbuild.ci.github.places import Places, Text, of_error, read_text
from compatbuild.ci.github.signing import chosen
from compatbuild.errors import TemplateError, UsageError
from compatbuild.inference.changes import FailOn
from compatbuild.model.finding import Evidence
from tests.unit.report.building import HOSTILE, harmless

DIGEST = f"sha256:{'a' * 64}"


def read(workspace: Path, **given: str) -> Inputs:
    environ = {f"INPUT_{name.upper()}": text for name, text in ({"image": "host/app:1"} | given).items()}
    return read_inputs(environ | {"GITHUB_WORKSPACE": str(workspace)})


def test_defaults_harm_nobody(tmp_path: Path) -> None:
    inputs = read(tmp_path)
    assert (inputs.push, inputs.comment, inputs.sign, inputs.verify) == (False, False, "auto", ())
    assert (inputs.summary, inputs.annotations) == (True, True)
    assert (inputs.fail_on_hosts, inputs.fail_on_changes, inputs.profiles) == (frozenset(), frozenset(), ())


def test_what_was_asked_for(tmp_path: Path) -> None:
    inputs = read(
        tmp_path,
        image="",
        subject_name="ghcr.io/owner/app",
        subject_digest=DIGEST,
        platforms="linux/amd64,\n linux/arm64",
        check_profiles="rhel-9*, debian-12",
        fail_on="incompatible tightened",
        push_to_registry="TRUE",
    )
    assert inputs.image == f"ghcr.io/owner/app@{DIGEST}"
    assert inputs.platforms == ("linux/amd64", "linux/arm64")
    assert inputs.profiles == ("rhel-9*", "debian-12")
    assert inputs.fail_on_hosts == {"incompatible"}
    assert inputs.fail_on_changes == {FailOn.TIGHTENED}
    assert inputs.push is True


REFUSED = [
    {"subject_name": "ghcr.io/o/a", "subject_digest": DIGEST},
    {"image": "", "subject_name": "ghcr.io/o/a"},
    {"image": "", "subject_name": "ghcr.io/o/a", "subject_digest": "sha256:abc"},
    {"image": "--template=/etc/passwd"},
    {"image": "a\nb"},
    {"image": "a\x1b[2J"},
    {"image": "a" * 5000},
    {"push_to_registry": "yes"},
    {"sign": "rot13"},
    {"sign": "key:"},
    {"fail_on": "tightend"},
    {"platforms": "linux/../x y"},
    {"spec": "../outside.yaml"},
    {"spec": "missing.yaml"},
    {"template": "link.yaml"},
    {"sarif_file": "/etc/compat.sarif"},
    {"config": "settings.yaml"},
    {"verify_identity": "me"},
    {"verify_identity": "me", "verify_issuer": "https://issuer.example", "push_to_registry": "true"},
]


@pytest.mark.parametrize("given", REFUSED, ids=json.dumps)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, given: dict[str, str]) -> None:
    (tmp_path / "outside.yaml").write_text("secret")
    workspace = tmp_path / "work"
    workspace.mkdir()
    (workspace / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (workspace / "settings.yaml").touch()
    with pytest.raises(UsageError) as refused:
        read(workspace, **given)
    assert "secret" not in str(refused.value)


@given(st.text(max_size=200))
def test_no_image_breaks_out_of_an_error(text: str) -> None:
    with suppress(UsageError):
        read(Path("/nonexistent"), image=text)


def event(tmp_path: Path, payload: Any) -> Event:
    (tmp_path / "event.json").write_text(payload if isinstance(payload, str) else json.dumps(payload))
    return read_event(
        {
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(tmp_path / "event.json"),
            "GITHUB_REPOSITORY": "team/app",
        }
    )


def asked(head: Any) -> dict[str, Any]:
    base = {"ref": "main", "repo": {"full_name": "team/app"}}
    return {"pull_request": {"number": 7, "head": head, "base": base}}


def test_a_pull_request_of_the_repository(tmp_path: Path) -> None:
    found = event(tmp_path, asked({"repo": {"full_name": "team/app"}}))
    assert (found.pull_request, found.base, found.from_fork) == (7, "main", False)


@pytest.mark.parametrize(
    "head", [{"repo": {"full_name": "stranger/app"}}, {"repo": None}, {}, None, "x", {"repo": {"full_name": 1}}]
)
def test_a_head_that_is_not_of_the_repository_is_a_fork(tmp_path: Path, head: Any) -> None:
    assert event(tmp_path, asked(head)).from_fork is True


@pytest.mark.parametrize("payload", ["", "[]", "{", "null", {"ref": "x"}, {"pull_request": 3}, "[" * 100_000])
def test_an_event_that_says_nothing_is_none_of_a_pull_request(tmp_path: Path, payload: Any) -> None:
    assert event(tmp_path, payload) == Event("pull_request", "team/app")


def lines(*annotations: Annotation) -> list[str]:
    stream = io.StringIO()
    annotate(annotations, stream)
    return stream.getvalue().splitlines()


def test_an_annotation_is_one_line_whatever_it_says() -> None:
    (line,) = lines(Annotation("error", "a: b, c\n::error::x", f"100%\n{HOSTILE}", "a,b:c.yaml", 3, 5))
    assert line.startswith("::error title=a%3A b%2C c\\n%3A%3Aerror%3A%3Ax,file=a%2Cb%3Ac.yaml,line=3,col=5::100%25%0A")
    assert harmless(line)


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_ends_a_command(title: str, message: str) -> None:
    assert len(lines(Annotation("warning", title, message, title, 1))) == 1


def test_no_more_annotations_than_are_shown() -> None:
    many = [Annotation("error", "t", str(number)) for number in range(MAX_ANNOTATIONS + 5)]
    shown = lines(*many, Annotation("notice", "t", "n"))
    assert [line.startswith("::error ") for line in shown].count(True) == MAX_ANNOTATIONS
    assert f"and {len(many) - MAX_ANNOTATIONS + 1} more" in shown[MAX_ANNOTATIONS - 1]
    assert len(lines(*many[:MAX_ANNOTATIONS])) == MAX_ANNOTATIONS


def test_commands_are_obeyed_again_after_an_error() -> None:
    stream = io.StringIO()
    with pytest.raises(UsageError), commands_stopped(stream):
        raise UsageError("x")
    assert re.fullmatch(r"::stop-commands::([0-9a-f]{32})\n::\1::\n", stream.getvalue())


def test_an_output_cannot_set_another(tmp_path: Path) -> None:
    file = tmp_path / "output"
    set_outputs(str(file), {"a": "1\nend\nb=2\nb<<end-0\nx", "c": ""})
    blocks = re.findall(r"^(\w)<<(end-[0-9a-f]{32})\n(.*?)\n\2\n", file.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert [(name, value) for name, _, value in blocks] == [("a", "1\nend\nb=2\nb<<end-0\nx"), ("c", "")]


def test_a_summary_is_cut_at_a_line_before_github_refuses_it(tmp_path: Path) -> None:
    file = tmp_path / "summary"
    add_summary(str(file), "".join(f"| ü {number} |\n" for number in range(200_000)))
    text = file.read_bytes()
    assert len(text) <= MAX_SUMMARY
    table, _, rest = text.decode().partition("\n\n")
    assert re.fullmatch(r"\| ü \d+ \|", table.rsplit("\n", 1)[1])
    assert "There is more" in rest


def test_nothing_is_written_outside_of_a_workflow() -> None:
    set_outputs("", {"a": "b"})
    add_summary("", "text")


DOCKERFILE = Text(
    "Dockerfile",
    tuple(
        "FROM a AS app\nENV NVIDIA_REQUIRE_CUDA=x\nFROM b\n# ENV NVIDIA_REQUIRE_CUDA\nLABEL a=b \\\n  org.compatbuild.require.kernel=5".split(
            "\n"
        )
    ),
)


def test_a_line_of_the_last_stage_that_is_no_comment() -> None:
    assert DOCKERFILE.last_stage == 3
    assert DOCKERFILE.line_with(["org.compatbuild.require.kernel"]) == 6
    assert DOCKERFILE.line_with(["NVIDIA_REQUIRE_CUDA"], since=2) == 0
    assert DOCKERFILE.line_with(["a"]) == DOCKERFILE.line_with(["require"]) == 0


def evidence(layer: str, path: str, locator: str = "") -> Evidence:
    return Evidence(detector="d", layer=layer, path=path, locator=locator, statement="s")


def test_the_line_that_made_a_layer_comes_before_one_that_names_what_is_in_it() -> None:
    """Of several layers the author's own comes before what the base brought."""
    known = Places(dockerfile=DOCKERFILE, layers={"sha256:base": 3, "sha256:own": 5})
    named = evidence("", "config.Labels", "org.compatbuild.require.kernel")
    for seen, line in (
        ([evidence("sha256:base", "/a")], 3),
        ([evidence("sha256:base", "/a"), evidence("sha256:own", "/b")], 5),
        ([evidence("sha256:other", "/a"), named], 6),
        ([named, evidence("sha256:own", "/b")], 5),
    ):
        place = known.of_evidence(seen)
        assert place is not None
        assert (place.file, place.line) == ("Dockerfile", line)
    assert known.of_evidence([evidence("sha256:other", "/a")]) is None
    assert Places(layers={"sha256:own": 5}).of_evidence([evidence("sha256:own", "/b")]) is None


def test_there_is_no_place_without_files() -> None:
    assert Places().of_deciding(None, None) is None


@pytest.mark.parametrize(
    ("what", "line"), [("compat.yaml.j2, line 7: x", 7), ("compat.yaml.j2:3: x", 3), ("compat.yaml.j2 is bad", 0)]
)
def test_an_error_stands_where_it_says(tmp_path: Path, what: str, line: int) -> None:
    file = tmp_path / "sub" / "compat.yaml.j2"
    file.parent.mkdir()
    file.touch()
    place = of_error(TemplateError(what), tmp_path, [file])
    assert place is not None
    assert (place.file, place.line) == ("sub/compat.yaml.j2", line)
    assert of_error(TemplateError("another.j2, line 7"), tmp_path, [file]) is None


def test_a_file_that_is_too_large_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_bytes(b"x" * ((1 << 20) + 1))
    assert read_text(tmp_path / "Dockerfile", tmp_path) is None
    assert read_text(None, tmp_path) is None


IDENTITY = {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://127.0.0.1/", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
KEY = {"INPUT_SIGNING_KEY": "-----BEGIN"}


@pytest.mark.parametrize(
    ("sign", "environ", "settled", "expected"),
    [
        ("auto", {}, None, None),
        ("auto", IDENTITY, None, "keyless"),
        ("auto", {"ACTIONS_ID_TOKEN_REQUEST_URL": "x"}, None, None),
        ("auto", IDENTITY, "key:a", "key:a"),
        ("none", IDENTITY | KEY, None, None),
        ("keyless", IDENTITY, "key:a", "keyless"),
        ("kms:x", {}, None, "kms:x"),
    ],
)
def test_how_it_signs(
    tmp_path: Path, sign: str, environ: dict[str, str], settled: str | None, expected: str | None
) -> None:
    with chosen(sign, environ, settled, tmp_path) as found:
        assert found == expected
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("sign", ["auto", "key"])
def test_a_key_is_a_private_file_as_long_as_it_is_used(tmp_path: Path, sign: str) -> None:
    with chosen(sign, IDENTITY | KEY, None, tmp_path) as found:
        assert found == f"key:{tmp_path / 'signing.key'}"
        assert (tmp_path / "signing.key").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("sign", "missing"), [("keyless", "id-token: write"), ("key", "signing-key"), ("none", "COMPATBUILD_SIGN")]
)
def test_signing_without_means_says_what_is_missing(tmp_path: Path, sign: str, missing: str) -> None:
    with pytest.raises(UsageError, match=missing), chosen(sign, {}, "key:a" if sign == "none" else None, tmp_path):
        pass
