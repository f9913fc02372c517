import pytest

from compatbuild.detectors.accelerators import DETECTOR
from compatbuild.image.elf import ElfFacts
from compatbuild.knowledge import load
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import ModuleRequirement, PciRequirement
from tests.builders.views import by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
SITE = "/usr/lib/python3/site-packages"
NPU = f"{SITE}/torch_npu/lib/libtorch_npu.so"
TORCH_NPU = {
    NPU: elf("libhccl.so", "libascendcl.so", "libacl_op_compiler.so", "libge_runner.so", soname="libtorch_npu.so"),
    f"{SITE}/torch_npu/_C.so": elf("libtorch_npu.so", "libhccl.so"),
}
CANN = {
    f"/usr/local/Ascend/cann/lib64/{name}": elf("libascend_hal.so", soname=name)
    for name in ("libhccl.so", "libascendcl.so", "libacl_op_compiler.so", "libge_runner.so")
}


@pytest.mark.parametrize(
    ("path", "soname", "key", "vendor"),
    [
        (f"{SITE}/libtpu/libtpu.so", "", "tpu", "1ae0"),
        ("/opt/aws/neuron/lib/libnrt.so.1.0", "libnrt.so.1", "neuron", "1d0f"),
        (f"{SITE}/libneuronxla/libneuronpjrt.so", "", "neuron", "1d0f"),
        ("/usr/lib/habanalabs/libSynapse.so", "", "gaudi", "1da3"),
        ("/usr/lib/libze_intel_vpu.so.1.2.0", "libze_intel_vpu.so.1", "intel-npu", "8086"),
        ("/usr/lib/libze_intel_npu.so.1.17.0", "libze_intel_npu.so.1", "intel-npu", "8086"),
        ("/usr/lib/libxrt_driver_xdna.so.2.25.0", "libxrt_driver_xdna.so.2", "amd-npu", "1022"),
    ],
)
def test_a_library_for_a_device_is_a_fact_and_no_requirement(path: str, soname: str, key: str, vendor: str) -> None:
    found = by_id(DETECTOR, image_view(elves={path: elf(soname=soname)}))
    finding = found[f"accelerator.{key}"]
    assert set(found) == {finding.id}
    assert finding.facts == {"accelerator.pci": [vendor]}
    assert (finding.confidence, finding.requirement, finding.severity) == (LIKELY, None, Severity.INFO)
    assert finding.title.endswith(", where there is one")


def test_a_library_that_the_program_does_not_come_to_is_a_hint() -> None:
    elves = {f"{SITE}/libtpu/libtpu.so": elf(), "/app": elf()}
    found = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))
    assert found["accelerator.tpu"].confidence is HINT


def test_advice_stands_beside_the_evidence() -> None:
    finding = by_id(DETECTOR, image_view(elves={f"{SITE}/libtpu/libtpu.so": elf()}))["accelerator.tpu"]
    assert "transparent huge pages" in finding.evidence[-1].statement


@pytest.mark.parametrize(
    ("soname", "key", "pci", "modules"),
    [
        ("libnrt.so.1", "neuron", "1d0f", ("neuron",)),
        ("libSynapse.so", "gaudi", "1da3", ("habanalabs",)),
        ("libxrt_driver_xdna.so.2", "amd-npu", "1022", ("amdxdna",)),
        ("libtpu.so", "tpu", "1ae0", ()),
    ],
)
def test_a_program_that_is_linked_with_one_needs_the_device(
    soname: str, key: str, pci: str, modules: tuple[str, ...]
) -> None:
    found = by_id(DETECTOR, image_view(elves={"/app": elf(soname)}, reached={"/app": PROVEN}))
    finding, device = found[f"accelerator.{key}"], load().accelerators.devices[key].value
    assert finding.requirement == PciRequirement(pci=(pci,), devices=device.devices)
    assert (finding.confidence, finding.severity) == (LIKELY, Severity.REQUIRED)
    if modules:
        driver = found[f"accelerator.{key}-driver"]
        assert driver.requirement == ModuleRequirement(module=modules)
        assert driver.facts == {"kernel.modules": list(modules)}
    else:
        assert set(found) == {finding.id}


def test_a_framework_that_links_it_does_not() -> None:
    elves = {"/usr/bin/python3": elf(), f"{SITE}/torch_neuronx/lib.so": elf("libnrt.so.1")}
    reached = {"/usr/bin/python3": PROVEN, f"{SITE}/torch_neuronx/lib.so": LIKELY}
    finding = by_id(DETECTOR, image_view(elves=elves, reached=reached))["accelerator.neuron"]
    assert (finding.confidence, finding.requirement) == (LIKELY, None)


def test_what_needs_a_library_of_the_host_needs_the_device() -> None:
    found = by_id(DETECTOR, image_view(elves=TORCH_NPU))
    finding = found["accelerator.ascend"]
    assert finding.requirement == PciRequirement(pci=("19e5",))
    assert (finding.confidence, finding.severity) == (LIKELY, Severity.REQUIRED)
    assert "which the host brings" in finding.evidence[0].statement
    assert isinstance(found["accelerator.ascend-driver"].requirement, ModuleRequirement)
    assert "drv_davinci_intf_host" in found["accelerator.ascend-driver"].requirement.module


def test_with_cann_in_the_image_it_is_the_driver_that_is_missing() -> None:
    finding = by_id(DETECTOR, image_view(elves=TORCH_NPU | CANN))["accelerator.ascend"]
    assert finding.requirement == PciRequirement(pci=("19e5",))
    assert {evidence.statement.split(",")[0] for evidence in finding.evidence} == {"It needs libascend_hal.so"}


def test_a_stub_is_not_the_library() -> None:
    stub = {"/usr/local/Ascend/cann/devlib/libascend_hal.so": elf(soname="libascend_hal.so")}
    assert by_id(DETECTOR, image_view(elves=TORCH_NPU | CANN | stub))["accelerator.ascend"].requirement
    real = {"/usr/local/Ascend/driver/lib64/libascend_hal.so": elf(soname="libascend_hal.so")}
    assert by_id(DETECTOR, image_view(elves=TORCH_NPU | CANN | real))["accelerator.ascend"].requirement is None


def test_beside_a_program_that_does_not_use_it_nothing_is_required() -> None:
    view = image_view(elves=TORCH_NPU | {"/app": elf()}, reached={"/app": PROVEN})
    finding = by_id(DETECTOR, view)["accelerator.ascend"]
    assert (finding.confidence, finding.requirement) == (HINT, None)


GPU = {
    "/site/mindspore/libmindspore_gpu.so": elf("libcudart.so.12"),
    "/cuda/libcudart.so.12": elf(soname="libcudart.so.12"),
}


def test_beside_code_for_gpus_it_may_be_an_alternative() -> None:
    assert by_id(DETECTOR, image_view(elves=TORCH_NPU | GPU))["accelerator.ascend"].requirement is None
    sure = {"/app": elf("libascendcl.so")} | GPU
    found = by_id(DETECTOR, image_view(elves=sure, reached={"/app": PROVEN}))
    assert found["accelerator.ascend"].requirement


def test_plug_ins_of_middleware_say_nothing() -> None:
    elves: dict[str, ElfFacts] = {
        "/lib/ucx/libuct_gaudi.so.0": elf("libSynapse.so"),
        "/lib/libfabric.so.1": elf("libnrt.so.1"),
    }
    assert findings(DETECTOR, image_view(elves=elves)) == []


@pytest.mark.parametrize(
    "path", [f"{SITE}/openvino/libs/libopenvino_intel_npu_plugin.so", "/lib/libtpu_helper.txt", "/lib/libnrt.so.10"]
)
def test_other_files_say_nothing(path: str) -> None:
    assert findings(DETECTOR, image_view(elves={path: elf("libc.so.6")})) == []
