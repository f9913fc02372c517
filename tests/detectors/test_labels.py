"""Requirements declared in labels: every subject, mistakes that are told, and what is not taken from labels."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.detectors._label_values import LABEL_SUBJECTS, MAX_VALUE
from compatbuild.detectors.labels import DETECTOR, MAX_LABELS, PREFIX
from compatbuild.inference.rules import compile_set
from compatbuild.model.finding import Confidence, Finding, Severity
from tests.builders.views import by_id, findings, image_view


def declared(**labels: str) -> dict[str, Finding]:
    return by_id(DETECTOR, image_view(labels={PREFIX + key: value for key, value in labels.items()}))


def one(subject: str, value: str) -> Finding:
    (finding,) = declared(**{subject: value}).values()
    return finding


def asked(finding: Finding) -> dict[str, Any]:
    assert finding.requirement is not None, finding.title
    return finding.requirement.model_dump(mode="json", exclude_defaults=True)


GOOD: list[tuple[str, str, dict[str, Any]]] = [
    ("architecture", "amd64", {"architecture": "amd64"}),
    ("cpu", "x86-64-v3", {"cpu": "x86-64-v3"}),
    ("cpu", "AVX2, FMA3", {"cpu": ["AVX2", "FMA3"]}),
    ("kernel", ">=5.10,<6.8", {"kernel": ">=5.10,<6.8"}),
    ("kernel_release", "5.14.0-427.el9.x86_64", {"kernel_release": ["5.14.0-427.el9.x86_64"]}),
    ("kernel-release", "6.1.0 6.2.0", {"kernel_release": ["6.1.0", "6.2.0"]}),
    ("facility", "CONFIG_FUSE_FS,INET", {"facility": ["FUSE_FS", "INET"]}),
    ("facility", '{"facility": ["FUSE_FS"], "modules": ["fuse"]}', {"facility": ["FUSE_FS"], "modules": ["fuse"]}),
    ("config", "HZ=250|300, PREEMPT_RT=", {"config": {"HZ": ["250", "300"], "PREEMPT_RT": []}}),
    ("config", '{"HZ": ["250"]}', {"config": {"HZ": ["250"]}}),
    ("module", "nvidia_uvm", {"module": ["nvidia_uvm"]}),
    ("module", '["i915", "xe"]', {"module": ["i915", "xe"]}),
    ("pci", "0x10DE 1002", {"pci": ["10de", "1002"]}),
    ("driver", ">=525.60.13", {"driver": ">=525.60.13", "when": "always"}),
    ("driver", '{"driver": ">=525.60.13", "when": "present"}', {"driver": ">=525.60.13"}),
    ("compute", ">=7.5", {"compute": ">=7.5", "when": "always"}),
    ("hugepages", "any", {"hugepages": "any"}),
    ("hugepages", "2Mi>=1024,1Gi>=4", {"hugepages": {"2Mi": ">=1024", "1Gi": ">=4"}}),
    ("hugepages", "2Mi>=1024,2Mi<4096", {"hugepages": {"2Mi": ">=1024,<4096"}}),
    ("any", '[[{"module": ["i915"]}], [{"module": ["xe"]}]]', {"any": [[{"module": ["i915"]}], [{"module": ["xe"]}]]}),
]


@pytest.mark.parametrize(("subject", "value", "requirement"), GOOD)
def test_a_label_is_a_requirement(subject: str, value: str, requirement: dict[str, Any]) -> None:
    finding = one(subject, value)
    assert asked(finding) == requirement
    assert (finding.confidence, finding.severity) == (Confidence.PROVEN, Severity.REQUIRED)
    assert finding.evidence[0].path == "config.Labels"
    assert finding.evidence[0].locator == PREFIX + subject
    assert finding.requirement is not None
    assert compile_set([finding.requirement], name="test").compatibility.rules


def test_every_subject_is_covered() -> None:
    assert {subject.replace("-", "_") for subject, _, _ in GOOD} == set(LABEL_SUBJECTS)


@pytest.mark.parametrize(
    ("subject", "value", "mistake"),
    [
        ("kernel", ">=5.10,<5", "No version satisfies"),
        ("kernel", "5.10", "'5.10' is not a range"),
        ("kernel", "", "it is empty"),
        ("kernle", ">=5", "did you mean kernel?"),
        ("frobnicate", "x", "there are architecture, cpu"),
        ("driver", "550", "is not a range"),
        ("compute", ">=7.5.1", "names too many numbers"),
        ("hugepages", "lots", "no number of pages"),
        ("hugepages", "2Mi>=1.5", "names too many numbers"),
        ("hugepages", '{"2M": ">=1"}', "no page size"),
        ("cpu", "AVX_2", "did you mean AVX2?"),
        ("cpu", "x86-64-v9", "cpu"),
        ("architecture", "x86_64", "'amd64', 'arm64'"),
        ("config", "HZ", "no NAME=VALUE"),
        ("config", "A B=y", "should match pattern"),
        ("module", "nvidia;uvm", "should match pattern"),
        ("module", "{", "begins as JSON does"),
        ("driver", '{"module": ["x"]}', "has no key driver"),
        ("driver", '{"driver": ">=1", "when": "never"}', "when: "),
        ("driver", '{"driver": ">=1", "extra": 1}', "extra: "),
        ("driver", '["x"]', "should be a valid string"),
        ("any", "x", "any is written as JSON"),
        ("any", '[[{"nfd": "kernel.version", "op": "Exists"}]]', "not taken from labels"),
        ("any", '[[{"kernel": "new"}]]', "is not a range"),
        ("nfd", '{"nfd": "kernel.version", "op": "Exists"}', "'nfd' cannot be required"),
        ("kernel", ">=1," * 2000, "it is too long"),
        ("any", '{"any":[[' * 300, "begins as JSON does"),
        ("any", "[" * 400 + "]" * 400, "nested too deeply"),
        ("any", '[[{"any": ' * 9 + '[[{"module": ["a"]}]]' + "}]]" * 9, "alternatives are nested too deeply"),
        ("x" * 300, "1", "its key is too long"),
    ],
)
def test_a_mistake_is_told_and_asks_for_nothing(subject: str, value: str, mistake: str) -> None:
    finding = one(subject, value)
    assert finding.requirement is None
    assert finding.severity is Severity.INFO
    assert finding.confidence is not Confidence.HINT  # so that the table shows it
    assert mistake in finding.title
    assert (PREFIX + subject)[:100] in finding.title


def test_several_labels_of_one_subject_are_told_apart() -> None:
    found = declared(**{"module.uvm": "nvidia_uvm", "module.peer-mem": "nvidia_peermem"})
    assert {name: asked(finding)["module"] for name, finding in found.items()} == {
        "label.module-uvm": ["nvidia_uvm"],
        "label.module-peer-mem": ["nvidia_peermem"],
    }


def test_labels_of_others_say_nothing() -> None:
    labels = {"org.compatbuild.required.kernel": ">=5", "org.compatbuild.require": "x", "maintainer": "me"}
    assert findings(DETECTOR, image_view(labels=labels)) == []


def test_labels_without_end_are_cut_off() -> None:
    found = declared(**{f"module.m{number:03}": "loop" for number in range(MAX_LABELS + 5)})
    assert len(found) == MAX_LABELS + 1
    assert "m100" in found["label.too-many"].title


@given(
    st.dictionaries(
        st.builds("{}{}".format, st.sampled_from(["", *LABEL_SUBJECTS, "x."]), st.sampled_from(["", ".a", ".É\n"])),
        st.one_of(
            st.text(max_size=30),
            st.sampled_from([">=" + "9" * 400, ">=1", "x" * (MAX_VALUE + 1), "\x1b[31m", "a=b|c", "0", "[]", "{}"]),
            st.recursive(st.none() | st.text(max_size=3) | st.integers(), lambda x: st.lists(x, max_size=3)).map(
                json.dumps
            ),
        ),
        max_size=4,
    )
)
def test_whatever_labels_say_requirements_can_be_encoded(labels: dict[str, str]) -> None:
    for finding in findings(DETECTOR, image_view(labels={PREFIX + key: value for key, value in labels.items()})):
        assert len(finding.title) <= 300
        assert "\n" not in finding.title
        if finding.requirement is not None:
            compile_set([finding.requirement], name="test")
