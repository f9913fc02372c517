"""The image config: what is read of it, and what is refused."""

import json
from typing import Any

import pytest

from compatbuild.errors import ImageError
from compatbuild.image.config import parse_config
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import ImageConfig

DIFF_ID = "sha256:" + "ab" * 32
WHOLE = {
    "architecture": "arm64",
    "os": "linux",
    "variant": "v8",
    "os.version": "1",
    "config": {
        "Env": ["PATH=/usr/bin", "A=b=c"],
        "Entrypoint": ["/entry.sh"],
        "Cmd": ["serve"],
        "WorkingDir": "/app",
        "User": "1000",
        "Labels": {"org.opencontainers.image.version": "1"},
        "ExposedPorts": {"80/tcp": {}},
    },
    "rootfs": {"type": "layers", "diff_ids": [DIFF_ID]},
    "history": [{"created_by": "RUN a"}, {"created_by": "ENV b", "empty_layer": True}, {}],
}


def parse(document: Any) -> ImageConfig:
    return parse_config(json.dumps(document).encode(), DEFAULT)


def test_every_field_is_read() -> None:
    assert parse(WHOLE) == ImageConfig(
        architecture="arm64",
        os="linux",
        variant="v8",
        os_version="1",
        env=("PATH=/usr/bin", "A=b=c"),
        entrypoint=("/entry.sh",),
        cmd=("serve",),
        working_dir="/app",
        user="1000",
        labels={"org.opencontainers.image.version": "1"},
        history=("RUN a", "ENV b", ""),
        layered=(True, False, True),
        diff_ids=(DIFF_ID,),
    )


@pytest.mark.parametrize("document", [{}, {"config": None, "rootfs": None, "history": None}, {"config": {"Env": None}}])
def test_fields_may_be_absent_or_null(document: Any) -> None:
    assert parse(document) == ImageConfig()


def test_a_command_may_be_one_word() -> None:
    assert parse({"config": {"Cmd": "bash"}}).cmd == ("bash",)


def test_texts_can_be_printed_whatever_json_spells() -> None:
    assert parse_config(b'{"config": {"Labels": {"a": "\\ud800"}}}', DEFAULT).labels == {"a": "?"}


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 200_000, "not JSON: RecursionError"),
        (b"[]", "not a JSON object"),
        (b" " * (DEFAULT.document + 1), "more than"),
        (b'{"os": 1}', "os is not a text"),
        (b'{"architecture": ["amd64"]}', "architecture is not a text"),
        (b'{"config": []}', "config is not an object"),
        (b'{"config": {"Env": [1]}}', "Env is not a list of texts"),
        (b'{"config": {"Env": {"a": "b"}}}', "Env is not a list"),
        (b'{"config": {"Labels": {"a": 1}}}', "Labels is not an object of texts"),
        (b'{"history": [1]}', "history is not a list of objects"),
        (b'{"rootfs": {"diff_ids": ["sha256:../../x"]}}', "is not a sha256 or sha512 digest"),
        (json.dumps({"config": {"Env": ["x"] * 10_001}}).encode(), "Env is not a list"),
        (json.dumps({"os": "x" * 200_000}).encode(), "os is not a text"),
    ],
)
def test_what_a_runtime_would_refuse_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(ImageError, match=why) as caught:
        parse_config(raw, DEFAULT)
    assert caught.value.what == "The image config is malformed"


def test_a_key_that_occurs_twice_is_refused_however_deep() -> None:
    """Readers differ in which of the two counts, so what is inferred would not be what runs."""
    for raw in (b'{"architecture":"amd64","architecture":"arm64"}', b'{"config":{"Env":["A=1"],"Env":[]}}'):
        with pytest.raises(ImageError, match="malformed"):
            parse_config(raw, DEFAULT)
