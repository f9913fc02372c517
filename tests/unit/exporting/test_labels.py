"""What is known of NFD's labels is what NFD's source says, and each expression comes to the right labels."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import yaml

from compatbuild.exporting import devices, labels
from compatbuild.exporting.labels import LabelCheck
from compatbuild.nfd.patterns import version_pattern
from compatbuild.nfd.ranges import Range
from compatbuild.nfd.wire import Expression, Term
from tests.peers import nfdsource

NS = "feature.node.kubernetes.io/"


def listed(file: str, name: str) -> set[str]:
    """Give the texts of a list in a Go source."""
    found = re.search(
        rf"{name}:\s*\[\]string\{{(.*?)\}}", (nfdsource.module() / "source" / file).read_text(), re.DOTALL
    )
    assert found is not None
    return set(re.findall(r'"([^"]+)"', found[1]))


@pytest.mark.peer
def test_the_lists_are_those_of_nfd() -> None:
    assert listed("cpu/cpu.go", "AttributeBlacklist") == labels.CPUID_WITHOUT_LABEL
    assert listed("kernel/kernel.go", "ConfigOpts") == labels.CONFIG_WITH_LABEL
    assert listed("pci/pci.go", "DeviceClassWhitelist") == set(devices.PCI_PREFIXES)
    assert listed("pci/pci.go", "DeviceLabelFields") == {"class", "vendor"}
    assert listed("usb/usb.go", "DeviceClassWhitelist") == devices.USB_CLASSES
    source = (nfdsource.module() / "source" / "system" / "system.go").read_text()
    found = re.search(r"osReleaseFields = \[\.\.\.\]string\{(.*?)\}", source, re.DOTALL)
    assert found is not None
    assert set(re.findall(r'"([^"]+)"', found[1])) == labels._ONLY["system.osrelease"]


def test_flags_without_a_label_are_flags_of_x86_alone() -> None:
    text = (files("compatbuild.nfd") / "features.yaml").read_text()
    names = yaml.safe_load(text)["features"]["cpu.cpuid"]["flag"]["names"]
    assert set(names["x86_64"]) >= labels.CPUID_WITHOUT_LABEL
    assert all(not labels.CPUID_WITHOUT_LABEL & set(map(str, names[one])) for one in names if one != "x86_64")


def said(feature: str, name: str, op: str, *value: str, type_: str = "") -> labels.Said:
    return labels.element(feature, name, Expression(op, value, type_))


def checks(feature: str, name: str, op: str, *value: str) -> list[tuple[str, str, tuple[str, ...]]]:
    (only,) = said(feature, name, op, *value).alternatives
    return [(one.key.removeprefix(NS), one.operator, one.values) for one in only]


@pytest.mark.parametrize(
    ("op", "value", "wanted"),
    [
        ("Gt", "6", [("Gt", ("6",))]),
        ("Ge", "6", [("Gt", ("5",))]),
        ("Ge", "0", [("Exists", ())]),
        ("Gt", "-4", [("Exists", ())]),
        ("Lt", "6", [("Lt", ("6",))]),
        ("Le", "+6", [("Lt", ("7",))]),
        ("Lt", "-1", [("Lt", ("0",))]),
        ("Le", str(2**63 - 1), [("Lt", (str(2**63 - 1),))]),
        ("GtLt", "1 9", [("Gt", ("1",)), ("Lt", ("9",))]),
        ("GeLe", "1 9", [("Gt", ("0",)), ("Lt", ("10",))]),
        ("In", "6 6 7", [("In", ("6", "7"))]),
        ("NotIn", "6", [("Exists", ()), ("NotIn", ("6",))]),
    ],
)
def test_numbers(op: str, value: str, wanted: list[tuple[str, tuple[str, ...]]]) -> None:
    assert checks("cpu.model", "family", op, *value.split()) == [("cpu-model.family", *one) for one in wanted]


@pytest.mark.parametrize("case", [("Gt", ("4.18",)), ("Ge", ()), ("GtLt", ("1",)), ("InRegexp", ("6",))])
def test_what_is_no_whole_number_is_not_compared(case: tuple[str, tuple[str, ...]]) -> None:
    given = said("cpu.model", "family", case[0], *case[1])
    assert given.alternatives == labels.NOTHING
    assert given.lost
    assert said("cpu.model", "family", "Ge", "6", type_="version").alternatives == labels.NOTHING


def test_a_flag_without_a_label_says_the_architecture() -> None:
    given = said("cpu.cpuid", "SSE42", "Exists")
    assert given.alternatives == ((LabelCheck("kubernetes.io/arch", "In", ("amd64",)),),)
    assert "kubernetes.io/arch" in given.lost
    assert said("cpu.cpuid", "SSE42", "DoesNotExist").alternatives == labels.NOTHING
    assert checks("cpu.cpuid", "AVX2", "Exists") == [("cpu-cpuid.AVX2", "Exists", ())]


@pytest.mark.parametrize(
    ("feature", "name", "op", "value"),
    [
        ("kernel.config", "IO_URING", "In", "y"),
        ("kernel.loadedmodule", "nvidia", "Exists", ""),
        ("cpu.security", "tdx.total_keys", "Gt", "1"),
        ("cpu.topology", "socket_count", "Ge", "2"),
        ("cpu.rdt", "RDTMON", "IsTrue", ""),
        ("cpu.cpuid", "POWER5+", "Exists", ""),
        ("system.osrelease", "NAME", "Exists", ""),
        ("system.osrelease", "VERSION_ID", "In", "a b"),
        ("local.label", "bad key", "In", "y"),
        ("local.label", "node.kubernetes.io/x", "In", "y"),
        ("local.label", "nvidia.com/cuda.driver-version.full", "DoesNotExist", ""),
        ("local.feature", "x", "In", "y"),
        ("some.thing", "x", "Exists", ""),
    ],
)
def test_what_has_no_label_is_not_said(feature: str, name: str, op: str, value: str) -> None:
    given = said(feature, name, op, *([value] if value else []))
    assert (given.alternatives, bool(given.lost)) == (labels.NOTHING, True)


def kernel(range_: str) -> list[list[str]]:
    given = devices.kernel(Expression("InRegexp", (version_pattern(Range.parse(range_)),)))
    short = {devices.MAJOR: "major", devices.MINOR: "minor"}
    return [[" ".join((short[one.key], one.operator, *one.values)) for one in each] for each in given.alternatives]


def test_kernel_ranges() -> None:
    anywhere = ["major DoesNotExist"]
    assert kernel(">=5.10") == [anywhere, ["major In 5", "minor Gt 9"], ["major Gt 5"]]
    assert kernel(">=6") == [anywhere, ["major Gt 5"]]
    assert kernel(">=5.10,<6.2") == [anywhere, ["major In 5", "minor Gt 9"], ["major In 6", "minor In  0 1"]]
    assert kernel(">=5.10,<5.12.3") == [
        anywhere,
        ["major In 5", "minor Gt 9", "minor In  " + " ".join(map(str, range(13)))],
    ]
    assert kernel(">=4.18,<6.0") == [anywhere, ["major In 4", "minor Gt 17"], ["major Gt 4", "major Lt 6"]]
    own = devices.kernel(Expression("InRegexp", ("^5\\.",)))
    assert own.alternatives == labels.NOTHING


def pci(**asked: Expression) -> labels.Said:
    return devices.devices("pci.device", Term("pci.device", asked))


@pytest.mark.parametrize(
    ("patterns", "classes"),
    [
        (["^03"], "0300 0301 0302 0380"),
        (["^0302$"], "0302"),
        (["^(0b40|12)"], "0b40 1200 1201"),
        (["^03", "^0200"], ""),
        (["^0"], ""),
        (["03"], ""),
        (["^03.2"], ""),
        (["^030", "^12$"], "0300 0301 0302"),
    ],
)
def test_classes_by_pattern(patterns: list[str], classes: str) -> None:
    given = pci(**{"class": Expression("InRegexp", tuple(patterns)), "vendor": Expression("In", ("10de",))})
    wanted = [f"{NS}pci-{one}_10de.present" for one in classes.split()]
    assert [each[0].key for each in given.alternatives if each] == wanted
    assert given.lost


def test_too_many_devices_are_not_listed() -> None:
    vendors = tuple(f"{number:04x}" for number in range(33))
    given = pci(**{"class": Expression("In", ("0302",)), "vendor": Expression("In", vendors)})
    assert (given.alternatives, given.lost) == (labels.NOTHING, "it would take 33 labels")
