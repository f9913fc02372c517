"""The catalogue is whole, and near names are the ones people mean."""

from pathlib import Path

import pytest

from compatbuild.nfd import catalogue as room
from compatbuild.nfd.catalogue import Kind, ValueType, catalogue
from compatbuild.nfd.encodings import ARCHITECTURE_FLAGS, COMPUTE_MAJOR, COMPUTE_MINOR, DRIVER_VERSION, LEVEL_FLAGS


def test_features_and_kinds() -> None:
    features = catalogue().features
    assert len(features) == 30
    assert set(features["cpu.cpuid"].kinds) == {Kind.FLAG, Kind.ATTRIBUTE}
    assert [name for name in features if Kind.INSTANCE in features[name].kinds] == [
        "memory.nv", "network.device", "network.virtual", "pci.device", "usb.device", "storage.block",
    ]  # fmt: skip
    assert {name for name, feature in features.items() if feature.open} == {
        "kernel.config", "kernel.loadedmodule", "kernel.enabledmodule", "local.label", "local.feature", "memory.hugepages",
        "system.osrelease", "rule.matched",
    }  # fmt: skip
    assert all(feature.doc and feature.kinds for feature in features.values())


def test_elements() -> None:
    features = catalogue().features
    assert len(features["cpu.cpuid"].kinds[Kind.FLAG].named) > 300
    known = features["cpu.cpuid"].element("X86_64_V3")
    assert known is not None
    assert (known.type, known.since) == (None, "v0.19.0")
    vendor = features["pci.device"].element("vendor")
    assert vendor is not None
    assert (vendor.type, vendor.example) == (ValueType.HEX4, "10de")
    assert features["cpu.cpuid"].element("avx2") is None
    assert "AVX10_VERSION" in features["cpu.cpuid"].names()


def test_feature_names_are_looked_up_in_lower_case() -> None:
    assert catalogue().feature("Kernel.Version") == catalogue().features["kernel.version"]
    assert catalogue().feature("kernel.versions") is None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("kernel.loadedModules", "kernel.loadedmodule"),
        ("kernel.version.full", "kernel.version"),
        ("pci.devices", "pci.device"),
    ],
)
def test_near_features(name: str, near: str) -> None:
    assert catalogue().near(name)[0] == near


@pytest.mark.parametrize(
    ("name", "near"),
    [("avx2", "AVX2"), ("sse4_2", "SSE42"), ("AVX512_F", "AVX512F"), ("fma", "FMA3"), ("sse4_1", "SSE4")],
)
def test_near_elements(name: str, near: str) -> None:
    assert catalogue().features["cpu.cpuid"].near(name)[0] == near


def test_nothing_is_near_nonsense() -> None:
    assert catalogue().near("qqqqqqqq") == ()
    assert len(catalogue().near("k" * 100_000)) <= room.NEAR_NAMES


def test_what_we_encode_with_is_known() -> None:
    cpu, label = catalogue().features["cpu.cpuid"], catalogue().features["local.label"]
    flags = {flag for level in LEVEL_FLAGS.values() for flag in level} | set(ARCHITECTURE_FLAGS.values())
    assert all(map(cpu.element, flags))
    assert all(map(cpu.element, cpu.aliases.values()))
    assert all(map(label.element, (DRIVER_VERSION, COMPUTE_MAJOR, COMPUTE_MINOR)))


def test_every_fact_has_its_source() -> None:
    text = (Path(room.__file__).parent / "features.yaml").read_text()
    assert "# Sources: kubernetes-sigs/node-feature-discovery" in text
