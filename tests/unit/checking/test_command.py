"""``compatbuild check``, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders.programs import write_image, write_index
from tests.unit.cli.conftest import Cli

URING = (
    "version: v1alpha1\ncompatibilities: [{tag: required, rules: [{name: r, matchFeatures: [{feature: kernel.config, "
    'matchExpressions: {IO_URING: {op: In, value: ["y", "m"]}}}]}]}]\n'
)
HOST = {
    "flags": {"kernel.loadedmodule": {"elements": {"nvidia": {}}}},
    "attributes": {
        "kernel.config": {"elements": {"IO_URING": "y"}},
        "local.label": {"elements": {"nvidia.com/cuda.driver-version.full": "470.82.01"}},
    },
}


@pytest.fixture(autouse=True)
def files(elsewhere: Path) -> None:
    (elsewhere / "spec.yaml").write_text(URING)
    (elsewhere / "host.json").write_text(json.dumps(HOST))


def test_one_row_a_host_within_eighty_columns(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = cli("check", "spec.yaml", "--os", "rhcos-4.1[48]", "--os", "ubuntu-22.04")
    assert (done.code, done.err) == (10, "")
    assert max(map(len, done.out.splitlines())) <= 80
    rows = [line.split() for line in done.out.splitlines()]
    assert ["ubuntu-22.04", "compatible"] in rows
    verdicts = {row[0]: row[1] for row in rows if len(row) > 1}
    assert (verdicts["rhcos-4.14"], verdicts["rhcos-4.18"]) == ("incompatible", "incompatible")
    assert "node policy forbids: kernel.io_uring_disabled=2" in " ".join(done.out.split())
    assert "1 compatible, 2 incompatible" in done.out


def test_exit_codes(cli: Cli) -> None:
    assert cli("check", "spec.yaml", "--features", "host.json").code == 0
    assert cli("check", "spec.yaml", "--os", "flatcar-4081").code == 0
    assert cli("check", "spec.yaml", "--os", "flatcar-4081", "--strict").code == 11
    assert cli("check", "spec.yaml", "--os", "rhel-9.4", "--strict").code == 10


def test_the_whole_document(cli: Cli) -> None:
    value = cli("check", "spec.yaml", "--os", "rhel-9.4", "-o", "json").value
    assert value["schema"] == "compatbuild.verdict/v1"
    assert value["subject"]["kind"] == "spec"
    (host,) = value["hosts"]
    assert (host["name"], host["kind"], host["verdict"], host["set"]) == ("rhel-9.4", "profile", "incompatible", 0)
    (row,) = host["sets"][0]["rules"][0]["expressions"]
    assert {**row, "source": "", "detail": "", "remedy": ""} == {
        "feature": "kernel.config",
        "name": "IO_URING",
        "op": "In",
        "value": ["y", "m"],
        "type": "",
        "branch": None,
        "present": True,
        "found": ["y"],
        "verdict": "incompatible",
        "reason": "the kernel can, node policy forbids: kernel.io_uring_disabled=2",
        "detail": "",
        "remedy": "",
        "source": "",
    }
    assert row["source"]


def test_many_images(cli: Cli) -> None:
    Path("bad.yaml").write_text(URING.replace("IO_URING", "RDS"))
    done = cli("check", "spec.yaml", "bad.yaml", "--os", "debian-1[23]", "-o", "json")
    assert done.value["schema"] == "compatbuild.matrix/v1"
    assert [one["subject"]["name"] for one in done.value["verdicts"]] == ["spec.yaml", "bad.yaml"]
    table = cli("check", "spec.yaml", "bad.yaml", "--os", "debian-1[23]").out
    assert "[1]" in table
    assert "[2] bad.yaml: " in table
    markdown = cli("check", "spec.yaml", "bad.yaml", "--os", "debian-12", "-o", "markdown").out
    assert markdown.startswith("| host | spec.yaml | bad.yaml |\n|---|---|---|\n| debian-12 | compatible | ")


def test_markdown_of_one_image(cli: Cli) -> None:
    done = cli("check", "spec.yaml", "--os", "rhel-9.4", "-o", "markdown")
    assert r"| rhel-9.4 | incompatible | kernel.config IO\_URING: the kernel can, node policy forbids: " in done.out


def test_an_explanation_says_all(cli: Cli) -> None:
    done = cli("check", "spec.yaml", "--os", "rhel-9.4", "-v")
    assert "- kernel.config IO_URING In y, m; found y: the kernel can, node policy forbids" in done.out
    assert "source: " in done.out
    assert "try: " in done.out


def test_nfd_document(cli: Cli) -> None:
    done = cli("check", "spec.yaml", "--features", "host.json", "--nfd-compat")
    assert done.code == 0
    assert done.out.startswith('[{"rules":[{"name":"r","isMatch":true,"matchedExpressions":[{"feature":"kernel.config"')
    assert not done.out.endswith("\n")
    assert cli("check", "spec.yaml", "--os", "rhel-9.*", "--nfd-compat").code == 2


def test_this_node_by_default(cli: Cli) -> None:
    done = cli("check", "spec.yaml", "-o", "json")
    assert [one["kind"] for one in done.value["hosts"]] == ["node"]
    Path("root/etc").mkdir(parents=True)
    Path("root/etc/os-release").write_text("ID=debian\n")
    done = cli("check", "spec.yaml", "--root", "root", "-o", "json")
    assert [(one["name"], one["verdict"]) for one in done.value["hosts"]] == [("root", "unknown")]


def test_what_is_attached(cli: Cli, image: str) -> None:
    nothing = cli("check", image, "--os", "debian-12")
    assert (nothing.code, nothing.out) == (3, "")
    assert "no specification is attached" in nothing.err
    assert cli("publish", image, "-q").code == 0
    done = cli("check", image, "--features", "host.json", "-o", "json")
    assert done.code == 10
    assert "the specification of the image sha256:" in done.err
    subject = done.value["subject"]
    assert (subject["kind"], subject["level"], subject["report"], subject["verified"]) == (
        "reference",
        "platform",
        True,
        False,
    )
    (need,) = done.value["hosts"][0]["requirements"]
    assert (need["id"], need["found"], need["verdict"]) == ("driver.nvidia", "470.82.01", "incompatible")
    gpu = cli("check", image, "--os", "debian-12", "--gpu", "mi300x", "-o", "json").value["hosts"][0]["requirements"]
    assert [one["id"] for one in gpu] == ["driver.nvidia", "gpu.mi300x"]


def test_platform_then_index(cli: Cli) -> None:
    write_index(Path("index"))
    assert cli("infer", "oci-dir:index:v1", "--platform", "linux/arm64", "-o", "spec=arm.yaml", "-q").code == 0
    assert cli("attach", "oci-dir:index:v1", "arm.yaml", "--platform", "linux/arm64").code == 0
    missing = cli("check", "oci-dir:index:v1", "--os", "debian-12")
    assert missing.code == 3
    arm = cli("check", "oci-dir:index:v1", "--os", "debian-12", "--platform", "linux/arm64", "-o", "json")
    assert arm.value["subject"]["level"] == "platform"
    assert cli("check", "oci-dir:index:v1", "--os", "debian-12", "--platform", "linux/s390x").code in {2, 3}
    assert cli("publish", "oci-dir:index:v1", "-q").code == 0
    assert cli("check", "oci-dir:index:v1", "--os", "debian-12", "-o", "json").value["subject"]["level"] == "platform"


def test_with_a_key_only_what_is_signed_counts(cli: Cli, image: str, keys: tuple[Path, Path]) -> None:
    private, public = keys
    assert cli("publish", image, "-q").code == 0
    unsigned = cli("check", image, "--os", "debian-12", "--key", public)
    assert (unsigned.code, unsigned.out) == (13, "")
    assert cli("sign", image, "--sign", f"key:{private}").code == 0
    signed = cli("check", image, "--os", "debian-12", "--key", public, "-o", "json")
    assert signed.value["subject"]["verified"] is True
    Path(".compatbuild.yaml").write_text(f"verify:\n  key: {public}\n")
    assert "signed as demanded" in cli("check", image, "--os", "debian-12").err


def test_a_report_and_an_image_itself(cli: Cli, image: str) -> None:
    assert cli("infer", image, "-o", "json=report.json", "-q").code == 0
    from_report = cli("check", "report.json", "--os", "debian-12", "-o", "json").value
    from_image = cli("check", str(write_image(Path("other"))), "--os", "debian-12", "-o", "json", "-q").value
    assert (from_report["subject"]["kind"], from_image["subject"]["kind"]) == ("report", "source")
    assert from_report["hosts"] == from_image["hosts"]


@pytest.mark.parametrize(("arguments", "code", "text"), [
    (["spec.yaml", "--os", "rhel-9.44"], 2, "rhel-9.4"), (["spec.yaml", "--gpu", "h10"], 2, "h100"),
    (["spec.yaml", "--min-fidelity", "exact"], 2, "--os"), (["spec.yaml", "-o", "jsn"], 2, "json"),
    (["broken.yaml", "--os", "debian-12"], 12, "error: "), (["spec.yaml", "--features", "spec.yaml"], 2, "error: "),
    (["none.yaml", "--os", "debian-12"], 3, "there is no file none.yaml"),
    (["spec.yaml", "--os", "debian-12", "--platform", "foo"], 2, "linux/amd64"),
    (["spec.yaml", "--features", "none.json"], 2, "none.json"), (["dir:none", "--os", "debian-12"], 3, "none"),
])  # fmt: skip
def test_what_cannot_be(cli: Cli, arguments: list[str], code: int, text: str) -> None:
    Path("broken.yaml").write_text("compatibilities: {a: b}")
    done = cli("check", *arguments)
    assert (done.code, done.out) == (code, "")
    assert text in done.err
    assert "Traceback" not in done.err


def test_a_page_sarif_a_badge_and_a_summary_at_once(cli: Cli) -> None:
    formats = ["-o", "summary", "-o", "html=out/m.html", "-o", "sarif=out/m.sarif", "-o", "badge=out/m.svg"]
    done = cli("check", "spec.yaml", "--os", "rhel-9.[46]", "--os", "debian-12", *formats)
    assert (done.code, done.err) == (10, "")
    assert done.out.startswith("spec.yaml: 1 compatible, 2 incompatible\n")
    page = Path("out/m.html").read_text()
    assert page.startswith("<!doctype html>")
    assert page.count("<tr id=") == 3
    log = json.loads(Path("out/m.sarif").read_text())
    (one, two) = log["runs"][0]["results"]
    assert [each["properties"]["host"] for each in (one, two)] == ["rhel-9.4", "rhel-9.6"]
    assert one["locations"][0]["physicalLocation"]["region"]["startLine"] == 2
    assert "1 of 3 OSes" in Path("out/m.svg").read_text()


def test_help_names_the_formats(cli: Cli) -> None:
    told = " ".join(cli("check", "--help").out.split())
    assert "Formats: table, summary, json, markdown, html, sarif, junit, badge." in told
