"""What each command prints, on an OCI layout: tables for people, JSON for programs, files and stdin for pipelines."""

import json
from pathlib import Path

import pytest
import yaml

from compatbuild.version import __version__
from tests.builders.programs import write_index
from tests.unit.cli.conftest import Cli, Result

DIGEST = "sha256:"


@pytest.fixture
def index() -> str:
    write_index(Path("index"))
    return "oci-dir:index:v1"


@pytest.fixture
def spec(cli: Cli, image: str) -> Path:
    assert cli("infer", image, "-o", "spec=spec.yaml").code == 0
    return Path("spec.yaml")


def test_infer_prints_a_table(cli: Cli, image: str) -> None:
    result = cli("infer", image)
    assert result.code == 0
    assert "  proven  NVIDIA driver >= 525.60.13\n" in result.out
    assert result.err == ""


def test_infer_as_json_yaml_and_markdown(cli: Cli, image: str) -> None:
    value = cli("infer", image, "-o", "json").value
    assert value["facts"]["cuda.driver.min"]["value"] == "525.60.13"
    assert yaml.safe_load(cli("infer", image, "-o", "yaml").out) == value
    assert "| NVIDIA driver >= 525.60.13 | proven |" in cli("infer", image, "-o", "markdown").out


def test_infer_says_what_it_chose_unless_told_to_be_quiet(cli: Cli, index: str) -> None:
    assert cli("infer", "./index", "--platform", "linux/amd64").err == "reading ./index as oci-dir:./index\n"
    assert cli("infer", "./index", "--platform", "linux/amd64", "-q").err == ""
    assert "linux/arm64" in cli("infer", index, "--platform", "linux/arm64").out


def test_refine_reads_a_report_from_a_file_or_stdin_or_an_image(cli: Cli, image: str, spec: Path) -> None:
    report = cli("infer", image, "-o", "json=report.json")
    assert report.code == 0
    expected = spec.read_text()
    assert cli("refine", "report.json").out == expected
    assert cli("refine", "-", stdin=Path("report.json").read_bytes()).out == expected
    assert cli("refine", image).out == expected
    assert cli("refine", "report.json", "-o", "json").value == yaml.safe_load(expected)


def test_refine_tells_what_an_author_should_know(cli: Cli, image: str) -> None:
    preference = "{tag: fast, weight: 5, requirements: [{cpu: x86-64-v4}]}"
    Path("t.j2").write_text(
        f"version: compatbuild/v1\nrequirements:\n- {{cpu: x86-64-v2}}\npreferences:\n- {preference}\n"
    )
    result = cli("refine", image, "-t", "t.j2", "-q")
    assert (result.code, result.err) == (0, "")
    assert "note: the specification has several sets" in cli("refine", image, "-t", "t.j2").err


def test_refine_of_what_is_no_report(cli: Cli) -> None:
    result = cli("refine", "-", stdin=b"{}")
    assert result.code == 2
    assert "stdin is not a report of compatbuild" in result.err


def test_validate_counts_and_places_what_is_wrong(cli: Cli, spec: Path) -> None:
    assert cli("validate", spec).out == "1 specification, nothing to find fault with\n"
    bad = spec.read_text().replace("nvidia:", "nvidia-uvm:")
    Path("bad.yaml").write_text(bad)
    result = cli("validate", spec, "bad.yaml")
    assert result.code == 12
    line = 1 + bad.splitlines().index("              nvidia-uvm:")
    assert f"bad.yaml:{line}:" in result.out
    assert result.err == ""
    value = cli("validate", spec, "bad.yaml", "-o", "json").value
    assert value["schema"] == "compatbuild.validation/v1"
    assert value["specs"] == ["spec.yaml", "bad.yaml"]
    assert {(issue["name"], issue["line"]) for issue in value["issues"]} == {("bad.yaml", line)}
    assert set(value["issues"][0]) == {
        *("rule", "severity", "line", "column", "path", "message", "remedy", "docs", "name")
    }


def test_validate_reads_stdin(cli: Cli, spec: Path) -> None:
    assert cli("validate", "-", stdin=spec.read_bytes()).code == 0
    result = cli("validate", "-", stdin=b"x: 1\n")
    assert result.code == 12
    assert result.out.startswith("stdin:1:1: error: ")


def test_warnings_fail_only_when_strict(cli: Cli, spec: Path) -> None:
    sets = yaml.safe_load(spec.read_text())["compatibilities"]
    Path("two.yaml").write_text(
        json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": sets[0]["rules"] * 2}]})
    )
    found = cli("validate", "two.yaml", "-o", "json")
    assert {issue["severity"] for issue in found.value["issues"]} == {"warning"}
    assert found.code == 0
    assert cli("validate", "two.yaml", "--strict").code == 12


def test_attach_to_several_images_at_once(cli: Cli, image: str, index: str, spec: Path) -> None:
    result = cli("attach", image, index, spec)
    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()[::2]] == ["created"] * 4
    value = cli("attach", image, index, "-", "-o", "json", stdin=spec.read_bytes()).value
    assert {row["state"] for row in value["attached"]} == {"unchanged"}
    assert set(value["attached"][0]) == {"what", "state", "via", "digest", "subject"}


def test_attach_needs_an_image_and_a_valid_specification(cli: Cli, image: str) -> None:
    assert "an image and a specification are needed" in cli("attach", image).err
    result = cli("attach", image, "-", stdin=b"x: 1\n")
    assert (result.code, result.out) == (12, "")
    assert cli("show", image).code == 3


def test_show_pull_and_detach(cli: Cli, image: str, spec: Path) -> None:
    (row,) = cli("attach", image, spec, "-o", "json").value["attached"]
    assert f"    specification  {row['digest']}  " in cli("show", image).out
    (subject,) = cli("show", image, "-o", "json").value["subjects"]
    assert [one["digest"] for one in subject["attachments"]] == [row["digest"]]
    pulled = cli("pull", image)
    assert pulled.out == spec.read_text()
    assert pulled.err == f"spec {row['digest']}, signature not looked at\n"
    assert cli("pull", image, "-q", "-o", "spec=again.yaml") == Result(0, "", "")
    assert Path("again.yaml").read_bytes() == spec.read_bytes()
    assert cli("pull", image, "-o", "report").code == 3
    assert cli("detach", image, "--digest", row["digest"]).out == f"detached {row['digest']}\n"
    result = cli("detach", image)
    assert result.code == 3
    assert "no specification or report is attached to it" in result.err


def test_publish_verify_and_publish_again(cli: Cli, image: str, keys: tuple[Path, Path]) -> None:
    private, public = keys
    first = cli("publish", image, "--sign", f"key:{private}")
    assert first.code == 0
    assert first.err == "published\n"
    whats = [line.split("  ")[1].partition(",")[0] for line in first.out.splitlines()[::2]]
    assert whats == ["specification", "report", "signature of the specification", "signature of the image"]
    again = cli("publish", image, "--sign", f"key:{private}", "-o", "json")
    assert again.value["changed"] is False
    assert {row["state"] for row in again.value["published"]} == {"unchanged"}
    assert again.err == "nothing changed: all of it was published already\n"
    verified = cli("verify", image, "--key", public)
    assert verified.code == 0
    assert verified.out.startswith("verified       sha256:")
    assert "note: a signature by a key is in no transparency log" in verified.err
    assert cli("verify", image, "--key", public, "-q", "-o", "spec").out == cli("pull", image).out
    value = cli("verify", image, "--key", public, "-o", "json").value
    assert value["schema"] == "compatbuild.verification/v1"


def test_publish_without_a_key_says_so(cli: Cli, image: str) -> None:
    assert "nothing was signed: give --sign key:FILE" in cli("publish", image).err
    assert cli("publish", image, "-q").err == ""


def test_publishing_an_index_names_its_platforms(cli: Cli, index: str) -> None:
    out = cli("publish", index).out
    for name in ("(index)", "(linux/amd64)", "(linux/arm64)"):
        assert f"specification {name}, found by" in out


def test_verify_strict_and_by_digest(cli: Cli, image: str, keys: tuple[Path, Path], spec: Path) -> None:
    private, public = keys
    cli("publish", image, "--sign", f"key:{private}")
    (one,) = cli("verify", image, "--key", public, "-o", "json").value["verified"]
    assert cli("verify", image, "--key", public, "--spec-digest", one["spec"]).code == 0
    assert cli("verify", image, "--key", public, "--spec-digest", DIGEST + "0" * 64).code == 13
    Path("foreign.yaml").write_text(spec.read_text().replace("525.60.13", "1.0"))
    cli("attach", image, "foreign.yaml")
    result = cli("verify", image, "--key", public)
    assert result.code == 0
    assert "warning: " in result.err
    assert cli("verify", image, "--key", public, "--strict").code == 13


def test_sign_says_what_it_signed(cli: Cli, image: str, keys: tuple[Path, Path], spec: Path) -> None:
    private, public = keys
    assert cli("sign", image, "--sign", f"key:{private}").code == 3
    cli("attach", image, spec)
    assert cli("sign", image, "--sign", f"key:{private}").out.count("created  signature of the") == 2
    signed = cli("sign", image, "--sign", f"key:{private}", "-o", "json").value["signed"]
    assert {row["state"] for row in signed} == {"unchanged"}
    assert cli("verify", image, "--key", public).code == 0


@pytest.mark.parametrize(
    ("how", "remedy"),
    [
        ("cosign.key", "use --sign key:FILE"),
        ("kms:x", "write kms:URI"),
        ("kms:", "use --sign key:FILE"),
        ("keyless:me", "use --sign key:FILE"),
        ("key:", "use --sign key:FILE"),
    ],
)
def test_other_ways_to_sign_are_refused(cli: Cli, image: str, how: str, remedy: str) -> None:
    result = cli("publish", image, "--sign", how)
    assert result.code == 2
    assert remedy in result.err
    assert cli("show", image).code == 3


def test_signing_and_verifying_need_a_key(cli: Cli, image: str) -> None:
    assert "there is no key to sign with" in cli("sign", image).err
    assert "there is no key to verify with" in cli("verify", image).err


def test_init_writes_two_files_once(cli: Cli, elsewhere: Path) -> None:
    assert cli("init", "--template", "gpu", "--image", "registry.example/app:1").code == 0
    settings = yaml.safe_load(Path(".compatbuild.yaml").read_text())
    assert settings == {"image": "registry.example/app:1", "template": "compat.yaml.j2"}
    template = Path("compat.yaml.j2").read_text()
    again = cli("init")
    assert again.code == 2
    assert "are there already" in again.err
    assert Path("compat.yaml.j2").read_text() == template
    assert cli("init", "--force").code == 0
    assert Path("compat.yaml.j2").read_text() != template
    assert cli("init", "sub").code == 0
    assert sorted(path.name for path in Path("sub").iterdir()) == [".compatbuild.yaml", "compat.yaml.j2"]
    assert cli("init", "other", "--template", "frob").code == 12
    assert not Path("other").exists()


def test_what_init_writes_can_be_used_as_it_is(cli: Cli, image: str, spec: Path) -> None:
    cli("init")
    assert cli("refine", image).out == spec.read_text()


def test_detectors_explain_themselves(cli: Cli) -> None:
    listed = cli("detector", "list", "-o", "json").value["detectors"]
    assert {one["id"] for one in listed} >= {"cuda_code", "mpi", "cpu_level"}
    table = cli("detector", "list").out
    assert all(one["id"] in table for one in listed)
    assert max(map(len, table.splitlines())) <= 100
    one = yaml.safe_load(cli("detector", "explain", "mpi").out)
    assert one == cli("detector", "explain", "mpi", "-o", "json").value
    assert one == next(each for each in listed if each["id"] == "mpi")
    assert cli("detector", "explain", "cuda_cod").err.endswith("try: did you mean cuda_code?\n")
    assert cli("detector", "explain", "x").code == 3


def test_version(cli: Cli) -> None:
    assert cli("version").out.startswith(f"compatbuild {__version__}, knowledge of 20")
    assert cli("version", "-o", "json").value["compatbuild"] == __version__
