import pytest

from compatbuild.detectors.dpdk import DETECTOR
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence
from compatbuild.model.requirement import AlternativesRequirement, FacilityRequirement, HugepagesRequirement
from tests.builders.views import by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
VFIO = FacilityRequirement(facility=("VFIO", "VFIO_PCI"), modules=("vfio_pci",))
UIO = FacilityRequirement(facility=("UIO",), modules=("uio_pci_generic", "igb_uio"))


@pytest.mark.parametrize(
    "view",
    [
        image_view(packages=[deb("dpdk"), deb("librte-eal23")]),
        image_view(elves={"/usr/bin/dpdk-testpmd": elf("librte_eal.so.23")}),
        image_view(elves={"/app": elf("librte_eal.so.25")}, reached={"/app": PROVEN}),
    ],
)
def test_programs_on_dpdk_need_huge_pages_and_devices(view: ImageView) -> None:
    found = by_id(DETECTOR, view)
    assert found["kernel.hugepages"].requirement == HugepagesRequirement(hugepages="any")
    assert found["kernel.hugepages"].facts == {"kernel.hugepages": True}
    assert found["kernel.user-space-io"].requirement == AlternativesRequirement(any=((VFIO,), (UIO,)))
    assert {finding.confidence for finding in found.values()} == {LIKELY}


@pytest.mark.parametrize("reached", [{}, {"/usr/sbin/collectd": PROVEN}])
def test_a_plug_in_that_nobody_loads_is_a_hint(reached: dict[str, Confidence]) -> None:
    elves = {
        "/usr/sbin/collectd": elf(),
        "/usr/lib/collectd/dpdkstat.so": elf("librte_eal.so.23", "librte_ethdev.so.23"),
    }
    found = by_id(DETECTOR, image_view(elves=elves, reached=reached))
    assert {finding.confidence for finding in found.values()} == {HINT}
    assert found["kernel.hugepages"].facts == {}


def test_a_program_on_spdk_is_one_on_dpdk() -> None:
    reached = image_view(elves={"/app": elf("libspdk_env_dpdk.so.9.0")}, reached={"/app": PROVEN})
    for view in (reached, image_view(elves={"/usr/bin/spdk_tgt": elf()})):
        assert {finding.confidence for finding in by_id(DETECTOR, view).values()} == {LIKELY}


@pytest.mark.parametrize("name", ["suricata", "ovs-vswitchd-dpdk"])
def test_programs_that_use_it_when_told_make_a_hint(name: str) -> None:
    view = image_view(elves={f"/usr/bin/{name}": elf("librte_eal.so.23")}, reached={f"/usr/bin/{name}": PROVEN})
    assert {finding.confidence for finding in by_id(DETECTOR, view).values()} == {HINT}


def test_the_libraries_alone_say_nothing() -> None:
    elves = {"/lib/librte_eal.so.23.0": elf("librte_kvargs.so.23", soname="librte_eal.so.23")}
    assert findings(DETECTOR, image_view(elves=elves, packages=[deb("librte-eal23")])) == []
