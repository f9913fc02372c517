import pytest

from compatbuild.detectors.kernel_enclaves import DETECTOR, METADATA
from compatbuild.inference.rules import compile_set
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import NfdRequirement
from tests.builders.views import by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT


@pytest.mark.parametrize("soname", ["libsgx_urts.so", "libsgx_urts.so.2", "libsgx_enclave_common.so.1"])
def test_a_reached_program_on_the_sgx_libraries(soname: str) -> None:
    (finding,) = findings(DETECTOR, image_view(elves={"/app": elf(soname)}, reached={"/app": PROVEN}))
    assert finding.requirement == NfdRequirement(nfd="cpu.security", name="sgx.enabled", op="IsTrue")
    assert (finding.id, finding.confidence, finding.severity) == ("cpu.sgx", LIKELY, Severity.REQUIRED)
    (rule,) = compile_set([finding.requirement], name="test").compatibility.rules
    assert [term.feature for term in rule.matchFeatures] == ["cpu.security"]


def test_gramine_counts_when_it_is_called_for_sgx() -> None:
    script = {"/usr/bin/gramine-sgx": b"#!/usr/bin/env python3\n"}
    called = image_view(files=script, reached={"/usr/bin/gramine-sgx": PROVEN}, packages=[deb("gramine")])
    assert by_id(DETECTOR, called)["cpu.sgx"].confidence is LIKELY
    assert findings(DETECTOR, image_view(files=script, packages=[deb("gramine")])) == []


def test_an_enclave_that_lies_about_is_a_hint() -> None:
    enclave = {"/opt/enclave.signed.so": elf(soname="enclave.so", sections=(".text", METADATA))}
    (finding,) = findings(DETECTOR, image_view(elves=enclave))
    assert (finding.id, finding.confidence) == ("cpu.sgx", HINT)


@pytest.mark.parametrize("soname", ["libsgx_urts_sim.so", "libsgx_dcap_quoteverify.so.1", "libsgx_uae_service_sim.so"])
def test_simulation_and_verification_need_none(soname: str) -> None:
    assert findings(DETECTOR, image_view(elves={"/app": elf(soname)}, reached={"/app": PROVEN})) == []


def test_a_library_that_needs_another_is_a_hint_by_itself() -> None:
    elves = {"/app": elf("libsgx_dcap_quoteverify.so.1"), "/lib/libsgx_dcap_quoteverify.so.1": elf("libsgx_urts.so.2")}
    view = image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN))
    assert by_id(DETECTOR, view)["cpu.sgx"].confidence is HINT


def test_attestation_of_a_protected_guest_is_a_hint() -> None:
    (finding,) = findings(DETECTOR, image_view(elves={"/app": elf("libtdx_attest.so.1")}, reached={"/app": PROVEN}))
    assert (finding.id, finding.confidence) == ("cpu.tdx-guest", HINT)


def test_an_emulator_needs_none() -> None:
    assert findings(DETECTOR, image_view(elves={"/usr/bin/qemu-system-x86_64": elf("libc.so.6")})) == []
