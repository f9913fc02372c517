from typing import Any

import pytest

from compatbuild.detectors.fabric import DETECTOR
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.requirement import FacilityRequirement, ModuleRequirement, PciRequirement
from tests.builders.views import by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
UCX = {f"/lib/ucx/libuct_{name}.so.0": elf("libibverbs.so.1") for name in ("ib", "ib_mlx5", "ib_efa", "rdmacm", "cma")}
LIBFABRIC = {f"/lib/libfabric/lib{name}-fi.so": elf("libefa.so.1") for name in ("efa", "verbs", "psmx2")}
LIB = {"/usr/lib/libfabric.so.1": elf("libefa.so.1", "libibverbs.so.1", "librdmacm.so.1", soname="libfabric.so.1")}
ADAPTER = PciRequirement(pci=("1d0f",), devices=("efa0", "efa1", "efa2", "efa3", "efa4"))
DRIVER = ModuleRequirement(module=("efa",))
VERBS = FacilityRequirement(facility=("INFINIBAND_USER_ACCESS",), modules=("ib_uverbs",))


def required(found: dict[str, Finding]) -> set[str]:
    return {identity for identity, finding in found.items() if finding.confidence is not HINT}


def test_what_was_built_into_the_middleware_is_a_fact_and_never_more_than_a_hint() -> None:
    elves = UCX | LIBFABRIC
    found = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    assert found["fabric.ucx"].facts == {"fabric.ucx": ["cma", "ib", "ib_efa", "ib_mlx5", "rdmacm"]}
    assert found["fabric.libfabric"].facts == {"fabric.libfabric": ["efa", "psmx2", "verbs"]}
    assert "fabric.efa" not in found
    assert required(found) == set()


def test_a_repaired_wheel_mangles_names() -> None:
    view = image_view(elves={"/site/libucx/libuct_cuda-0a1b2c3d.so.0.0.0": elf("libcudart-256e6409.so.12.9.79")})
    assert by_id(DETECTOR, view)["fabric.ucx"].facts == {"fabric.ucx": ["cuda"]}


def test_the_core_libraries_of_ucx_name_no_network() -> None:
    elves = {"/lib/libuct.so.0": elf(), "/lib/libucp.so.0": elf(), "/lib/libucs.so.0": elf()}
    assert findings(DETECTOR, image_view(elves=elves)) == []


def test_what_libfabric_itself_needs_tells_its_providers_and_needs_no_hardware() -> None:
    found = by_id(DETECTOR, image_view(elves=LIB, reached=dict.fromkeys(LIB, PROVEN)))
    assert found["fabric.libfabric"].facts == {"fabric.libfabric": ["efa", "verbs"]}
    assert required(found) == set()
    assert "fabric.efa" not in found


def test_providers_of_several_versions_are_one() -> None:
    elves = {f"/opt/mpi/libfabric/prov/libverbs-{version}-fi.so": elf() for version in ("1.1", "1.12")}
    found = by_id(DETECTOR, image_view(elves=elves))
    assert found["fabric.libfabric"].facts == {"fabric.libfabric": ["verbs"]}


@pytest.mark.parametrize("value", ["efa", "EFA", "efa;ofi_rxr", " efa "])
def test_naming_the_provider_alone_is_a_requirement(value: str) -> None:
    found = by_id(DETECTOR, image_view(elves=LIB, env={"FI_PROVIDER": value}))
    assert (found["fabric.efa"].requirement, found["fabric.efa"].confidence) == (ADAPTER, LIKELY)
    assert (found["fabric.efa-driver"].requirement, found["fabric.efa-driver"].confidence) == (DRIVER, LIKELY)
    assert found["fabric.efa"].facts == {"fabric.efa": True}
    assert found["fabric.efa-driver"].facts == {"kernel.modules": ["efa"]}


@pytest.mark.parametrize("value", ["efa,tcp", "tcp;efa", "tcp,efa,"])
def test_naming_it_among_others_shows_intent_only(value: str) -> None:
    found = by_id(DETECTOR, image_view(elves=LIB, env={"FI_PROVIDER": value}))
    assert found["fabric.efa"].facts == {"fabric.efa": True}
    assert required(found) == set()


def test_a_variable_that_nothing_in_the_image_obeys_is_a_hint() -> None:
    assert required(by_id(DETECTOR, image_view(env={"FI_PROVIDER": "efa"}))) == set()


@pytest.mark.parametrize("value", ["", "tcp", "^efa", "^efa,tcp", "efax", ",;,"])
def test_other_providers_are_no_sign_of_efa(value: str) -> None:
    assert "fabric.efa" not in by_id(DETECTOR, image_view(elves=LIB, env={"FI_PROVIDER": value}))


@pytest.mark.parametrize(
    ("value", "requirement"),
    [
        ("cxi", ModuleRequirement(module=("cxi_ss1",))),
        ("opx", ModuleRequirement(module=("hfi1",))),
        ("verbs;ofi_rxm", VERBS),
    ],
)
def test_naming_another_provider_alone_needs_its_driver(value: str, requirement: Any) -> None:
    found = by_id(DETECTOR, image_view(elves=LIB, env={"FI_PROVIDER": value}))
    assert [found[identity].requirement for identity in required(found)] == [requirement]


@pytest.mark.parametrize("value", ["cxi,tcp", "^cxi", "tcp", "shm", "sockets;ofi_rxm"])
def test_providers_without_hardware_or_with_a_fallback_need_none(value: str) -> None:
    assert required(by_id(DETECTOR, image_view(elves=LIB, env={"FI_PROVIDER": value}))) == set()


PLUGIN = "/usr/local/lib/libnccl-net-ofi.so"
INSTALLED = "/opt/amazon/efa/lib64/libfabric.so.1.30.0"


@pytest.mark.parametrize("path", [PLUGIN, INSTALLED])
def test_software_for_efa_counts_where_the_program_reaches_it(path: str) -> None:
    elves = {path: elf(), "/app": elf()}
    used = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    assert (used["fabric.efa"].requirement, used["fabric.efa"].confidence) == (ADAPTER, LIKELY)
    unused = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))
    assert (unused["fabric.efa"].facts, required(unused)) == ({"fabric.efa": True}, set())
    assert required(by_id(DETECTOR, image_view(elves=elves))) == set()


@pytest.mark.parametrize("value", ["cxi", "^efa"])
def test_the_plug_in_works_with_other_networks_too(value: str) -> None:
    view = image_view(elves={PLUGIN: elf("libfabric.so.1")}, env={"FI_PROVIDER": value}, reached={PLUGIN: PROVEN})
    assert "fabric.efa" not in by_id(DETECTOR, view)


def needs_verbs(path: str, *needed: str, reached: bool = True) -> ImageView:
    elves = {path: elf(*(needed or ("libibverbs.so.1",))), "/app": elf()}
    return image_view(elves=elves, reached=dict.fromkeys(elves if reached else ["/app"], PROVEN))


@pytest.mark.parametrize(
    "path", ["/usr/bin/ib_write_bw", "/site/mooncake/engine.so", "/site/pyverbs/qp.cpython-311.so"]
)
def test_a_program_of_its_own_needs_what_libibverbs_opens(path: str) -> None:
    found = by_id(DETECTOR, needs_verbs(path))["fabric.rdma"]
    assert (found.requirement, found.confidence) == (VERBS, LIKELY)
    assert found.facts == {"kernel.config": ["INFINIBAND_USER_ACCESS"], "kernel.modules": ["ib_uverbs"]}
    unused = by_id(DETECTOR, needs_verbs(path, reached=False))["fabric.rdma"]
    assert (unused.confidence, unused.facts) == (HINT, {})


def test_a_repaired_wheel_renames_libibverbs() -> None:
    found = by_id(DETECTOR, needs_verbs("/site/engine.so", "libibverbs-1de1263b.so.1.14.48.0"))
    assert found["fabric.rdma"].confidence is LIKELY


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/libucs.so.0",
        "/usr/lib/libpcap.so.0.8",
        "/usr/lib/openmpi/mca_btl_openib.so",
        "/site/nvidia/nvshmem/lib/nvshmem_transport_ibrc.so.3",
        "/usr/bin/qemu-system-x86_64",
        "/usr/bin/fio",
        "/usr/bin/ceph-osd",
    ],
)
def test_middleware_links_it_for_hosts_that_have_it(path: str) -> None:
    found = by_id(DETECTOR, needs_verbs(path))["fabric.rdma"]
    assert (found.confidence, found.requirement) == (HINT, VERBS)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/libibverbs/libmlx5-rdmav34.so",
        "/usr/lib/librdmacm.so.1",
        "/usr/lib/libmlx5.so.1.24.44.0",
        "/usr/lib/libefa.so.1",
    ],
)
def test_drivers_of_rdma_core_say_nothing(path: str) -> None:
    assert findings(DETECTOR, needs_verbs(path)) == []


@pytest.mark.parametrize(
    ("path", "needed", "identity", "requirement"),
    [
        ("/lib/ucx/libuct_cuda_gdrcopy.so.0", "", "fabric.gdrcopy", ModuleRequirement(module=("gdrdrv",))),
        ("/app", "libgdrapi.so.2", "fabric.gdrcopy", ModuleRequirement(module=("gdrdrv",))),
        ("/lib/ucx/libuct_xpmem.so.0", "", "fabric.xpmem", ModuleRequirement(module=("xpmem",))),
        ("/lib/libmpi.so.12", "libxpmem.so.0", "fabric.xpmem", ModuleRequirement(module=("xpmem",))),
        ("/lib/ucx/libuct_knem.so.0", "", "fabric.knem", ModuleRequirement(module=("knem",))),
        ("/lib/ucx/libuct_cma.so.0", "", "fabric.cma", FacilityRequirement(facility=("CROSS_MEMORY_ATTACH",))),
        ("/app", "libcufile.so.0", "fabric.gpudirect-storage", ModuleRequirement(module=("nvidia_fs",))),
        (
            "/site/nvidia/nvshmem/lib/nvshmem_transport_ibgda.so.103",
            "",
            "fabric.gpudirect-rdma",
            ModuleRequirement(module=("nvidia_peermem", "nv_peer_mem")),
        ),
    ],
)
def test_ways_around_a_copy_are_hints(path: str, needed: str, identity: str, requirement: Any) -> None:
    view = image_view(elves={path: elf(*filter(None, [needed]))}, reached={path: PROVEN})
    found = by_id(DETECTOR, view)[identity]
    assert (found.confidence, found.requirement, found.facts) == (HINT, requirement, {})


def test_nvshmem_needs_neither_mpi_nor_a_network() -> None:
    names = ("bootstrap_mpi", "bootstrap_pmix", "transport_ibrc", "transport_libfabric", "transport_ucx")
    elves = {f"/nvshmem/lib/nvshmem_{name}.so.3": elf("libibverbs.so.1", "libfabric.so.1") for name in names}
    assert required(by_id(DETECTOR, image_view(elves=elves))) == set()
