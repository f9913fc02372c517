"""A flag beats a COMPATBUILD_ variable, which beats .compatbuild.yaml, which beats the default."""

from pathlib import Path
from typing import Any

import pytest

from compatbuild import api
from compatbuild.ci.github import images
from compatbuild.errors import NotFoundError
from compatbuild.registry.options import RegistryOptions
from tests.unit.cli.conftest import Cli

TEMPLATE = "version: compatbuild/v1\ntag: {tag}\nrequirements:\n- {{cpu: x86-64-v2}}\n"


@pytest.fixture
def report(cli: Cli, image: str) -> Path:
    assert cli("infer", image, "-o", "json=report.json").code == 0
    return Path("report.json")


def template(name: str) -> str:
    """Write a template whose specification has the template's name as its tag."""
    path = Path(f"{name}.j2")
    path.write_text(TEMPLATE.format(tag=name))
    return str(path)


def test_templates(cli: Cli, report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def used(*flags: str) -> str:
        (line,) = [line for line in cli("refine", report, *flags).out.splitlines() if "tag:" in line]
        return line.split('"')[1]

    assert used() == "required"  # the shipped default
    Path("compat.yaml.j2").write_text(TEMPLATE.format(tag="here"))
    assert used() == "here"
    Path(".compatbuild.yaml").write_text(f"template: {template('file')}\n")
    assert used() == "file"
    monkeypatch.setenv("COMPATBUILD_TEMPLATE", template("variable"))
    assert used() == "variable"
    assert used("-t", template("flag")) == "flag"
    assert used("--template", "default") == "required"


def test_a_file_in_the_settings_is_relative_to_theirs(
    cli: Cli, report: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".git").mkdir()
    Path(".compatbuild.yaml").write_text(f"template: {template('top')}\n")
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    assert 'tag: "top"' in cli("refine", elsewhere / report).out


def test_settings_above_count_only_inside_a_git_work_tree(
    cli: Cli, report: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".compatbuild.yaml").write_text(f"template: {template('top')}\n")
    Path("sub").mkdir()
    monkeypatch.chdir("sub")
    assert 'tag: "required"' in cli("refine", elsewhere / report).out


def test_keys(cli: Cli, image: str, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    private, public = keys
    cli("key", "generate", "-o", "other")
    Path(".compatbuild.yaml").write_text(f"sign: key:{private}\nverify: {{key: {public}}}\n")
    assert "signature of the image" in cli("publish", image).out
    assert cli("verify", image).code == 0
    monkeypatch.setenv("COMPATBUILD_KEY", "other.pub")
    assert cli("verify", image).code == 13
    assert cli("verify", image, "--key", public).code == 0
    monkeypatch.setenv("COMPATBUILD_SIGN", "key:none.key")
    assert "none.key" in cli("publish", image).err
    monkeypatch.setenv("COMPATBUILD_SIGN", "key:other.key")
    assert "created" in cli("publish", image).out
    assert cli("publish", image, "--sign", f"key:{private}", "-o", "json").value["changed"] is False


def test_the_image(cli: Cli, image: str) -> None:
    assert "no image was named" in cli("infer").err
    assert cli("publish").code == 2
    Path(".compatbuild.yaml").write_text(f"image: {image}\n")
    assert cli("infer").code == 0
    assert cli("publish").code == 0
    assert cli("infer", "oci-dir:none:v1").code == 3


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What `show` was asked for; nothing is attached to anything."""
    calls: list[dict[str, Any]] = []

    def show(reference: str, **told: Any) -> None:
        calls.append(told)
        raise NotFoundError("nothing")

    monkeypatch.setattr(api, "show", show)
    return calls


def test_the_registry(cli: Cli, asked: list[dict[str, Any]], elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def options(*flags: str) -> RegistryOptions:
        assert cli("show", "registry.example/app:v1", *flags).code == 3
        found = asked[-1]["options"]
        assert isinstance(found, RegistryOptions)
        return found

    assert options() == RegistryOptions()
    stated = "registry: {plain_http: true, insecure: true, ca_file: ca.pem, config: auth.json}\n"
    Path(".compatbuild.yaml").write_text(stated)
    assert options() == RegistryOptions(
        plain_http=True, insecure=True, ca_file=elsewhere / "ca.pem", registry_config=elsewhere / "auth.json"
    )
    monkeypatch.setenv("COMPATBUILD_PLAIN_HTTP", "0")
    monkeypatch.setenv("COMPATBUILD_INSECURE", "false")
    monkeypatch.setenv("COMPATBUILD_CA_FILE", "variable.pem")
    monkeypatch.setenv("COMPATBUILD_REGISTRY_CONFIG", "variable.json")
    assert options() == RegistryOptions(ca_file=Path("variable.pem"), registry_config=Path("variable.json"))
    flags = ("--plain-http", "--insecure", "--ca-file", "flag.pem", "--registry-config", "flag.json")
    assert options(*flags) == RegistryOptions(
        plain_http=True, insecure=True, ca_file=Path("flag.pem"), registry_config=Path("flag.json")
    )


def test_attaching_durably(cli: Cli, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    def stated() -> tuple[bool, bool]:
        """Return what commands do where no flag says otherwise, and the GitHub action."""
        assert cli("show", "registry.example/app:v1").code == 3
        return asked[-1]["options"].durable, images.registry().durable

    assert stated() == (False, True)
    Path(".compatbuild.yaml").write_text("registry: {durable: true}\n")
    assert stated() == (True, True)
    Path(".compatbuild.yaml").write_text("registry: {durable: false}\n")
    assert stated() == (False, False)
    monkeypatch.setenv("COMPATBUILD_DURABLE", "1")
    assert images.registry().durable


def test_the_platform(cli: Cli, asked: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    cli("show", "x:v1")
    monkeypatch.setenv("COMPATBUILD_PLATFORM", "linux/arm64")
    cli("show", "x:v1")
    cli("show", "x:v1", "--platform", "linux/amd64")
    assert [call["platform"] for call in asked] == [None, "linux/arm64", "linux/amd64"]


@pytest.mark.parametrize("text", ["frob: 1\n", "sign: whatever\n", "{", "registry: {plain_http: perhaps}\n"])
def test_settings_that_are_wrong_name_their_file(cli: Cli, image: str, text: str) -> None:
    Path(".compatbuild.yaml").write_text(text)
    result = cli("infer", image)
    assert result.code == 2
    assert ".compatbuild.yaml" in result.err
    assert len(result.err.splitlines()) <= 3
