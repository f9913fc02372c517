"""Build information of Go programs."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from compatbuild.image.elf_stream import BLOCK
from compatbuild.image.gobuild import MODULES_MAX, VERSION_MAX
from compatbuild.image.interests import Interests
from tests.builders import go
from tests.builders.elf import BASE, RW, File, R, elf, facts

SETTINGS = {"-compiler": "gc", "CGO_ENABLED": "0", "GOARCH": "amd64", "GOAMD64": "v3", "vcs.revision": "abc"}
KEPT = {"go": "go1.26.8", "CGO_ENABLED": "0", "GOARCH": "amd64", "GOAMD64": "v3"}


def test_settings_of_the_compiler_are_kept() -> None:
    assert facts(elf(data=go.inline("go1.26.8", SETTINGS))).go == KEPT


def test_settings_that_may_hold_secrets_are_not() -> None:
    settings = {"-ldflags": '"-X main.token=secret"', "CGO_CFLAGS": "-DKEY=secret", "GOARM": '"7,secret"'}
    assert facts(elf(data=go.inline("go1.22.1", settings))).go == {"go": "go1.22.1"}


def test_only_in_data_segments_and_at_multiples_of_16() -> None:
    blob = go.inline("go1.26.8", SETTINGS)
    assert facts(elf(sections={".rodata": blob}, data=b"x")).go == {}
    assert facts(elf(data=bytes(8) + blob)).go == {}
    assert facts(elf(data=bytes(32) + blob)).go == KEPT


def test_only_if_somebody_asks() -> None:
    assert facts(elf(data=go.inline("go1.26.8", SETTINGS)), Interests(elf=True)).go == {}


def test_the_magic_alone_is_passed_over() -> None:
    """A program that reads build information has the magic among its data."""
    blob = go.inline("go1.26.8", SETTINGS)
    assert facts(elf(data=(go.MAGIC + b"\0\0").ljust(64, b"\0") + blob)).go == KEPT


@pytest.mark.parametrize("version", ["", "x" * (VERSION_MAX + 1)])
def test_a_version_of_no_sensible_length_is_passed_over(version: str) -> None:
    blob = go.inline(version, {})
    data = blob + bytes(-len(blob) % 16) + go.inline("go1.26.8", SETTINGS)
    assert facts(elf(data=data)).go == KEPT


@pytest.mark.parametrize(("bits", "order"), [(64, "<"), (64, ">"), (32, "<"), (32, ">")])
def test_the_form_with_pointers(bits: int, order: str) -> None:
    assert facts(_older(bits, order)).go == KEPT | {"go": "go1.17.13"}


def test_pointers_that_lead_nowhere_are_told() -> None:
    data = _older(64, "<").replace((BASE + 0x3C0 + 32).to_bytes(8, "little"), (1 << 60).to_bytes(8, "little"))
    found = facts(data)
    assert (found.go, found.damaged) == ({}, "Go build information not readable")


def _older(bits: int, order: str) -> bytes:
    file = File(bits, order, 62, 2)
    content = go.pointers("go1.17.13", SETTINGS, BASE + file.end, order=order, bits=bits)
    place = file.add(content, ".go.buildinfo")
    file.segment(1, RW, place)
    file.segment(2, R, (0, 0))  # the data segment is kept only before a dynamic section
    return file.done()


@pytest.mark.parametrize("padding", range(BLOCK - 1600, BLOCK - 700, 96))
def test_across_the_border_of_two_blocks(padding: int) -> None:
    assert facts(elf(data=go.inline("go1.26.8", SETTINGS), padding=padding)).go == KEPT


def test_long_module_information() -> None:
    settings = SETTINGS | {f"vcs.{n}": "x" * 90 for n in range(9_000)} | {"GOOS": "linux"}
    found = facts(elf(data=go.inline("go1.26.8", settings)))
    assert (found.go, found.damaged) == (KEPT | {"GOOS": "linux"}, "")


def test_module_information_too_long() -> None:
    settings = SETTINGS | {f"vcs.{n}": "x" * 100 for n in range(MODULES_MAX // 100)}
    found = facts(elf(data=go.inline("go1.26.8", settings)))
    assert (found.go, found.damaged) == ({"go": "go1.26.8"}, "Go module information too large")


def test_module_information_cut_short() -> None:
    blob = go.inline("go1.26.8", SETTINGS)
    found = facts(elf(data=blob[:-60], headers=False))
    assert found.go["go"] == "go1.26.8"
    assert found.damaged == "Go module information cut short"


def test_the_version_is_printable() -> None:
    assert facts(elf(data=go.inline("go1.2\x1b[31m X:boringcrypto", {}))).go == {"go": "go1.2[31m X:boringcrypto"}


@pytest.mark.peer
def test_as_go_itself_reads_its_own_programs() -> None:
    program = shutil.which("go")
    if program is None:
        (pytest.fail if os.environ.get("COMPATBUILD_REQUIRE_PEERS") == "1" else pytest.skip)("there is no Go here")
    for path in (Path(program), Path(program).resolve().with_name("gofmt")):
        shown = subprocess.run([program, "version", "-m", str(path)], capture_output=True, text=True, check=True).stdout
        first, *lines = shown.splitlines()
        settings = dict(line.split("\t")[2].split("=", 1) for line in lines if line.startswith("\tbuild\t"))
        kept = {key: value for key, value in settings.items() if key.startswith("GO") or key == "CGO_ENABLED"}
        found = facts(path.read_bytes())
        assert found.go == kept | {"go": first.split(": ")[1]}
        assert ".go.buildinfo" in found.sections
