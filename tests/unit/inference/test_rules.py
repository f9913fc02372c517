"""Requirements become one rule: what it says, what it means on telling hosts, and how it stays short."""

import json
from typing import Any

import pytest

from compatbuild.errors import SpecError
from compatbuild.inference import needs
from compatbuild.inference.alternatives import MAX_BRANCHES, Both, Choice, Either, Form, shaped
from compatbuild.inference.formulas import formula
from compatbuild.inference.rules import MAX_DESCRIPTION, NO_REQUIREMENTS, Compilation, compile_set
from compatbuild.inference.summaries import summary
from compatbuild.model import requirement as model
from compatbuild.model.requirement import AnyRequirement, Requirement
from compatbuild.nfd.conditions import exists
from compatbuild.nfd.encodings import ARCHITECTURE_FLAGS, LEVEL_FLAGS
from compatbuild.nfd.features import Features
from compatbuild.nfd.matcher import evaluate
from compatbuild.nfd.results import Outcome
from compatbuild.nfd.spec import Expression, Rule, Spec, Term
from compatbuild.nfd.write import dump
from tests.builders.hosts import gpu_labels, host
from tests.builders.needs import requirement
from tests.builders.verdicts import nfd_verdicts

DRIVER = ">=525.60.13"


def compiled(*requirements: AnyRequirement, **options: Any) -> Compilation:
    return compile_set(requirements, name="r", **options)


def rule(*requirements: AnyRequirement) -> Rule:
    (only,) = compiled(*requirements).compatibility.rules
    return only


def matches(requirements: list[AnyRequirement], on: Features) -> bool:
    (result,) = evaluate(Spec(compatibilities=(compiled(*requirements).compatibility,)), on).sets
    assert result.outcome in {Outcome.TRUE, Outcome.FALSE}
    return result.outcome == Outcome.TRUE


def test_one_set_with_one_rule() -> None:
    made = compiled(requirement(architecture="amd64", comment="the image's platform"), weight=7, tag="best")
    assert made.notes == ()
    assert made.compatibility.model_dump() == {
        "rules": (
            {
                "name": "r",
                "vars": {},
                "varsTemplate": "",
                "matchAny": (),
                "matchFeatures": (
                    {
                        "feature": "cpu.cpuid",
                        "matchExpressions": {"SSE2": {"op": "Exists", "value": (), "type": ""}},
                        "matchName": None,
                    },
                ),
            },
        ),
        "weight": 7,
        "tag": "best",
        "description": "architecture amd64",
    }
    assert made.compatibility.rules[0].matchFeatures[0].comment == "architecture amd64\nthe image's platform"


def test_no_requirements_match_every_host_and_say_so() -> None:
    made = compiled()
    assert made.compatibility.rules == (Rule(name="r"),)
    assert made.notes == (NO_REQUIREMENTS,)


@pytest.mark.parametrize("name", ARCHITECTURE_FLAGS)
def test_architectures(name: str) -> None:
    (term,) = rule(requirement(architecture=name)).matchFeatures
    assert list(term.matchExpressions or ()) == [ARCHITECTURE_FLAGS[name]]


HOSTS = {
    "new driver": host(loaded=["nvidia"], labels=gpu_labels("550.54.15")),
    "old driver": host(loaded=["nvidia"], labels=gpu_labels("470.256.02")),
    "no label": host(loaded=["nvidia"]),
    "no GPU": host(),
    "labels left behind": host(labels=gpu_labels("470.256.02")),
}


@pytest.mark.parametrize(
    ("when", "good"),
    [("present", {"new driver", "no label", "no GPU", "labels left behind"}), ("always", {"new driver", "no label"})],
)
def test_driver_on_hosts_with_a_new_an_old_an_unlabelled_and_no_gpu(when: str, good: set[str]) -> None:
    needed = [requirement(driver=DRIVER, when=when)]
    assert {name for name, on in HOSTS.items() if matches(needed, on)} == good


@pytest.mark.peer
@pytest.mark.parametrize("when", ["present", "always"])
def test_driver_on_those_hosts_in_nfd(when: str) -> None:
    needed = [requirement(driver=DRIVER, when=when), requirement(compute=">=7.5", when="present")]
    text = dump(Spec(compatibilities=(compiled(*needed).compatibility,)))
    answers = nfd_verdicts((text, on.document()) for on in HOSTS.values())
    assert [answer["sets"] for answer in answers] == [[[matches(needed, on)]] for on in HOSTS.values()]


def test_a_range_with_two_ends_is_two_terms() -> None:
    made = rule(requirement(driver=">=525,<600", when="always"))
    assert [list(term.matchExpressions or ()) for term in made.matchFeatures] == [["nvidia"]]
    unlabelled, labelled = (branch.matchFeatures for branch in made.matchAny)
    assert [list((term.matchExpressions or {}).values()) for term in (*unlabelled, *labelled)] == [
        [Expression(op="DoesNotExist")],
        [Expression(op="Ge", value=("525",), type="version")],
        [Expression(op="Lt", value=("600",), type="version")],
    ]


def test_level_by_the_list_of_its_flags() -> None:
    made = rule(requirement(cpu="x86-64-v3"))
    assert not made.matchAny
    assert set(made.matchFeatures[0].matchExpressions or ()) == set(LEVEL_FLAGS["x86-64-v3"])
    before_0_19 = Features(flags={"cpu.cpuid": frozenset(LEVEL_FLAGS["x86-64-v3"])})
    assert matches([requirement(cpu="x86-64-v3")], before_0_19)
    assert not matches([requirement(cpu="x86-64-v4")], before_0_19)


def test_facility_by_configuration_or_modules() -> None:
    needed = [requirement(facility=["FUSE_FS"], modules=["fuse"])]
    assert matches(needed, host(config={"FUSE_FS": "m"}))
    assert matches(needed, host(loaded=["fuse"]))
    assert matches(needed, host(builtin=["fuse"]))
    assert not matches(needed, host(config={"FUSE_FS": "n"}))
    assert not matches(needed, host())
    assert not matches([requirement(facility=["FUSE_FS"])], host(loaded=["fuse"]))


def test_vendor_and_class_are_of_one_device() -> None:
    needed = [requirement(pci=["10de"], classes=["03"])]
    assert matches(needed, host(pci=[{"vendor": "10de", "class": "0302"}]))
    assert not matches(needed, host(pci=[{"vendor": "10de", "class": "0c03"}, {"vendor": "8086", "class": "0300"}]))
    both = [requirement(pci=["10de"]), requirement(pci=["15b3"])]
    assert matches(both, host(pci=[{"vendor": "10de"}, {"vendor": "15b3"}]))


def test_ranges_of_one_thing_become_one() -> None:
    made = compiled(
        requirement(kernel=">=4.18", comment="b"),
        requirement(kernel=">=5.10, <6.8", comment="a"),
        requirement(kernel=">=4.18"),
    )
    (term,) = made.compatibility.rules[0].matchFeatures
    assert term.comment == "kernel >=5.10,<6.8\na\nb"
    assert made.compatibility.description == "kernel >=5.10,<6.8"


def test_levels_and_drivers_become_the_strictest() -> None:
    assert rule(requirement(cpu="x86-64-v2"), requirement(cpu="x86-64-v3")) == rule(requirement(cpu="x86-64-v3"))
    merged = rule(requirement(driver=">=525"), requirement(driver="<600", when="always"))
    assert merged == rule(requirement(driver=">=525,<600", when="always"))
    merged = rule(requirement(compute=">=7.5"), requirement(compute=">=8", when="always"))
    assert merged == rule(requirement(compute=">=8", when="always"))


def test_contradictions_are_errors() -> None:
    with pytest.raises(SpecError, match="No version satisfies"):
        compiled(requirement(kernel=">=6"), requirement(kernel="<5"))
    with pytest.raises(SpecError, match="is not a range"):
        compiled(requirement(kernel="5.10"))


def test_alternatives_and_what_they_share() -> None:
    i915, xe = [requirement(module=["i915"])], [requirement(module=["xe"], comment="newer cards")]
    made = rule(requirement(any=[xe, i915], comment="an Intel GPU"), requirement(architecture="amd64"))
    assert [term.feature for term in made.matchFeatures] == ["cpu.cpuid"]
    assert [branch.matchFeatures[0].comment for branch in made.matchAny] == [
        "kernel module i915 loaded\nan Intel GPU",
        "kernel module xe loaded\nnewer cards",
    ]
    assert matches([requirement(any=[i915, xe])], host(loaded=["xe"]))
    assert not matches([requirement(any=[i915, xe])], host(loaded=["amdgpu"]))


def test_what_is_needed_anyway_is_no_alternative() -> None:
    fuse, tun = requirement(module=["fuse"]), requirement(module=["tun"])
    assert rule(fuse, requirement(any=[[fuse], [tun]])) == rule(fuse)
    assert rule(requirement(any=[[fuse], [fuse, tun]])) == rule(fuse)
    assert rule(requirement(any=[[fuse, tun]])) == rule(tun, fuse)
    assert rule(requirement(any=[[fuse], [tun]]), requirement(any=[[tun], [fuse]])) == rule(
        requirement(any=[[fuse], [tun]])
    )
    both = requirement(any=[[fuse, requirement(architecture="amd64")], [tun]])
    assert len(rule(both, requirement(any=[[fuse], [tun]])).matchAny) == 2


def many(count: int, **fields: Any) -> list[AnyRequirement]:
    return [requirement(facility=[f"OPTION_{n}"], modules=[f"module_{n}"], **fields) for n in range(count)]


def test_weaker_forms_are_dropped_and_never_a_requirement() -> None:
    needed = [requirement(cpu="x86-64-v2"), requirement(driver=DRIVER), *many(5)]
    made = compiled(*needed)
    text = made.compatibility.model_dump_json()
    assert 0 < len(made.compatibility.rules[0].matchAny) <= MAX_BRANCHES
    assert all(f"OPTION_{n}" in text for n in range(5))
    assert [note.split(": ")[0] for note in made.notes] == ["left out to keep the rule short"] * len(made.notes)
    assert "the absence of the nvidia driver" in made.notes[0]
    assert "OPTION_0 by modules" in made.notes[1]
    good = host(config={f"OPTION_{n}": "y" for n in range(5)})
    assert matches(needed, good)
    assert not matches(needed, host(config={f"OPTION_{n}": "y" for n in range(4)}))


def test_forms_inside_of_alternatives_are_dropped_too() -> None:
    ways = [many(20), [requirement(module=["other"])]]
    made = compiled(requirement(any=ways))
    assert 0 < len(made.compatibility.rules[0].matchAny) <= MAX_BRANCHES
    assert made.notes


def test_too_many_alternatives_of_the_authors_own_are_an_error() -> None:
    pairs = [requirement(any=[[requirement(module=[f"a{n}"])], [requirement(module=[f"b{n}"])]]) for n in range(6)]
    assert len(rule(*pairs[:5]).matchAny) == MAX_BRANCHES
    with pytest.raises(SpecError, match="too many alternatives") as error:
        compiled(*pairs)
    assert error.value.remedy
    with pytest.raises(SpecError, match="too many alternatives"):
        compiled(requirement(any=[pairs * 1 + many(1), [requirement(module=["x"])]]))


def test_numbers_and_depth_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = requirement(module=["x"])
    for _ in range(needs.MAX_DEPTH):
        nested = requirement(any=[[nested]])
    assert rule(nested) == rule(requirement(module=["x"]))
    with pytest.raises(SpecError, match="nested too deeply"):
        compiled(requirement(any=[[nested]]))
    monkeypatch.setattr(needs, "MAX_REQUIREMENTS", 3)
    with pytest.raises(SpecError, match="too many requirements"):
        compiled(requirement(any=[[requirement(module=["a"]), requirement(module=["b"])]]), *many(2))


def test_comments_stand_once_and_cannot_change_the_rule() -> None:
    commented = [
        requirement(driver=DRIVER, comment="libcuda\n- feature: evil"),
        requirement(kernel=">=5", comment="libcuda"),
    ]
    text = dump(Spec(compatibilities=(compiled(*commented).compatibility,))).decode()
    assert text.count("# - feature: evil") == 1
    bare = [requirement(driver=DRIVER), requirement(kernel=">=5")]
    assert compiled(*commented).compatibility.model_dump() == compiled(*bare).compatibility.model_dump()


def test_notes_about_names() -> None:
    flags = requirement(any=[[requirement(cpu=["sse4_2", "AVX2"])]])
    assert compiled(flags).notes == ("NFD knows no CPU flag sse4_2; did you mean SSE42?",)
    assert compiled(requirement(cpu=["QQQQQQQ"])).notes == ("NFD knows no CPU flag QQQQQQQ",)
    (note,) = compiled(requirement(config={"TUN": ["n"]})).notes
    assert "TUN: []" in note


def test_description() -> None:
    assert compiled(requirement(kernel=">=5"), description="mine").compatibility.description == "mine"
    long = compiled(*[requirement(module=[f"module_{n}"]) for n in range(100)]).compatibility.description
    assert len(long) == MAX_DESCRIPTION
    assert long.endswith("…")


def test_verbatim_expressions() -> None:
    named = requirement(nfd="cpu.model", name="vendor_id", op="In", value=["AMD"])
    by_name = requirement(nfd="kernel.loadedmodule", op="InRegexp", value=["^mlx5"])
    versioned = requirement(nfd="local.label", name="x", op="Ge", value=["5"], type="version")
    assert rule(named, by_name, versioned).matchFeatures == (
        Term(
            feature="kernel.loadedmodule",
            matchName=Expression(op="InRegexp", value=("^mlx5",)),
            comment="kernel.loadedmodule InRegexp ^mlx5",
        ),
        Term(
            feature="cpu.model",
            matchExpressions={"vendor_id": Expression(op="In", value=("AMD",))},
            comment="cpu.model vendor_id In AMD",
        ),
        Term(
            feature="local.label",
            matchExpressions={"x": Expression(op="Ge", value=("5",), type="version")},
            comment="local.label x Ge 5",
        ),
    )


EXAMPLES: dict[str, dict[str, Any]] = {
    "architecture arm64": {"architecture": "arm64"},
    "CPU level x86-64-v2": {"cpu": "x86-64-v2"},
    "CPU with AVX2, FMA3": {"cpu": ["FMA3", "AVX2"]},
    "kernel >=5.10": {"kernel": ">=5.10"},
    "kernel release 6.8.0-1 or 6.8.0-2": {"kernel_release": ["6.8.0-2", "6.8.0-1"]},
    "kernel facility TUN": {"facility": ["TUN"], "modules": ["tun"]},
    "kernel option A = m or y; kernel option B not set": {"config": {"B": [], "A": ["y", "m"]}},
    "kernel module i915 or xe loaded": {"module": ["xe", "i915"]},
    "kernel module fuse loaded or built in": {"module": ["fuse"], "state": "enabled"},
    "PCI device of vendor 10de, class 03, device 2330": {"pci": ["10de"], "classes": ["03"], "devices": ["2330"]},
    "NVIDIA driver >=525 where there is a GPU": {"driver": ">=525"},
    "CUDA compute capability >=7.5": {"compute": ">=7.5", "when": "always"},
    "huge pages": {"hugepages": "any"},
    "huge pages: >=512 of 2Mi": {"hugepages": {"2Mi": ">=512"}},
    "cpu.model vendor_id In AMD, Intel": {
        "nfd": "cpu.model",
        "name": "vendor_id",
        "op": "In",
        "value": ["AMD", "Intel"],
    },
    "(kernel <6; kernel >=5) or (kernel >=7)": {"any": [[{"kernel": ">=7"}], [{"kernel": ">=5"}, {"kernel": "<6"}]]},
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_summaries(text: str) -> None:
    assert summary(requirement(**EXAMPLES[text])) == text


def test_every_kind_of_requirement_is_encoded_and_summed_up() -> None:
    shown = {type(requirement(**fields)) for fields in EXAMPLES.values()}
    assert shown == set(model.SUBJECTS.values())
    for kind in shown - {model.AlternativesRequirement}:
        assert formula.dispatch(kind) is not formula.dispatch(Requirement)


def test_an_unknown_kind_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="no encoding of Requirement"):
        formula(Requirement())
    assert summary(Requirement()) == "Requirement"


def test_forms_are_dropped_by_rank() -> None:
    a, b, c = (exists("cpu.cpuid", name) for name in "ABC")
    groups = [Either((Choice(exists("d.f", f"{n}")), Choice(a, Form(n, f"form {n}")))) for n in range(3)]
    assert shaped(groups).dropped == ()
    wide = [Either(tuple(Choice(exists("d.f", f"{n} {m}")) for m in range(4))) for n in range(3)]
    assert len(shaped(wide[:2]).branches) == 16
    with pytest.raises(SpecError):
        shaped(wide)
    pair = Either((Choice(Both((b, c)), Form(1, "late")), Choice(b), Choice(c, Form(0, "early"))))
    assert [form.label for form in shaped([*wide[:2], Either((*pair.choices, Choice(a)))]).dropped] == ["early"]


def test_the_same_bytes_again() -> None:
    needed = [requirement(**fields) for fields in EXAMPLES.values() if "any" not in fields]
    texts = {dump(Spec(compatibilities=(compiled(*order).compatibility,))) for order in (needed, needed[::-1])}
    assert len(texts) == 1
    assert json.dumps(compiled(*needed).notes) == json.dumps(compiled(*needed[::-1]).notes)
