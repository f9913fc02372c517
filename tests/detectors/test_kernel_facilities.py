import pytest

from compatbuild.detectors.kernel_facilities import DETECTOR
from compatbuild.image.view import Package
from compatbuild.knowledge import load
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import FacilityRequirement, ModuleRequirement
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
        ("cifs-utils", "kernel.cifs", ("CIFS",), ("cifs",)),
        ("multipath-tools", "kernel.multipath", ("DM_MULTIPATH",), ("dm_multipath",)),
        ("cryptsetup-bin", "kernel.dm-crypt", ("DM_CRYPT",), ("dm_crypt",)),
        ("nfs-kernel-server", "kernel.nfs-server", ("NFSD",), ("nfsd",)),
        ("nbd-client", "kernel.nbd", ("BLK_DEV_NBD",), ("nbd",)),
        ("autofs", "kernel.autofs", ("AUTOFS_FS",), ("autofs4",)),
        ("openvswitch-switch", "kernel.openvswitch", ("OPENVSWITCH",), ("openvswitch",)),
        ("ipset", "kernel.ipset", ("IP_SET",), ("ip_set",)),
        ("cryfs", "kernel.fuse", ("FUSE_FS",), ("fuse",)),
        ("davfs2", "kernel.fuse", ("FUSE_FS",), ("fuse",)),
        ("vpnc", "kernel.tun", ("TUN",), ("tun",)),
        ("firewalld", "kernel.nftables", ("NF_TABLES",), ("nf_tables",)),
        ("bridge-utils", "kernel.bridge", ("BRIDGE",), ("bridge",)),
        ("batctl", "kernel.batman", ("BATMAN_ADV",), ("batman_adv",)),
        ("dlm-controld", "kernel.dlm", ("DLM",), ("dlm",)),
        ("ecryptfs-utils", "kernel.ecryptfs", ("ECRYPT_FS",), ("ecryptfs",)),
        ("usbip", "kernel.usb-ip", ("USBIP_CORE",), ("usbip_core",)),
        ("ndctl", "kernel.nvdimm", ("LIBNVDIMM",), ("libnvdimm",)),
        ("opensm", "kernel.infiniband-management", ("INFINIBAND_USER_MAD",), ("ib_umad",)),
        ("infiniband-diags", "kernel.infiniband-management", ("INFINIBAND_USER_MAD",), ("ib_umad",)),
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


def test_a_python_project_of_the_same_name_is_another_thing() -> None:
    project = Package("pypi", "perf", "0.1", "/usr/lib/python3/dist-packages/perf-0.1.egg-info/PKG-INFO")
    assert not findings(DETECTOR, image_view(packages=[project]))


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
    found = sure(by_id(DETECTOR, image_view(elves=other, architecture="arm64")))
    assert found == {"kernel.kvm": LIKELY, "kernel.tun": HINT, "kernel.vfio": HINT, "kernel.vhost": HINT}


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
    found = by_id(DETECTOR, image_view(elves=elves, packages=[deb("docker.io")]))
    assert sure(found) == {"kernel.overlay": LIKELY, "kernel.container-network": HINT}


def sure(found: dict[str, Finding]) -> dict[str, Confidence]:
    return {identity: finding.confidence for identity, finding in found.items()}


def test_a_library_for_a_side_feature_is_no_need_and_explains_its_package() -> None:
    """iperf3 speaks SCTP when asked to; its library links libsctp always (seen in Debian 12)."""
    elves = {"/usr/bin/iperf3": elf("libiperf.so.0"), "/lib/libiperf.so.0.0.0": elf("libsctp.so.1")}
    alone = image_view(elves=elves, packages=[deb("iperf3"), deb("libsctp1")])
    run = image_view(elves=elves, packages=[deb("libsctp1")], reached=dict.fromkeys(elves, PROVEN))
    assert sure(by_id(DETECTOR, alone)) == sure(by_id(DETECTOR, run)) == {"kernel.sctp": HINT}
    assert sure(by_id(DETECTOR, image_view(packages=[deb("libsctp1")]))) == {"kernel.sctp": LIKELY}


def test_programs_that_come_along_count_only_when_called() -> None:
    elves = {"/usr/bin/newuidmap": elf(), "/sbin/dmsetup": elf(), "/usr/sbin/rpc.nfsd": elf()}
    assert findings(DETECTOR, image_view(elves=elves)) == []
    called = by_id(DETECTOR, image_view(elves=elves, reached={"/usr/bin/newuidmap": LIKELY}))
    assert sure(called) == {"kernel.user-namespaces": LIKELY}


def test_a_program_for_infinibands_management_needs_more_than_one_that_can_use_it() -> None:
    elves = {"/usr/sbin/ibping": elf("libibumad.so.3"), "/usr/bin/ib_send_bw": elf("libibumad.so.3")}
    ping, send = ({path: PROVEN} for path in elves)
    assert sure(by_id(DETECTOR, image_view(elves=elves, reached=ping))) == {"kernel.infiniband-management": LIKELY}
    assert sure(by_id(DETECTOR, image_view(elves=elves, reached=send))) == {"kernel.infiniband-management": HINT}


def test_tools_of_legacy_tables_count_only_when_called() -> None:
    elves = {"/usr/sbin/ebtables-legacy": elf(), "/usr/sbin/arptables-legacy": elf()}
    assert findings(DETECTOR, image_view(elves=elves, packages=[deb("ebtables"), deb("arptables")])) == []
    called = image_view(elves=elves, reached={"/usr/sbin/ebtables-legacy": PROVEN})
    assert sure(by_id(DETECTOR, called)) == {"kernel.ebtables": LIKELY}


def test_ceph_common_holds_more_than_mounts() -> None:
    elves = {"/sbin/mount.ceph": elf(), "/usr/bin/rbd": elf("librbd.so.1"), "/usr/bin/ceph-conf": elf()}
    assert sure(by_id(DETECTOR, image_view(elves=elves))) == {"kernel.ceph": HINT, "kernel.rbd": HINT}
    mounts = image_view(elves=elves, reached={"/sbin/mount.ceph": PROVEN})
    assert sure(by_id(DETECTOR, mounts)) == {"kernel.ceph": LIKELY, "kernel.rbd": HINT}


@pytest.mark.parametrize(
    ("program", "facility", "substitute"),
    [("wg", "kernel.wireguard", "wireguard-go"), ("podman", "kernel.overlay", "fuse-overlayfs")],
)
def test_a_substitute_in_user_space_leaves_a_hint(program: str, facility: str, substitute: str) -> None:
    alone, both = {f"/usr/bin/{program}": elf()}, {f"/usr/bin/{name}": elf() for name in (program, substitute)}
    assert by_id(DETECTOR, image_view(elves=alone))[facility].confidence is LIKELY
    assert by_id(DETECTOR, image_view(elves=both))[facility].confidence is HINT


def test_a_script_counts_when_the_default_program_runs_it() -> None:
    script = {"/usr/bin/wg-quick": b"#!/bin/bash\n"}
    assert sure(by_id(DETECTOR, image_view(files=script, reached={"/usr/bin/wg-quick": PROVEN}))) == {
        "kernel.wireguard": LIKELY
    }
    assert findings(DETECTOR, image_view(files=script)) == []


def test_a_module_from_outside_the_kernel_is_asked_for_by_name() -> None:
    finding = by_id(DETECTOR, image_view(elves={"/sbin/mount.lustre": elf()}))["kernel.lustre"]
    assert finding.requirement == ModuleRequirement(module=("lustre",), state="enabled")
    assert finding.facts == {"kernel.modules": ["lustre"]}


def test_mpi_asks_a_files_layout_without_needing_lustre() -> None:
    """ROMIO links liblustreapi into libmpi (MPICH, ``--with-file-system=lustre``)."""
    elves = {"/app": elf("libmpi.so.12"), "/lib/libmpi.so.12": elf("liblustreapi.so.1", "libgpfs.so")}
    found = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    assert sure(found) == {"kernel.lustre": HINT, "kernel.gpfs": HINT}


@pytest.mark.parametrize("soname", ["libusb-1.0.so.0", "liburing.so.2"])
def test_what_every_user_can_do_without_is_a_hint(soname: str) -> None:
    (finding,) = findings(DETECTOR, image_view(elves={"/app": elf(soname)}, reached={"/app": PROVEN}))
    assert (finding.confidence, finding.severity, finding.facts) == (HINT, Severity.INFO, {})


def test_libraries_are_known_by_patterns() -> None:
    view = image_view(elves={"/app": elf("libpapi.so.7.0.0.0")}, reached={"/app": PROVEN})
    assert by_id(DETECTOR, view)["kernel.perf"].requirement == FacilityRequirement(facility=("PERF_EVENTS",))


def test_the_title_dates_what_is_more_than_believed_and_nothing_is_demanded_of_it() -> None:
    server = by_id(DETECTOR, image_view(packages=[deb("ksmbd-tools")]))["kernel.smb-server"]
    assert server.title == "A kernel with an SMB server (SMB_SERVER: in Linux by 6.1, not in 5.10)"
    assert server.requirement == FacilityRequirement(facility=("SMB_SERVER",), modules=("ksmbd",))
    assert by_id(DETECTOR, image_view(packages=[deb("wireguard-tools")]))["kernel.wireguard"].title.endswith(
        "WireGuard"
    )


def test_every_facility_can_be_found_and_named() -> None:
    for name, row in load().kernel.facilities.items():
        assert row.value.programs or row.value.optional or row.value.called or row.value.libraries or row.value.packages
        assert row.value.options or row.value.modules, name
