"""What changed between two lists of needs, two specifications and two sets of facts."""

from typing import Any

import pytest
from pydantic import JsonValue, TypeAdapter

from compatbuild.errors import SpecError, UsageError
from compatbuild.inference import entailment
from compatbuild.inference.changes import Change, Diff, FailOn, parse_wishes
from compatbuild.inference.diff import compare_reports, compare_specs
from compatbuild.inference.kernel_pattern import kernel_range
from compatbuild.inference.rules import compile_set
from compatbuild.model.report import Skipped
from compatbuild.model.requirement import AnyRequirement
from compatbuild.nfd.decode import decode
from compatbuild.nfd.patterns import version_pattern
from compatbuild.nfd.ranges import Range
from compatbuild.nfd.spec import Spec
from compatbuild.nfd.wire import relaxed
from tests.builders.reports import report_of

Fields = dict[str, Any]
ADAPTER: TypeAdapter[AnyRequirement] = TypeAdapter(AnyRequirement)
DRIVER, NEWER = {"driver": ">=525.60.13"}, {"driver": ">=550"}
UVM, FUSE = {"module": ["nvidia_uvm"]}, {"facility": ["FUSE_FS"]}
SHOWN = {"facility": ["FUSE_FS"], "modules": ["fuse"]}
GPUS = {"any": [[{"module": ["nvidia"]}], [{"module": ["amdgpu"]}]]}

CASES: list[tuple[str, list[Fields], list[Fields], list[str]]] = [
    ("nothing", [], [], []),
    ("new", [], [DRIVER], ["added nvidia driver"]),
    ("gone", [DRIVER], [], ["removed nvidia driver"]),
    ("higher", [DRIVER], [NEWER], ["tightened nvidia driver"]),
    ("lower", [NEWER], [DRIVER], ["loosened nvidia driver"]),
    ("unconditional", [DRIVER], [DRIVER | {"when": "always"}], ["tightened nvidia driver"]),
    ("higher where present", [DRIVER | {"when": "always"}], [NEWER], ["changed nvidia driver"]),
    ("strictest of several", [DRIVER, NEWER], [NEWER], []),
    ("the same range", [{"kernel": ">=5.10,<6.8"}], [{"kernel": "<6.8,>=5.10"}], []),
    ("a hole in a range", [{"kernel": ">=5.10"}], [{"kernel": ">=5.10,!=6.8"}], ["tightened kernel"]),
    ("overlapping ranges", [{"kernel": ">=5.10,<6.8"}], [{"kernel": ">=6.1"}], ["changed kernel"]),
    ("a level", [{"cpu": "x86-64-v2"}], [{"cpu": "x86-64-v3"}], ["tightened cpu"]),
    ("a flag within the level", [{"cpu": "x86-64-v3"}], [{"cpu": "x86-64-v3"}, {"cpu": ["AVX2"]}], []),
    ("a flag beyond", [{"cpu": "x86-64-v3"}], [{"cpu": "x86-64-v3"}, {"cpu": ["AVX512F"]}], ["tightened cpu"]),
    ("other flags", [{"cpu": ["AVX2"]}], [{"cpu": ["SHA"]}], ["changed cpu"]),
    ("another architecture", [{"architecture": "amd64"}], [{"architecture": "arm64"}], ["changed architecture"]),
    ("an option more", [FUSE], [{"facility": ["FUSE_FS", "TUN"]}], ["added kernel option TUN"]),
    ("shown by a module", [FUSE], [SHOWN], ["loosened kernel option FUSE_FS"]),
    ("by more modules", [SHOWN], [SHOWN | {"modules": ["fuse", "cuse"]}], ["loosened kernel option FUSE_FS"]),
    ("built in", [FUSE], [{"config": {"FUSE_FS": ["y"]}}], ["tightened kernel option FUSE_FS"]),
    ("facility or option", [FUSE], [{"config": {"FUSE_FS": ["m", "y"]}}], []),
    ("not set", [{"config": {"X": ["y"]}}], [{"config": {"X": []}}], ["changed kernel option X"]),
    ("a module that shows it", [SHOWN], [{"module": ["fuse"]}], ["added kernel module"]),
    ("fewer modules", [{"module": ["i915", "xe"]}], [{"module": ["xe"]}], ["tightened kernel module"]),
    ("loaded", [UVM | {"state": "enabled"}], [UVM], ["tightened kernel module"]),
    ("another module", [UVM], [{"module": ["fuse"]}], ["added kernel module", "removed kernel module"]),
    ("the driver's module", [{"module": ["nvidia"]}], [DRIVER | {"when": "always"}], ["added nvidia driver"]),
    ("a class", [{"pci": ["10de"]}], [{"pci": ["10de"], "classes": ["03"]}], ["tightened PCI device"]),
    ("a vendor more", [{"pci": ["10de"]}], [{"pci": ["10de", "1002"]}], ["loosened PCI device"]),
    (
        "a longer class",
        [{"pci": ["10de"], "classes": ["0302"]}],
        [{"pci": ["10de"], "classes": ["03"]}],
        ["loosened PCI device"],
    ),
    ("a capability", [{"compute": ">=7.0"}], [{"compute": ">=8.0"}], ["tightened compute capability"]),
    ("any pages", [{"hugepages": "any"}], [{"hugepages": {"2Mi": ">=4"}}], ["added huge pages of 2Mi"]),
    ("more pages", [{"hugepages": {"2Mi": ">=4"}}], [{"hugepages": {"2Mi": ">=8"}}], ["tightened huge pages of 2Mi"]),
    (
        "releases",
        [{"kernel_release": ["6.1.0", "6.2.0"]}],
        [{"kernel_release": ["6.1.0"]}],
        ["tightened kernel release"],
    ),
    ("a release in the range", [{"kernel": ">=6"}], [{"kernel_release": ["6.1.0-18-amd64"]}], ["added kernel release"]),
    ("one of the ways", [GPUS], [{"module": ["nvidia"]}], ["added kernel module"]),
    ("a way more", [{"any": GPUS["any"][:1]}], [GPUS], ["loosened alternatives"]),
    ("a way less", [GPUS], [{"any": GPUS["any"][:1]}], ["tightened alternatives"]),
    ("in another order", [GPUS], [{"any": GPUS["any"][::-1]}], []),
    (
        "verbatim",
        [{"nfd": "system.osrelease", "name": "ID", "op": "In", "value": ["rhel", "fedora"]}],
        [{"nfd": "system.osrelease", "name": "ID", "op": "In", "value": ["rhel"]}],
        ["tightened system.osrelease ID"],
    ),
]


def requirements(fields: list[Fields]) -> list[AnyRequirement]:
    return [ADAPTER.validate_python(one) for one in fields]


def told(diff: Diff) -> list[str]:
    return [f"{one.change} {one.subject}" for one in diff.needs]


def specification(fields: list[Fields], tag: str = "required", weight: int = 0) -> Spec:
    compiled = compile_set(requirements(fields), name=tag, tag=tag, weight=weight)
    return Spec(compatibilities=(compiled.compatibility,))


@pytest.mark.parametrize(("old", "new", "changes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_needs_of_two_reports(old: list[Fields], new: list[Fields], changes: list[str]) -> None:
    assert told(compare_reports(report_of(*requirements(old)), report_of(*requirements(new)))) == changes


OPPOSITE = {"added": "removed", "removed": "added", "tightened": "loosened", "loosened": "tightened"}


@pytest.mark.parametrize(("old", "new", "changes"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_other_way_round_it_is_the_other_way_round(
    old: list[Fields], new: list[Fields], changes: list[str]
) -> None:
    back = [f"{OPPOSITE.get(word, word)} {subject}" for word, subject in (one.split(" ", 1) for one in changes)]
    found = compare_reports(report_of(*requirements(new)), report_of(*requirements(old)))
    assert sorted(told(found)) == sorted(back)


def test_a_change_tells_what_was_and_what_is_and_whose_requirement() -> None:
    old, new = (requirements([fields | {"id": "cuda.driver-min"}])[0] for fields in (DRIVER, NEWER))
    (change,) = compare_reports(report_of(old), report_of(new)).needs
    assert (change.old, change.new, change.id) == (
        "NVIDIA driver >=525.60.13 where there is a GPU",
        "NVIDIA driver >=550 where there is a GPU",
        "cuda.driver-min",
    )


def test_requirements_of_one_name_belong_together() -> None:
    old = requirements([{"module": ["a"], "id": "label.module"}, {"module": ["b"], "id": "other"}])
    new = requirements([{"module": ["c"], "id": "label.module"}, {"module": ["b"], "id": "other"}])
    assert told(compare_reports(report_of(*old), report_of(*new))) == ["changed kernel module"]


def test_a_report_that_contradicts_itself_cannot_be_compared() -> None:
    with pytest.raises(SpecError, match="No version satisfies"):
        compare_reports(report_of(*requirements([{"kernel": ">=6"}, {"kernel": "<5"}])), report_of())


def test_a_range_that_is_none_compares_by_its_text() -> None:
    old, new = (report_of(*requirements([{"compute": text}])) for text in ("new", "newer"))
    with pytest.raises(SpecError):
        compare_reports(old, report_of(*requirements([{"compute": "new"}, {"compute": ">=7"}])))
    assert told(compare_reports(old, new)) == ["changed compute capability"]
    assert told(compare_reports(old, old)) == []


def test_alternatives_without_end_are_given_up_and_called_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    ways = [[{"module": [f"m{number}"]}, {"kernel": f">={number}"}] for number in range(8)]
    old, new = requirements([{"any": ways}]), requirements([{"any": ways[1:]}])
    assert told(compare_reports(report_of(*old), report_of(*new))) == ["tightened alternatives"]
    monkeypatch.setattr(entailment, "MAX_STEPS", 5)
    assert told(compare_reports(report_of(*old), report_of(*new))) == ["changed alternatives"]


SPEC_CASES = {
    "new": ([], [DRIVER], ["added alternatives"]),
    "higher": ([DRIVER], [NEWER], ["tightened alternatives"]),
    "lower": ([NEWER], [DRIVER], ["loosened alternatives"]),
    "same": ([DRIVER, {"kernel": ">=5.10"}], [{"kernel": ">=5.10"}, DRIVER], []),
    "kernel": ([{"kernel": ">=5.10"}], [{"kernel": ">=5.10,<6.8"}], ["tightened kernel"]),
    "cpu": ([{"cpu": "x86-64-v2"}], [{"cpu": "x86-64-v3"}], ["tightened cpu"]),
    "option": ([FUSE], [{"facility": ["FUSE_FS", "TUN"]}], ["added kernel option TUN"]),
    "built in": ([FUSE], [{"config": {"FUSE_FS": ["y"]}}], ["tightened kernel option FUSE_FS"]),
    "not set": ([{"config": {"X": []}}], [], ["removed kernel option X"]),
    "module": ([{"module": ["i915", "xe"]}], [{"module": ["xe"]}], ["tightened kernel module"]),
    "device": ([{"pci": ["10de"]}], [{"pci": ["10de"], "classes": ["03"], "devices": ["2330"]}],
               ["tightened PCI device"]),
    "release": ([{"kernel_release": ["6.1.0", "6.2.0"]}], [{"kernel_release": ["6.1.0"]}],
                ["tightened kernel release"]),
    "pages": ([{"hugepages": {"2Mi": ">=4"}}], [{"hugepages": {"2Mi": ">=8"}}],
              ["tightened memory.hugepages hugepages-2Mi"]),
    "several alternatives": ([DRIVER, GPUS], [NEWER, GPUS], ["tightened alternatives"]),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "changes"), SPEC_CASES.values(), ids=SPEC_CASES)
def test_two_specifications_of_ours(old: list[Fields], new: list[Fields], changes: list[str]) -> None:
    found = compare_specs(relaxed(specification(old)), relaxed(specification(new)))
    assert told(found) == changes


SET = """\
version: v1alpha1
compatibilities:
- tag: {tag}
  weight: {weight}
  rules:
  - name: one
    matchFeatures:
    - feature: {feature}
      matchExpressions: {{{expressions}}}
"""


def one_term(expressions: str, feature: str = "kernel.version", tag: str = "a", weight: int = 1) -> str:
    return SET.format(tag=tag, weight=weight, feature=feature, expressions=expressions)


@pytest.mark.parametrize(
    ("old", "new", "change"),
    [
        ('major: {op: Gt, value: ["4"]}', 'major: {op: Gt, value: ["5"]}', Change.TIGHTENED),
        ('major: {op: Ge, value: ["5"]}', 'major: {op: Gt, value: ["5"]}', Change.TIGHTENED),
        ('major: {op: GtLt, value: ["3", "7"]}', 'major: {op: GeLe, value: ["4", "6"]}', Change.TIGHTENED),
        ('major: {op: Le, value: ["7"]}', 'major: {op: Lt, value: ["7"]}', Change.TIGHTENED),
        ("major: {op: Exists}", 'major: {op: Gt, value: ["5"]}', Change.TIGHTENED),
        ('major: {op: Gt, value: ["4"]}', 'major: {op: In, value: ["5", "6"]}', Change.TIGHTENED),
        ('major: {op: InRegexp, value: ["^[56]$"]}', 'major: {op: In, value: ["5"]}', Change.TIGHTENED),
        ('major: {op: InRegexp, value: ["^5"]}', 'major: {op: InRegexp, value: ["^6"]}', Change.CHANGED),
        ('major: {op: InRegexp, value: ["("]}', 'major: {op: In, value: ["5"]}', Change.CHANGED),
        ('major: {op: NotIn, value: ["5"]}', 'major: {op: NotIn, value: ["5", "6"]}', Change.TIGHTENED),
        ('full: {op: Gt, value: ["1"], type: version}', 'full: {op: Gt, value: ["2"], type: version}', Change.TIGHTENED),
        ('full: {op: Gt, value: ["1"], type: version}', 'full: {op: Gt, value: ["2"]}', Change.CHANGED),
        ('major: {op: Gt, value: ["x"]}', 'major: {op: Gt, value: ["5"]}', Change.CHANGED),
        ("major: {op: DoesNotExist}", "major: {op: Exists}", Change.CHANGED),
        ("major: {op: Frobnicate}", "major: {op: Exists}", Change.CHANGED),
        ("major: null", "major: {op: Exists}", Change.CHANGED),
        ("enabled: {op: IsTrue}", 'enabled: {op: In, value: ["true"]}', None),
        ('major: {op: ""}', "major: {op: Exists}", Change.TIGHTENED),
    ],
)  # fmt: skip
def test_comparisons_that_others_write(old: str, new: str, change: Change | None) -> None:
    found = compare_specs(decode(one_term(old)), decode(one_term(new)))
    assert [one.change for one in found.needs] == ([change] if change else [])


ANY_NAME = """\
version: v1alpha1
compatibilities:
- rules:
  - matchFeatures:
    - {feature: cpu.security, matchName: {op: In, value: [%s]}}
"""


def test_names_that_any_element_may_have() -> None:
    wide, narrow = (decode(ANY_NAME % names) for names in ("sgx, tdx", "sgx"))
    one = decode(one_term("sgx: {op: Exists}", "cpu.security"))
    assert [change.change for change in compare_specs(wide, narrow).needs] == [Change.TIGHTENED]
    assert compare_specs(narrow, one).needs == ()  # one of a single name is that one
    assert [change.change for change in compare_specs(wide, one).needs] == [Change.ADDED]


def test_comparisons_of_one_device_stay_together() -> None:
    feature = "pci.device"
    both = decode(one_term('vendor: {op: In, value: ["10de"]}, numa_node: {op: In, value: ["0"]}', feature))
    one = decode(one_term('vendor: {op: In, value: ["10de"]}', feature))
    assert [change.change for change in compare_specs(one, both).needs] == [Change.TIGHTENED]
    other = decode(one_term('vendor: {op: In, value: ["10de"]}, numa_node: {op: In, value: ["1"]}', feature))
    assert [change.change for change in compare_specs(other, both).needs] == [Change.ADDED, Change.REMOVED]


def test_sets_are_told_apart_by_tags() -> None:
    first = specification([{"kernel": ">=5"}], "required").compatibilities
    fast, faster = (specification([{"kernel": text}], "fast", 5).compatibilities for text in (">=5", ">=6"))
    old, new = Spec(compatibilities=(*first, *fast)), Spec(compatibilities=(*first, *faster))
    assert told(compare_specs(relaxed(old), relaxed(new))) == ["tightened fast: kernel"]
    assert told(compare_specs(relaxed(old), relaxed(Spec(compatibilities=first)))) == ["changed set fast"]


def test_a_specification_without_sets_asks_nothing() -> None:
    one, none = relaxed(specification([{"kernel": ">=5"}])), relaxed(Spec())
    assert told(compare_specs(none, one)) == ["added kernel"]
    assert told(compare_specs(one, none)) == ["removed kernel"]
    assert compare_specs(none, none) == Diff()


def test_another_tag_is_noted() -> None:
    old, new = (relaxed(specification([{"kernel": ">=5"}], tag)) for tag in ("required", "needed"))
    assert compare_specs(old, new) == Diff(notes=("the tag of the set was 'required' and is 'needed'",))


def test_weights_are_noted() -> None:
    old, new = (relaxed(specification([], "fast", weight)) for weight in (1, 2))
    assert compare_specs(old, new).notes == ("the weight of set fast was 1 and is 2",)


def test_several_rules_are_not_compared_one_by_one() -> None:
    (first,) = specification([{"kernel": ">=5"}]).compatibilities
    twice = relaxed(Spec(compatibilities=(first.model_copy(update={"rules": first.rules * 2}),)))
    once = relaxed(Spec(compatibilities=(first,)))
    assert told(compare_specs(once, twice)) == ["changed rules"]
    assert told(compare_specs(twice, twice)) == []


@pytest.mark.parametrize("text", [">=5.10,<6.8", ">=5.10", "<6.8", ">=4.18.305,<5", ">=6.8,<6.9", ">=5.4.17,<5.15.100"])
def test_a_pattern_of_ours_is_read_back(text: str) -> None:
    found = kernel_range(version_pattern(Range.parse(text)))
    assert found is not None
    assert Range.parse(found).intervals == Range.parse(text).intervals


@pytest.mark.parametrize(
    "pattern", ["^5", "(", ".*", "^(5)([^0-9]|$)", "x" * 5000, version_pattern(Range.parse("!=6.8"))]
)
def test_any_other_pattern_is_not_guessed_at(pattern: str) -> None:
    assert kernel_range(pattern) is None


@pytest.mark.parametrize(
    ("name", "old", "new", "change"),
    [
        ("cpu.level", "x86-64-v2", "x86-64-v3", Change.TIGHTENED),
        ("cpu.level", None, "x86-64-v3", Change.TIGHTENED),
        ("cpu.level", "x86-64-v3", None, Change.LOOSENED),
        ("cuda.driver.min", "525.60.13", "525.9", Change.LOOSENED),
        ("kernel.modules", ["fuse"], ["fuse", "tun"], Change.TIGHTENED),
        ("kernel.modules", ["fuse"], ["tun"], Change.CHANGED),
        ("kernel.config", ["FUSE_FS"], None, Change.LOOSENED),
        ("rocm.targets", ["gfx90a", "gfx942"], ["gfx942"], Change.TIGHTENED),
        ("rocm.targets", None, ["gfx942"], Change.ADDED),
        ("cpu.page-size.max", 65536, 4096, Change.TIGHTENED),
        ("os.version", "12", "13", Change.CHANGED),
        ("os.version", "12", None, Change.REMOVED),
        ("cuda.sass", ["75"], ["75", "90"], Change.CHANGED),
    ],
)
def test_facts(name: str, old: JsonValue, new: JsonValue, change: Change) -> None:
    before, after = (report_of(facts={} if value is None else {name: value}) for value in (old, new))
    (found,) = compare_reports(before, after).facts
    assert (found.change, found.name, found.old, found.new) == (change, name, old, new)
    assert compare_reports(before, before).facts == ()


def test_what_nobody_is_sure_of_tightens_nothing() -> None:
    diff = compare_reports(report_of(), report_of(hints={"kernel.modules": ["fuse"]}))
    assert [one.change for one in diff.facts] == [Change.ADDED]
    assert diff.direction == "same"


def test_notes_tell_what_makes_a_comparison_less_than_sure() -> None:
    old = report_of(knowledge="2026-01-01")
    new = report_of(skipped=[Skipped(what="detector mpi", why="it failed")])
    notes = compare_reports(old, new).notes
    assert "knowledge of 2026-01-01" in notes[0]
    assert notes[1] == "not looked at in the new image: detector mpi: it failed"


@pytest.mark.parametrize(
    ("old", "new", "wishes", "direction"),
    [
        ([], [], "", "same"),
        ([], [DRIVER], "added tightened any", "more"),
        ([DRIVER], [NEWER], "tightened any", "more"),
        ([NEWER], [DRIVER], "loosened any", "less"),
        ([DRIVER], [], "removed loosened any", "less"),
        ([{"kernel": "<6"}], [{"kernel": ">=5"}], "tightened loosened any", "mixed"),
        ([DRIVER], [UVM], "added removed tightened loosened any", "mixed"),
    ],
)
def test_what_a_pipeline_stops_at(old: list[Fields], new: list[Fields], wishes: str, direction: str) -> None:
    diff = compare_reports(report_of(*requirements(old)), report_of(*requirements(new)))
    assert {wish.value for wish in FailOn if diff.fails([wish])} == set(wishes.split())
    assert diff.direction == direction
    assert not diff.fails([])


def test_facts_that_need_more_stop_a_pipeline_too() -> None:
    diff = compare_reports(report_of(), report_of(facts={"cuda.compute.gaps": ["7.5"], "os.id": "debian"}))
    assert {wish.value for wish in FailOn if diff.fails([wish])} == {"tightened", "any"}


def test_wishes_are_words_and_others_are_refused() -> None:
    assert parse_wishes(["added,tightened", "any"]) == {FailOn.ADDED, FailOn.TIGHTENED, FailOn.ANY}
    with pytest.raises(UsageError) as raised:
        parse_wishes(["tighten"])
    assert raised.value.remedy == "use --fail-on tightened"
