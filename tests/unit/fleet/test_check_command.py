"""``compatbuild fleet check`` over a file of references, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from compatbuild.registry.layout import LayoutStore
from compatbuild.signing.keys import generate
from tests.builders.signing import publish
from tests.unit.cli.conftest import Cli
from tests.unit.fleet.building import fleet, image, nodes, rows, told

EXPECTED = {
    "any": ("compatible", "attached"),
    "fast": ("incompatible", "attached"),
    "bare": ("unknown", "none"),
}


@pytest.fixture
def hosts(elsewhere: Path) -> list[str]:
    fleet(elsewhere)
    return ["--features", nodes(elsewhere)]


def test_a_row_an_image(cli: Cli, hosts: list[str]) -> None:
    done = cli("fleet", "check", "images", *hosts, "-o", "jsonl")
    assert done.code == 0
    assert told(done.out) == EXPECTED
    fast = next(row for row in rows(done.out) if row.names == ("oci-dir:app:fast",))
    assert (fast.requirement, fast.counts, fast.signature) == ("cpu.cpuid AVX2", {"incompatible": 1, "compatible": 1}, "unchecked")  # fmt: skip
    assert [(group.verdict, group.hosts) for group in fast.groups] == [("incompatible", ("old",)), ("compatible", ("new",))]  # fmt: skip


def test_a_source_without_the_word_check(cli: Cli, hosts: list[str]) -> None:
    short = cli("fleet", "images", *hosts, "-o", "jsonl")
    flags_first = cli("fleet", *hosts, "-o", "jsonl", "images")
    long = cli("fleet", "check", "images", *hosts, "-o", "jsonl")
    assert (short.code, short.out) == (long.code, long.out) == (flags_first.code, flags_first.out)


def test_exit_codes(cli: Cli, hosts: list[str]) -> None:
    assert cli("fleet", "images", *hosts, "--fail-on", "incompatible").code == 10
    assert cli("fleet", "images", *hosts, "--fail-on", "open").code == 11
    Path("images").write_text("oci-dir:app:any\n")
    assert cli("fleet", "images", *hosts, "--fail-on", "incompatible", "--fail-on", "open").code == 0
    assert cli("fleet", "images", *hosts, "--fail-on", "nothing").code == 2


def test_an_image_that_cannot_be_told_about_is_a_row(cli: Cli, hosts: list[str]) -> None:
    with Path("images").open("a") as file:
        file.write("oci-dir:app:gone\noci-dir:nowhere:v1\nNot A Reference\n")
    done = cli("fleet", "images", *hosts, "-o", "jsonl")
    assert done.code == 1
    errors = {row.names[0]: row.error for row in rows(done.out) if row.error}
    assert set(errors) == {"oci-dir:app:gone", "oci-dir:nowhere:v1", "Not A Reference"}
    assert [error.code for error in errors.values()] == ["usage", "not-found", "not-found"]
    assert cli("fleet", "images", *hosts, "--fail-on", "incompatible").code == 10


def test_names_of_one_image_are_one_row(cli: Cli, hosts: list[str]) -> None:
    image(LayoutStore(Path("app")), "also-any", mark="any")
    Path("images").write_text("oci-dir:app:any\noci-dir:app:also-any\noci-dir:app:any\n")
    (row,) = rows(cli("fleet", "images", *hosts, "-o", "jsonl").out)
    assert row.names == ("oci-dir:app:also-any", "oci-dir:app:any")
    assert row.origin == "attached"


def test_the_table_says_the_worst_first(cli: Cli, hosts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    out = cli("fleet", "images", *hosts).out
    assert [line.split()[0] for line in out.splitlines()[1:4]] == ["incompatible", "unknown", "compatible"]
    assert "3 images: 1 compatible, 1 unknown, 1 incompatible" in out
    assert max(map(len, out.splitlines())) <= 80


def test_signatures_count_where_somebody_is_trusted(cli: Cli, hosts: list[str], keys: tuple[Path, Path]) -> None:
    assert cli("sign", "oci-dir:app:fast", "--sign", f"key:{keys[0]}").code == 0
    done = cli("fleet", "images", *hosts, "--key", keys[1], "-o", "jsonl")
    states = {row.names[0].rpartition(":")[2]: (row.signature, row.origin) for row in rows(done.out)}
    assert states == {"any": ("unsigned", "none"), "bare": ("", "none"), "fast": ("verified", "attached")}


def test_somebody_else_s_specification_is_told(cli: Cli, hosts: list[str], keys: tuple[Path, Path]) -> None:
    publish(LayoutStore(Path("app")), image(LayoutStore(Path("app")), "theirs"), generate())
    Path("images").write_text("oci-dir:app:theirs\n")
    (row,) = rows(cli("fleet", "images", *hosts, "--key", keys[1], "-o", "jsonl").out)
    assert (row.signature, row.origin, row.requirement) == ("untrusted", "none", "the specification attached is not its author's")  # fmt: skip
    assert "is not signed by any of the given keys" in row.signature_reason


def test_profiles_of_systems(cli: Cli, hosts: list[str]) -> None:
    done = cli("fleet", "images", "--os", "debian-1*", "-o", "jsonl")
    assert json.loads(done.out.splitlines()[0])["hosts"][0]["name"] == "debian-12"
    assert told(done.out)["any"] == ("compatible", "attached")
