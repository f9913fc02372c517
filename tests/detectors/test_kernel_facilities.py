import pytest

from compatbuild.detectors.kernel_facilities import DETECTOR
from compatbuild.knowledge import load
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import FacilityRequirement
from tests.builders.views import by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT


@pytest.mark.parametrize(
    ("package", "facility", "options", "modules"),
    [
        ("fuse3", "kernel.fuse", ("FUSE_FS",), ("fuse",)),
        ("openvpn", "kernel.tun", ("TUN",), ("tun",)),
        ("wireguard-tools", "kernel.wireguard", ("WIREGUARD",), ("wireguard",)),
        ("nftables", "kernel.nftables", ("NF_TABLES",), ("nf_tables",)),
        ("open-iscsi", "kernel.iscsi", ("ISCSI_TCP",), ("iscsi_tcp",)),
        ("nfs-common", "kernel.nfs", ("NFS_FS",), ("nfs",)),
        ("lvm2", "kernel.device-mapper", ("BLK_DEV_DM",), ("dm_mod",)),
        ("libsctp1", "kernel.sctp", ("IP_SCTP",), ("sctp",)),
        ("docker.io", "kernel.overlay", ("OVERLAY_FS",), ("overlay",)),
    ],
)
def test_a_package_of_an_image_without_a_program_of_its_own(
    package: str, facility: str, options: tuple[str, ...], modules: tuple[str, ...]
) -> None:
    found = by_id(DETECTOR, image_view(packages=[deb(package), deb("bash")]))
    assert set(found) == {facility}
    assert found[facility].requirement == FacilityRequirement(facility=options, modules=modules)
    assert (found[facility].confidence, found[facility].severity) == (LIKELY, Severity.REQUIRED)
    assert found[facility].facts == {"kernel.config": list(options), "kernel.modules": list(modules)}


def test_a_package_beside_another_program_is_a_hint_and_states_no_fact() -> None:
    view = image_view(elves={"/app": elf()}, packages=[deb("openvpn")], reached={"/app": PROVEN})
    finding = by_id(DETECTOR, view)["kernel.tun"]
    assert (finding.confidence, finding.severity, finding.facts) == (HINT, Severity.INFO, {})


def test_a_reached_program_is_likely_at_most() -> None:
    view = image_view(elves={"/usr/sbin/openvpn": elf()}, reached={"/usr/sbin/openvpn": PROVEN})
    finding = by_id(DETECTOR, view)["kernel.tun"]
    assert finding.confidence is LIKELY
    assert [evidence.path for evidence in finding.evidence] == ["/usr/sbin/openvpn"]


def test_an_emulator_of_the_images_own_machine_wants_kvm() -> None:
    own, other = {"/usr/bin/qemu-system-x86_64": elf()}, {"/usr/bin/qemu-system-aarch64": elf()}
    assert by_id(DETECTOR, image_view(elves=own))["kernel.kvm"].requirement == FacilityRequirement(
        facility=("KVM",), modules=("kvm_intel", "kvm_amd")
    )
    assert "kernel.modules" not in by_id(DETECTOR, image_view(elves=own))["kernel.kvm"].facts
    assert findings(DETECTOR, image_view(elves=other)) == []
    assert findings(DETECTOR, image_view(elves={"/usr/bin/qemu-x86_64-static": elf()})) == []
    assert set(by_id(DETECTOR, image_view(elves=other, architecture="arm64"))) == {"kernel.kvm"}


def test_an_emulator_links_libfuse_for_a_side_feature() -> None:
    qemu = "/usr/bin/qemu-system-x86_64"
    view = image_view(elves={qemu: elf("libfuse3.so.3", "libbpf.so.1")}, reached={qemu: PROVEN})
    found = by_id(DETECTOR, view)
    assert found["kernel.kvm"].confidence is LIKELY
    assert found["kernel.fuse"].confidence is HINT


@pytest.mark.parametrize("soname", ["libfuse.so.2", "libfuse3.so.3", "libfuse3.so.4"])
def test_a_reached_program_on_libfuse_needs_fuse(soname: str) -> None:
    reached = image_view(elves={"/usr/bin/s3fs": elf(soname)}, reached={"/usr/bin/s3fs": PROVEN})
    assert by_id(DETECTOR, reached)["kernel.fuse"].confidence is LIKELY
    for unreached in (
        image_view(elves={"/usr/bin/grub-mount": elf(soname)}),
        image_view(elves={"/lib/x.so": elf(soname)}),
    ):
        assert by_id(DETECTOR, unreached)["kernel.fuse"].confidence is HINT


def test_the_library_alone_uses_nothing() -> None:
    view = image_view(elves={"/lib/libfuse3.so.3": elf(soname="libfuse3.so.3")}, packages=[deb("libfuse3-3")])
    assert findings(DETECTOR, view) == []


def test_near_misses_of_names() -> None:
    elves = {
        "/bin/busybox": elf(),
        "/usr/bin/openvpn-plugin.so": elf(),
        "/usr/bin/wgcf": elf(),
        "/usr/sbin/dmsetup": elf(),
    }
    packages = [
        deb("busybox-static"),
        deb("libc6"),
        deb("openvpn-systemd-resolved"),
        deb("dmsetup"),
        deb("libseccomp2"),
    ]
    assert findings(DETECTOR, image_view(elves=elves, packages=packages)) == []


def test_docker_needs_overlay_and_neither_kvm_nor_tun() -> None:
    elves = {"/usr/sbin/dockerd": elf("libdevmapper.so.1.02.1"), "/usr/sbin/docker-proxy": elf()}
    assert set(by_id(DETECTOR, image_view(elves=elves, packages=[deb("docker.io")]))) == {"kernel.overlay"}


def test_every_facility_can_be_found() -> None:
    for name, row in load().kernel.facilities.items():
        assert row.value.programs, name
        assert row.value.packages, name
        assert row.value.options, name
