"""Needs in NFD's terms: spelling, ranges of labels, and what shares a term."""

import pytest

from compatbuild.errors import SpecError
from compatbuild.nfd import encodings
from compatbuild.nfd.conditions import Check, Condition, absent, any_name, compares, exists, terms
from compatbuild.nfd.ranges import Range
from compatbuild.nfd.spec import Expression

DRIVER = encodings.DRIVER_VERSION


def shown(alternatives: encodings.Alternatives) -> list[list[str]]:
    """Show alternatives as short texts."""
    return [
        [
            f"{check.name.rsplit('.', 1)[1]} {check.op} {' '.join(check.value)}"
            for condition in each
            for check in condition.checks
        ]
        for each in alternatives
    ]


@pytest.mark.parametrize("names", [["vfio-pci"], ["vfio_pci"], ["vfio_pci", "vfio-pci"]])
def test_modules_in_either_spelling(names: list[str]) -> None:
    assert encodings.module_loaded(names) == exists("kernel.loadedmodule", "vfio_pci")
    assert encodings.module_enabled(names) == any_name("kernel.enabledmodule", ["vfio-pci", "vfio_pci"])
    assert encodings.module_not_loaded(names[0]) == absent("kernel.loadedmodule", "vfio_pci")


def test_module_of_one_spelling_is_a_plain_flag() -> None:
    assert encodings.module_enabled(["fuse"]) == exists("kernel.enabledmodule", "fuse")


def test_releases_as_nfd_publishes_them() -> None:
    condition = encodings.kernel_release(["6.12.38+deb13-amd64", "6.1.75+", "6.1.75"])
    assert condition == compares("kernel.version", "full", "In", "6.1.75", "6.12.38_deb13-amd64")


def test_kernel_options() -> None:
    assert encodings.kernel_option("CONFIG_TUN", ("m", "y")) == compares("kernel.config", "TUN", "In", "y", "m")
    assert encodings.kernel_option("TUN", ()) == absent("kernel.config", "TUN")


def test_pci_devices_ask_one_device() -> None:
    condition = encodings.pci_device(["8086", "10de"], ["03", "0b40"], [])
    assert condition.checks == (Check("vendor", "In", ("10de", "8086")), Check("class", "InRegexp", ("^03", "^0b40")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">=525.60.13", [["full Ge 525.60.13"]]),
        (">=470,<471", [["full Ge 470", "full Lt 471"]]),
        ("<550", [["full Lt 550"]]),
        ("==550.54.15", [["full GeLe 550.54.15 550.54.15"]]),
        ("<=550.54.15", [["full GeLe 0 550.54.15"]]),
        (">=535.104.05", [["full Ge 535.104.5"]]),
        ("!=550.54", [["full Lt 550.54"], ["full Ge 550.55"]]),
        (">=0", [["full Ge 0"]]),
    ],
)
def test_driver_ranges(text: str, expected: list[list[str]]) -> None:
    alternatives = encodings.driver_in(Range.parse(text))
    assert shown(alternatives) == expected
    assert {check.type for each in alternatives for condition in each for check in condition.checks} == {"version"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">=7.5", [["major In 7", "minor Ge 5"], ["major Ge 8"]]),
        (">=9", [["major Ge 9"]]),
        ("==8.6", [["major In 8", "minor In 6"]]),
        ("==9", [["major In 9"]]),
        (">=7.5,<9", [["major In 7", "minor Ge 5"], ["major In 8"]]),
        (">=8.0,<9.2", [["major In 8"], ["major In 9", "minor Le 1"]]),
        ("<7.5", [["major Le 6"], ["major In 7", "minor Le 4"]]),
        (">=8.2,<=8.6", [["major In 8", "minor GeLe 2 6"]]),
    ],
)
def test_compute_ranges(text: str, expected: list[list[str]]) -> None:
    assert shown(encodings.compute_in(Range.parse(text))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (">=512", "Ge 512"),
        ("<512", "Le 511"),
        (">=1,<512", "GeLe 1 511"),
        ("==4", "In 4"),
        (">=4,<5", "In 4"),
        (">=0", "Ge 0"),
    ],
)
def test_hugepage_ranges(text: str, expected: str) -> None:
    ((condition,),) = encodings.hugepages_in("2Mi", Range.parse(text))
    (check,) = condition.checks
    assert (check.name, f"{check.op} {' '.join(check.value)}") == ("hugepages-2Mi", expected)


def test_numbers_that_make_no_sense() -> None:
    with pytest.raises(SpecError, match="too many numbers"):
        encodings.compute_in(Range.parse(">=8.6.1"))
    with pytest.raises(SpecError, match="too many numbers"):
        encodings.hugepages_in("2Mi", Range.parse(">=512.5"))


def test_conditions_share_terms_where_that_changes_nothing() -> None:
    conditions = [
        exists("cpu.cpuid", "AVX2"),
        compares("local.label", DRIVER, "Ge", "470", type_="version"),
        compares("local.label", DRIVER, "Lt", "471", type_="version"),
        exists("cpu.cpuid", "SSE2"),
        exists("local.label", "other"),
        encodings.pci_device(["10de"], [], []),
        encodings.pci_device(["8086"], [], []),
        any_name("kernel.loadedmodule", ["i915", "xe"]),
        exists("kernel.loadedmodule", "fuse"),
        exists("site.feature", "a"),
        exists("site.feature", "b"),
    ]
    made = terms(conditions, lambda group: str(len(group)))
    assert [(term.feature, sorted(term.matchExpressions or ()), term.comment) for term in made] == [
        ("cpu.cpuid", ["AVX2", "SSE2"], "2"),
        ("local.label", [DRIVER, "other"], "2"),
        ("local.label", [DRIVER], "1"),
        ("pci.device", ["vendor"], "1"),
        ("pci.device", ["vendor"], "1"),
        ("kernel.loadedmodule", [], "1"),
        ("kernel.loadedmodule", ["fuse"], "1"),
        ("site.feature", ["a"], "1"),
        ("site.feature", ["b"], "1"),
    ]
    assert made[5].matchName == Expression(op="In", value=("i915", "xe"))


def test_equal_conditions_are_asked_once() -> None:
    (term,) = terms([exists("cpu.cpuid", "SSE2")] * 3, lambda _: "")
    assert term.matchExpressions == {"SSE2": Expression(op="Exists")}
    assert Condition("a.b", (Check("c", "Exists"),)) == exists("a.b", "c")
