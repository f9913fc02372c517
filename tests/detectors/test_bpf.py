import pytest

from compatbuild.detectors.bpf import DETECTOR
from compatbuild.image.elf import BpfObject, ElfFacts
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import FacilityRequirement
from tests.builders.views import by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT


def bpf(*programs: str, core: int = 0) -> BpfObject:
    return BpfObject(offset=4096, programs=programs, core_relocations=core)


def test_an_embedded_object_needs_the_system_call_and_no_types() -> None:
    view = image_view(elves={"/app": elf(bpf=(bpf("xdp", ".xdp_run_config"),))}, reached={"/app": PROVEN})
    found = by_id(DETECTOR, view)
    assert set(found) == {"kernel.bpf"}
    assert found["kernel.bpf"].requirement == FacilityRequirement(facility=("BPF_SYSCALL",))
    assert (found["kernel.bpf"].confidence, found["kernel.bpf"].severity) == (LIKELY, Severity.REQUIRED)
    assert found["kernel.bpf"].evidence[0].locator == "offset 4096"


def test_core_relocations_need_the_hosts_types() -> None:
    view = image_view(elves={"/app": elf(bpf=(bpf("xdp"), bpf("kprobe/do_exit", core=268)))}, reached={"/app": PROVEN})
    finding = by_id(DETECTOR, view)["kernel.btf"]
    assert finding.requirement == FacilityRequirement(facility=("DEBUG_INFO_BTF",))
    assert finding.facts == {"kernel.config": ["DEBUG_INFO_BTF"], "kernel.btf": True}
    assert "268 bytes" in finding.evidence[0].statement


@pytest.mark.parametrize(
    "section", ["tp_btf/xdp_exception", "fentry/tcp_connect", "?fentry.s/f", "fexit/f", "lsm/file_open", "struct_ops"]
)
def test_attaching_by_kernel_types_needs_them_too(section: str) -> None:
    assert "kernel.btf" in by_id(DETECTOR, image_view(elves={"/app": elf(bpf=(bpf(section),))}))


@pytest.mark.parametrize(
    "section", ["xdp", "tc", "kprobe/fentry", "tracepoint/tp_btf", "lsmx/f", "cgroup_skb/egress", ""]
)
def test_other_programs_do_not(section: str) -> None:
    assert set(by_id(DETECTOR, image_view(elves={"/app": elf(bpf=(bpf(section),))}))) == {"kernel.bpf"}


@pytest.mark.parametrize(
    "path", ["/usr/bin/qemu-system-x86_64", "/lib/systemd/systemd", "/lib/systemd/libsystemd-core-252.so"]
)
def test_programs_that_go_on_without_their_objects_make_a_hint(path: str) -> None:
    view = image_view(elves={path: elf("libbpf.so.1", bpf=(bpf("lsm/file_open", core=28),))}, reached={path: PROVEN})
    found = by_id(DETECTOR, view)
    assert {(finding.confidence, tuple(finding.facts)) for finding in found.values()} == {(HINT, ())}


def test_an_unreached_object_is_a_hint() -> None:
    view = image_view(elves={"/app": elf(), "/opt/tool": elf(bpf=(bpf("xdp"),))}, reached={"/app": PROVEN})
    assert by_id(DETECTOR, view)["kernel.bpf"].confidence is HINT


@pytest.mark.parametrize(
    "holder",
    [elf(machine=247, type=1, bpf=(bpf("xdp", core=340),)), elf(soname="libxdp.so.1", bpf=(bpf("xdp", core=340),))],
)
def test_an_object_that_waits_for_a_loader_is_a_hint(holder: ElfFacts) -> None:
    """libxdp1 of Debian 12 ships its objects as files; whoever links the library may never load one."""
    path = "/usr/lib/x86_64-linux-gnu/bpf/xdpdump_bpf.o"
    assert {f.confidence for f in by_id(DETECTOR, image_view(elves={path: holder})).values()} == {HINT}
    reached = image_view(elves={path: holder}, reached={path: PROVEN})
    assert {f.confidence for f in by_id(DETECTOR, reached).values()} == {LIKELY}


def test_libbpf_alone_is_linked_by_programs_that_fall_back() -> None:
    assert findings(DETECTOR, image_view(elves={"/bin/ip": elf("libbpf.so.1")}, reached={"/bin/ip": PROVEN})) == []


@pytest.mark.parametrize(
    "view",
    [
        image_view(packages=[deb("bpfcc-tools")]),
        image_view(elves={"/usr/bin/bpftrace": elf("libbpf.so.1", "libbcc_bpf.so.0")}),
        image_view(elves={"/app": elf("libbcc.so.0")}, reached={"/app": PROVEN}),
    ],
)
def test_compilers_of_bpf_need_the_system_call_and_headers_from_somewhere(view: ImageView) -> None:
    found = by_id(DETECTOR, view)
    assert set(found) == {"kernel.bpf", "kernel.bpf-headers"}
    assert found["kernel.bpf"].confidence is LIKELY
    assert (found["kernel.bpf-headers"].confidence, found["kernel.bpf-headers"].requirement) == (HINT, None)
