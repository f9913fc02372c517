"""``compatbuild export``, as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from compatbuild import export
from compatbuild.errors import SpecError, UsageError
from compatbuild.exporting.export import MAX_NAME, Wish, default_name
from compatbuild.registry.attach import attach
from tests.builders.signing import CREATED, empty_layout
from tests.unit.checking.building import rule as rule_with_all
from tests.unit.checking.building import term
from tests.unit.cli.conftest import Cli, cli, elsewhere
from tests.unit.registry.building import push_image

__all__ = ["cli", "elsewhere"]


def rule(*terms: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A rule without empty lists, which validation refuses."""
    return {name: value for name, value in rule_with_all(*terms, **more).items() if value}


GOOD = {
    "version": "v1alpha1",
    "compatibilities": [
        {
            "tag": "required",
            "rules": [
                rule(
                    term("cpu.cpuid", AVX2=("Exists",)),
                    any_of=((term("kernel.config", A=("In", "y")),), (term("kernel.config", B=("In", "m")),)),
                ),
                rule(any_of=((term("kernel.config", C=("In", "y")),), (term("kernel.config", D=("In", "y")),))),
            ],
        }
    ],
}


@pytest.fixture(autouse=True)
def files(elsewhere: Path) -> None:
    (elsewhere / "App_1.2.yaml").write_text(json.dumps(GOOD))


def test_every_form_in_one_go(cli: Cli) -> None:
    done = cli("export", "App_1.2.yaml", "-o", "nodefeaturerule=rule.yaml", "--to", "affinity", "-q")
    assert (done.code, done.err) == (0, "")
    assert "affinity" in yaml.safe_load(done.out)
    written = yaml.safe_load(Path("rule.yaml").read_text())
    assert (written["kind"], written["metadata"]) == ("NodeFeatureRule", {"name": "app-1-2"})


def test_the_rules_of_a_set_become_one(cli: Cli) -> None:
    done = cli("export", "App_1.2.yaml", "--namespace", "nfd", "--name", "mine")
    value = yaml.safe_load(done.out)
    assert value["metadata"] == {"name": "mine", "namespace": "nfd"}
    (only,) = value["spec"]["featureGroupRules"]
    assert only["name"] == "required"
    options = [[next(iter(one["matchExpressions"])) for one in each["matchFeatures"]] for each in only["matchAny"]]
    assert options == [["A", "C"], ["A", "D"], ["B", "C"], ["B", "D"]]
    assert "note: nodefeaturegroup: the rules of set 1 are one rule here" in done.err


def test_notes_are_comments_and_equal_input_gives_equal_bytes(cli: Cli) -> None:
    done = cli("export", "App_1.2.yaml", "-o", "affinity")
    again = cli("export", "App_1.2.yaml", "-o", "affinity")
    assert done.out == again.out
    for line in done.err.splitlines():
        about = line.removeprefix("note: affinity: ").split()
        comment = " ".join(done.out.replace("#", " ").split())
        assert " ".join(about) in comment


@pytest.mark.parametrize(
    ("one", "other"),
    [("matchFeatures", "match_features"), ('"op": "Exists"', '"op": "Is"'), ('"op": "Exists"', '"ops": "Exists"')],
)
def test_what_nfd_passes_over_is_refused(cli: Cli, elsewhere: Path, one: str, other: str) -> None:
    (elsewhere / "bad.yaml").write_text(json.dumps(GOOD).replace(one, other))
    for form in ("nodefeaturegroup", "nodefeaturerule", "affinity"):
        done = cli("export", "bad.yaml", "-o", form)
        assert (done.code, done.out) == (12, "")


def test_variables(elsewhere: Path) -> None:
    def spec(*rules: object) -> str:
        Path("vars.yaml").write_text(json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": rules}]}))
        return "vars.yaml"

    first = rule(term("cpu.cpuid", AVX2=("Exists",)), vars={"a": "1"})
    found = export(spec(first), "nodefeaturegroup")
    assert b"vars:" not in found.content
    assert any("variables" in one for one in found.remarks)
    with pytest.raises(SpecError, match="rests on variables"):
        export(spec(first, rule(term("rule.matched", a=("In", "1")))), "nodefeaturegroup")


def test_alternatives_that_cannot_be_one_rule(elsewhere: Path) -> None:
    options = tuple((term("kernel.config", **{f"O{at}": ("In", "y")}),) for at in range(17))
    Path("wide.yaml").write_text(
        json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": [rule(any_of=options)] * 2}]})
    )
    with pytest.raises(SpecError, match="cannot be one rule"):
        export("wide.yaml", "nodefeaturerule")


def test_a_job_is_for_a_registry(cli: Cli, elsewhere: Path) -> None:
    store = empty_layout(elsewhere / "app")
    attach(store, push_image(store, "v1"), json.dumps(GOOD).encode(), {}, CREATED)
    assert cli("export", "oci-dir:app:v1").code == 0
    done = cli("export", "oci-dir:app:v1", "-o", "job")
    assert (done.code, done.out) == (2, "")
    assert "NFD's client reads the specification from a registry" in done.err


def test_nothing_is_attached(cli: Cli, elsewhere: Path) -> None:
    push_image(empty_layout(elsewhere / "app"), "v1")
    assert cli("export", "oci-dir:app:v1").code == 3


@pytest.mark.parametrize("flag", ["--name", "--namespace", "--node"])
@pytest.mark.parametrize("text", ["Upper", "a_b", "-a", "a\n", "x" * 300])
def test_names_that_kubernetes_refuses(cli: Cli, flag: str, text: str) -> None:
    assert cli("export", "App_1.2.yaml", flag, text).code == 2


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("registry.example:5000/team/My.App:1.2", "my-app-1-2"),
        (f"x/app@sha256:{'0' * 64}", "app"),
        ("dir/compat.yaml", "compat"),
        ("oci-dir:out/image:v1", "image-v1"),
        ("___", "image"),
        ("a" * 80, "a" * MAX_NAME),
        (f"{'a' * (MAX_NAME - 1)}.b", "a" * (MAX_NAME - 1)),
    ],
)
def test_default_names(target: str, name: str) -> None:
    assert default_name(target) == name


def test_hostile_text_stays_text(elsewhere: Path) -> None:
    """Neither a name nor a value ends its line, in a comment or in the YAML."""
    evil = 'x\n\u2028evil: ["y"] #\u202e\x1b'
    text = json.dumps(GOOD).replace('"name": "r"', f'"name": {json.dumps(evil)}', 1)
    text = text.replace('"A"', json.dumps(evil)).replace('["m"]', f"[{json.dumps(evil)}]")
    Path("evil.yaml").write_text(text)
    for form in ("nodefeaturegroup", "affinity"):
        found = export("evil.yaml", form)
        assert b"\x1b" not in found.content
        assert "\u202e" not in found.content.decode()
        value = yaml.safe_load(found.content)
        assert set(value) <= {"apiVersion", "kind", "metadata", "spec", "affinity"}
    (only,) = yaml.safe_load(export("evil.yaml", "nodefeaturegroup").content)["spec"]["featureGroupRules"]
    assert evil in only["matchAny"][0]["matchFeatures"][0]["matchExpressions"]


def test_a_wish_is_checked_from_python_too(elsewhere: Path) -> None:
    with pytest.raises(UsageError):
        export("App_1.2.yaml", "affinity", Wish(name="No"))
