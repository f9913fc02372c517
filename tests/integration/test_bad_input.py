"""Whatever is wrong, the real command line says so in three lines, with its exit code, and leaves nothing behind."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builders import images
from tests.builders.elf import elf
from tests.builders.layers import file, layer, tar
from tests.builders.programs import cuda_program, write_image
from tests.integration.journey import make_keys
from tests.integration.shell import PASSWORD, Ended, Shell, push, shell
from tests.integration.tap import tap
from tests.peers import certificates, servers
from tests.unit.report.building import harmless

Prepare = Callable[[Path], object]


@dataclass(frozen=True)
class Case:
    """Something to type in a directory that was prepared, and what must be said about it."""

    typed: str
    code: int
    told: tuple[str, ...]
    prepare: Prepare = lambda _: None
    password: str = PASSWORD
    date: str = ""


def image(directory: Path) -> None:
    write_image(directory / "image")


def spoilt(which: str, spoil: Callable[[bytes], bytes]) -> Prepare:
    """Prepare an image of which one blob is not what it was: its ``layer``, ``config`` or ``manifest``."""

    def prepare(directory: Path) -> None:
        image(directory)
        blobs = directory / "image" / "blobs" / "sha256"
        (entry,) = json.loads((directory / "image" / "index.json").read_text())["manifests"]
        manifest = json.loads((blobs / entry["digest"].partition(":")[2]).read_text())
        chosen = {"layer": manifest["layers"][0], "config": manifest["config"], "manifest": entry}[which]
        path = blobs / chosen["digest"].partition(":")[2]
        path.write_bytes(spoil(path.read_bytes()))

    return prepare


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def other_content(data: bytes) -> bytes:
    """Return another layer of the same length: only its digest tells."""
    return gzip.compress(tar([file("other")]), mtime=0).ljust(len(data), b"\0")[: len(data)]


LARGE = cuda_program(mark=random.Random(0).randbytes(100_000).hex())
"""A layer that makes up most of its archive, so that half of the archive is half of the layer."""


def cut_archive(directory: Path) -> None:
    path = images.oci_archive(directory / "image.tar", [LARGE])
    path.write_bytes(cut(path.read_bytes()))


def cut_docker_archive(directory: Path) -> None:
    path = images.docker_archive(directory / "image.tar", [LARGE])
    path.write_bytes(cut(path.read_bytes()))


def text(name: str, content: str) -> Prepare:
    return lambda directory: (directory / name).write_text(content)


def other_archive(directory: Path) -> None:
    (directory / "other.tar").write_bytes(tar([file("readme"), file("etc/passwd")]))


def wrong_diff_id(directory: Path) -> None:
    program, other = cuda_program(), layer(file("other"))
    images.oci_layout(directory / "image", [program], images.image_config([other]))


def template(content: str) -> Prepare:
    def prepare(directory: Path) -> None:
        image(directory)
        (directory / "mine.j2").write_text(content)

    return prepare


def keys(directory: Path) -> None:
    make_keys(directory)


def image_and_keys(directory: Path) -> None:
    image(directory)
    keys(directory)


def with_spec(content: str) -> Prepare:
    def prepare(directory: Path) -> None:
        image_and_keys(directory)
        (directory / "spec.yaml").write_text(content)

    return prepare


TEMPLATE = "version: compatbuild/v1\nrequirements:\n  {}\n"
IMAGE = "oci-dir:image:v1"
CASES = {
    # a file that is not there
    "no archive": Case("infer oci-archive:none.tar", 3, ("there is no file none.tar",)),
    "no docker archive": Case("infer docker-archive:none.tar", 3, ("there is no file none.tar",)),
    "no path": Case("infer ./none.tar", 3, ("none.tar",)),
    "no layout": Case("infer oci-dir:none:v1", 3, ("none",)),
    "no directory": Case("infer dir:none", 3, ("none",)),
    "no tag": Case("infer oci-dir:image:v9", 3, ("no image named v9", "it has v1"), image),
    "no platform": Case(f"infer {IMAGE} --platform linux/s390x", 3, ("linux/s390x", "linux/amd64"), image),
    "no spec file": Case(f"attach {IMAGE} none.yaml", 3, ("there is no file none.yaml",), image),
    "no report": Case("refine ./none.json", 3, ("none.json",)),
    "no key": Case(f"verify {IMAGE} --key none.pub", 3, ("none.pub",), image),
    "no signing key": Case(f"publish {IMAGE} --sign key:none.key", 3, ("none.key",), image),
    # not an image
    "text": Case("infer notes.txt", 1, ("notes.txt",), text("notes.txt", "some notes\n")),
    "text as archive": Case("infer oci-archive:notes.txt", 1, ("notes.txt",), text("notes.txt", "some notes\n" * 99)),
    "empty file": Case("infer docker-archive:empty", 1, ("empty",), text("empty", "")),
    "other archive": Case("infer other.tar", 1, ("a tar archive, and not of an image",), other_archive),
    "other directory": Case("infer .", 1, ("a directory, and not an image",)),
    "no report in a file": Case("refine r.json", 2, ("r.json is not a report of compatbuild",), text("r.json", "{}")),
    # broken on the way
    "cut layer": Case(f"infer {IMAGE}", 1, ("sha256:",), spoilt("layer", cut)),
    "cut config": Case(f"infer {IMAGE}", 1, ("sha256:",), spoilt("config", cut)),
    "cut manifest": Case(f"infer {IMAGE}", 1, ("sha256:",), spoilt("manifest", cut)),
    "cut archive": Case("infer oci-archive:image.tar", 1, ("image.tar",), cut_archive),
    "cut docker archive": Case("infer docker-archive:image.tar", 1, ("image.tar",), cut_docker_archive),
    "wrong layer digest": Case(f"infer {IMAGE}", 1, ("sha256:",), spoilt("layer", flipped)),
    "another layer": Case(f"infer {IMAGE}", 1, ("sha256:",), spoilt("layer", other_content)),
    "wrong config digest": Case(f"infer {IMAGE}", 1, ("sha256:",), spoilt("config", flipped)),
    "wrong manifest digest": Case(f"infer {IMAGE}", 1, ("sha256:",), spoilt("manifest", flipped)),
    "wrong diff ID": Case(f"infer {IMAGE}", 1, ("sha256:",), wrong_diff_id),
    "publish a cut layer": Case(f"publish {IMAGE}", 1, ("sha256:",), spoilt("layer", cut)),
    # a wrong call
    "near prefix": Case("infer oci-dri:image", 2, ("unknown prefix oci-dri:", "did you mean oci-dir:?"), image),
    "foreign prefix": Case("infer oci:image", 2, ("unknown prefix oci:", "did you mean oci-dir:?"), image),
    "bad platform": Case(f"infer {IMAGE} --platform x", 2, ("'x' is not a platform",), image),
    "bad reference": Case("show registry.example/App:v1", 2, ("App",)),
    "no argument": Case("verify", 2, ("Missing argument",)),
    "bad format": Case(f"publish {IMAGE} -o jsn", 2, ("unknown output format 'jsn'", "use -o json"), image),
    "bad date": Case(f"publish {IMAGE}", 2, ("SOURCE_DATE_EPOCH",), image, date="today"),
    "bad settings": Case(f"infer {IMAGE}", 2, (".compatbuild.yaml", "frob"), text(".compatbuild.yaml", "frob: 1\n")),
    # a template or a specification that is wrong
    "unknown variable": Case(
        f"publish {IMAGE} -t mine.j2", 12, ("mine.j2", "line 3", "frob"), template(TEMPLATE.format("- {{ frob }}"))
    ),
    "unknown field": Case(
        f"refine {IMAGE} -t mine.j2", 12, ("mine.j2", "line 3", "imgae"), template(TEMPLATE.format("# {{ imgae.x }}"))
    ),
    "template syntax": Case(
        f"refine {IMAGE} -t mine.j2", 12, ("mine.j2", "line 3"), template(TEMPLATE.format("{% if %}"))
    ),
    "template range": Case(
        f"refine {IMAGE} -t mine.j2", 12, ("five",), template(TEMPLATE.format('- {kernel: ">=five"}'))
    ),
    "template that never ends": Case(
        f"refine {IMAGE} -t mine.j2", 12, ("mine.j2",), template("{% for i in range(1000000000) %}x{% endfor %}")
    ),
    "unknown template": Case(f"refine {IMAGE} -t none", 12, ("there is no template none",), image),
    "attach an invalid spec": Case(f"attach {IMAGE} spec.yaml", 12, ("error",), with_spec("version: v1alpha1\n")),
    # nothing there, or not to be believed
    "nothing attached": Case(f"show {IMAGE}", 3, ("nothing is attached",), image),
    "nothing to pull": Case(f"pull {IMAGE}", 3, ("no specification is attached", "compatbuild publish"), image),
    "nothing to detach": Case(f"detach {IMAGE}", 3, ("nothing to detach",), image),
    "nothing to sign": Case(
        f"sign {IMAGE} --sign key:cosign.key",
        3,
        ("no specification is attached", "compatbuild publish"),
        image_and_keys,
    ),
    # keys
    "key is there": Case("key generate", 1, ("cosign.key exists already",), keys),
    "wrong password": Case(
        f"publish {IMAGE} --sign key:cosign.key", 1, ("password",), image_and_keys, "no-such-secret"
    ),
    "private for public": Case(f"verify {IMAGE} --key cosign.key", 1, ("private key",), image_and_keys),
    "unreadable output": Case("version -o table=cosign.key/x", 1, ("cannot write cosign.key/x",), keys),
}


def files(directory: Path) -> dict[str, bytes | None]:
    """Return everything in a directory, with the content of files."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else None for path in directory.rglob("*")
    }


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


def in_three_lines(ended: Ended, *told: str) -> None:
    """Assert that an error, and nothing else, was printed: what, why and what to do."""
    assert ended.out == ""
    explained(ended, *told)


def explained(ended: Ended, *told: str) -> None:
    """Assert that an error says what, why and what to do."""
    assert "Traceback" not in ended.err
    lines = ended.err.splitlines()
    assert lines[0].startswith("error: ")
    assert [line.partition(": ")[0] for line in lines] in (["error", "why", "try"], ["error", "try"]), ended.err
    for part in told:
        assert part in ended.err, ended.err


@pytest.mark.parametrize("name", CASES)
def test_it_is_said_in_three_lines_and_nothing_is_written(name: str, run: Shell) -> None:
    case = CASES[name]
    case.prepare(run.directory)
    before = files(run.directory)
    ended = run.run(
        *case.typed.split(),
        COSIGN_PASSWORD=case.password,
        SOURCE_DATE_EPOCH=case.date,
        COMPATBUILD_CACHE=str(run.home.parent / "cache"),  # it holds what was read well, and is looked at elsewhere
    )
    assert ended.code == case.code, ended.err
    in_three_lines(ended, *case.told)
    assert "no-such-secret" not in ended.err
    assert files(run.directory) == before
    assert files(run.home) == {}


TEN_MISTAKES = """\
version: v1alpha1
compatibilities:
  - tag: "required"
    rules:
      - name: "required"
        matchFeatures:
          - feature: "cpu.cpuidd"
            matchExpressions:
              AVX2: {op: "Exists"}
          - feature: "kernel.loadedmodule"
            matchExpressions:
              nvidia-uvm: {op: "Exists"}
          - feature: "kernel.config"
            matchExpressions:
              VFIO: {op: "In", value: [y]}
              FUSE_FS: {op: "In"}
          - feature: "kernel.version"
            matchExpressions:
              full: {op: "Ge", value: ["5.10"], type: "version"}
              major: {op: "Gt", value: ["five"]}
          - feature: "pci.device"
            matchExpressions:
              vendor: {op: "In", value: ["0x10DE"]}
              class: {op: "InRegexp", value: ["03["]}
          - feature: "cpu.cpuid"
            matchExpressions:
              AVX: {op: "Exist"}
              AVX512F: {value: ["true"]}
        matchFeaturs: []
"""


def test_ten_mistakes_are_ten_findings_of_one_run(run: Shell) -> None:
    (run.directory / "spec.yaml").write_text(TEN_MISTAKES)
    before = files(run.directory)
    ended = run.run("validate", "spec.yaml")
    assert (ended.code, ended.err) == (12, "")
    assert files(run.directory) == before
    issues: list[dict[str, Any]] = json.loads(run.run("validate", "spec.yaml", "-o", "json").out)["issues"]
    errors = {issue["line"] for issue in issues if issue["severity"] == "error"}
    assert errors >= {7, 12, 15, 16, 19, 20, 23, 24, 27, 28, 29}
    for issue in issues:
        assert f"spec.yaml:{issue['line']}:{issue['column']}: {issue['severity']}: " in ended.out
        assert issue["remedy"]
        assert issue["docs"] == f"docs/validation.md#{issue['rule']}"


def test_nothing_to_verify(run: Shell) -> None:
    image_and_keys(run.directory)
    ended = run.run("verify", IMAGE, "--key", "cosign.pub")
    assert ended.code == 3
    explained(ended, "no specification is attached")
    assert ended.out.startswith("not verified   sha256:")


def test_an_unsigned_specification_is_not_verified(run: Shell) -> None:
    image_and_keys(run.directory)
    run.ok("publish", IMAGE)
    before = files(run.directory)
    ended = run.run("verify", IMAGE, "--key", "cosign.pub")
    assert ended.code == 13
    explained(ended, "is not signed by any of the given keys")
    assert ended.out.startswith("not verified   sha256:")  # what was looked at is a result, whatever follows from it
    assert files(run.directory) == before


def test_another_key_does_not_verify(run: Shell) -> None:
    image_and_keys(run.directory)
    run.ok("publish", IMAGE, "--sign", "key:cosign.key")
    ended = run.run("verify", IMAGE, "--key", "stranger.pub")
    assert ended.code == 13
    explained(ended, "is not signed by any of the given keys")
    assert ended.out.startswith("not verified   sha256:")  # what was looked at is a result, whatever follows from it


@pytest.mark.parametrize("command", ["infer registry:{}/app:v1", "publish {}/app:v1", "show {}/app:v1"])
def test_a_registry_that_is_down_is_given_up_on(command: str, run: Shell) -> None:
    """It is done in 15 seconds, as the budget of retries has it; the shell's deadline is for machines in trouble."""
    ended = run.run(*command.format("127.0.0.1:1").split())  # tcpmux, which nobody serves
    assert ended.code == 1
    in_three_lines(ended, "127.0.0.1:1 cannot be reached")
    assert re.search(r"\(tried [2-6] times\)", ended.err)  # as many as fit into the budget


@pytest.mark.peer
def test_an_image_that_a_registry_does_not_have(run: Shell) -> None:
    with servers.fallback_registry() as address:
        for command in ("infer registry:{}/app:v1", "publish {}/app:v1", "show {}/app:v1"):
            ended = run.run(*command.format(address).split())
            assert ended.code == 3
            in_three_lines(ended, "app")
    assert files(run.directory) == {}


def credentials(run: Shell, address: str, password: str) -> None:
    """Log in, as `docker login` writes it down."""
    directory = run.home / ".docker"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    auth = base64.b64encode(f"user:{password}".encode()).decode()
    (directory / "config.json").write_text(json.dumps({"auths": {address: {"auth": auth}}}))


@pytest.mark.peer
def test_a_wrong_password_is_tried_once(run: Shell, tmp_path: Path) -> None:
    layout = write_image(tmp_path / "image")
    with servers.debian_registry(htpasswd={"user": "right"}) as address, tap(address) as wire:
        for password in ("no-such-secret", ""):
            credentials(run, wire.address, password)
            wire.sent.clear()
            ended = run.run("publish", f"{wire.address}/app:v1")
            assert ended.code == 1
            in_three_lines(ended, wire.address)
            assert "times)" not in ended.err
            assert "no-such-secret" not in ended.err
            assert b"".join(wire.sent).count(b"Authorization: Basic") <= 1
            assert len(wire.requests) <= 2, wire.requests
        credentials(run, wire.address, "right")
        push(run, layout, wire.address, "app")
        assert "created" in run.ok("publish", f"{wire.address}/app:v1")


@pytest.mark.peer
def test_a_certificate_of_an_unknown_authority_is_refused_at_once(run: Shell, tmp_path: Path) -> None:
    tls = certificates.loopback_tls(tmp_path)
    with servers.debian_registry(tls=tls) as address:
        ended = run.run("show", f"{address}/app:v1")
        assert ended.code == 1
        in_three_lines(ended, "certificate")
        assert "times)" not in ended.err
        for flags in (("--ca-file", tls.ca), ("--insecure",)):
            assert run.run("show", f"{address}/app:v1", *flags).code == 3  # it answers: there is no such image
        assert run.run("show", f"{address}/app:v1", COMPATBUILD_CA_FILE=str(tls.ca)).code == 3
        (run.directory / ".compatbuild.yaml").write_text(f"registry: {{ca_file: {tls.ca}}}\n")
        assert run.run("show", f"{address}/app:v1").code == 3


@pytest.mark.parametrize("output", ["table", "json", "yaml", "markdown", "spec"])
def test_names_in_an_image_harm_neither_terminal_nor_specification(output: str, run: Shell) -> None:
    """Whoever made the image chose the names; here they hold escapes, line ends, YAML and markup."""
    name = 'usr/bin/\x1b[31ma"\n  - feature: "x"\r\u202eb\x9b2J|`<b>'
    program = layer(
        file(name, elf(needed=["libcudart.so.12"]), mode=0o755),
        file("usr/lib/libcudart.so.12", elf(soname="libcudart.so.12")),
    )
    config = images.image_config([program], {"Entrypoint": [f"/{name}"], "Labels": {"\x1b[2J": "\x1b[2J"}})
    images.oci_layout(run.directory / "image", [program], config)
    ended = run.run("infer", IMAGE, "-v", "-o", output)
    assert ended.code == 0
    assert "525.60.13" in ended.out
    assert harmless(ended.out + ended.err)
    if output == "spec":
        (compatibility,) = yaml.safe_load(ended.out)["compatibilities"]
        (rule,) = compatibility["rules"]
        assert {term["feature"] for term in rule["matchFeatures"]} == {"cpu.cpuid", "kernel.loadedmodule"}
        assert run.run("validate", "-", stdin=ended.out.encode()).code == 0
