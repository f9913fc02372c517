from dataclasses import replace

from compatbuild.detectors.kernel_dkms import DETECTOR
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import ConfigRequirement, KernelRequirement
from tests.builders.views import by_id, findings, image_view

LIKELY, HINT = Confidence.LIKELY, Confidence.HINT
EVDI = {
    "/usr/src/evdi-1.12.0/dkms.conf": b"PACKAGE_NAME=evdi\nPACKAGE_VERSION=1.12.0\nBUILT_MODULE_NAME=evdi\n"
    b'BUILD_EXCLUSIVE_CONFIG="CONFIG_I2C CONFIG_DRM"\n'
}
OPENAFS = {
    "/usr/src/openafs-1.8.9/dkms.conf": b"PACKAGE_NAME=openafs\nBUILD_EXCLUSIVE_CONFIG=!CONFIG_PREEMPT_RT\n"
    b"BUILD_EXCLUSIVE_KERNEL_MIN=3.9\nBUILD_EXCLUSIVE_KERNEL_MAX=6.12\n"
}
V4L2 = {
    "/usr/src/v4l2loopback-0.12.7/dkms.conf": b"PACKAGE_NAME=v4l2loopback\nif old; then\n"
    b'BUILD_EXCLUSIVE_KERNEL="REQUIRES CONFIG_VIDEO_V4L2"\nfi\n'
}


def test_options_that_the_sources_demand() -> None:
    found = by_id(DETECTOR, image_view(files=EVDI))
    assert set(found) == {"kernel.dkms", "kernel.dkms-config"}
    assert found["kernel.dkms-config"].requirement == ConfigRequirement(config={"DRM": ("y", "m"), "I2C": ("y", "m")})
    assert found["kernel.dkms-config"].confidence is LIKELY
    assert found["kernel.dkms-config"].facts == {"kernel.config": ["DRM", "I2C"]}
    assert (found["kernel.dkms"].confidence, found["kernel.dkms"].requirement) == (HINT, None)
    assert found["kernel.dkms"].evidence[0].statement == "evdi 1.12.0; builds evdi; demands DRM, I2C"


def test_options_and_kernels_that_they_refuse() -> None:
    found = by_id(DETECTOR, image_view(files=OPENAFS))
    assert found["kernel.dkms-config"].requirement == ConfigRequirement(config={"PREEMPT_RT": ()})
    assert found["kernel.dkms-config"].facts == {}
    assert found["kernel.dkms-version"].requirement == KernelRequirement(kernel=">=3.9,<=6.12")
    assert found["kernel.dkms-version"].facts == {"kernel.version.min": "3.9"}


def test_trees_that_no_kernel_suits_demand_none() -> None:
    newer = {"/usr/src/new-1/dkms.conf": b"BUILD_EXCLUSIVE_KERNEL_MIN=6.13\n"}
    assert "kernel.dkms-version" not in by_id(DETECTOR, image_view(files=OPENAFS | newer))
    later = {"/usr/src/new-1/dkms.conf": b"BUILD_EXCLUSIVE_KERNEL_MIN=4.19\nBUILD_EXCLUSIVE_KERNEL_MAX=6.13\n"}
    common = by_id(DETECTOR, image_view(files=OPENAFS | later))["kernel.dkms-version"]
    assert common.requirement == KernelRequirement(kernel=">=4.19,<=6.12")
    assert len(common.evidence) == 2


def test_what_only_some_kernels_must_have_is_told_and_not_demanded() -> None:
    (note,) = findings(DETECTOR, image_view(files=V4L2))
    assert (note.id, note.confidence) == ("kernel.dkms", HINT)
    assert "VIDEO_V4L2" in note.evidence[0].statement


def test_trees_that_disagree_demand_nothing_of_it() -> None:
    other = {"/usr/src/rt-1/dkms.conf": b"BUILD_EXCLUSIVE_CONFIG=CONFIG_PREEMPT_RT\n"}
    assert "kernel.dkms-config" not in by_id(DETECTOR, image_view(files=OPENAFS | other))


def test_beside_another_program_they_are_a_hint_unless_it_runs_dkms() -> None:
    beside = image_view(files=EVDI, entrypoint_known=True)
    config = by_id(DETECTOR, beside)["kernel.dkms-config"]
    assert (config.confidence, config.severity, config.facts) == (HINT, Severity.INFO, {})
    run = replace(beside, commands={("/usr/sbin/dkms", "autoinstall"): LIKELY})
    assert by_id(DETECTOR, run)["kernel.dkms-config"].confidence is LIKELY


def test_other_sources_say_nothing() -> None:
    files = {"/usr/src/evdi/Makefile": b"", "/home/a/dkms.conf": b"BUILD_EXCLUSIVE_CONFIG=CONFIG_DRM\n"}
    assert findings(DETECTOR, image_view(files=files)) == []
