"""Settings, module files and command lines are text by whoever built the image: none makes a kernel detector fail."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.detectors import (
    architecture,
    bpf,
    dpdk,
    kernel_dkms,
    kernel_emulation,
    kernel_enclaves,
    kernel_facilities,
    kernel_iptables,
    kernel_ipvs,
    kernel_landlock,
    kernel_modules,
    kernel_pages,
    kernel_runtime,
    kernel_settings,
)
from compatbuild.image import kmod
from compatbuild.image.view import ImageView, Kind, Node
from compatbuild.inference.rules import compile_set
from compatbuild.model.finding import Confidence
from tests.builders.views import deb, elf, findings, image_view

DETECTORS = [
    module.DETECTOR
    for module in (
        architecture,
        bpf,
        dpdk,
        kernel_dkms,
        kernel_emulation,
        kernel_enclaves,
        kernel_facilities,
        kernel_iptables,
        kernel_ipvs,
        kernel_landlock,
        kernel_modules,
        kernel_pages,
        kernel_runtime,
        kernel_settings,
    )
]
TEXT = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)
NAMES = st.one_of(
    TEXT.filter(lambda text: "/" not in text and text not in ("", ".", "..")),
    st.sampled_from(
        ["a" * 3000, "x\ny", "\x1b[31m", "qemu-system-x86_64", "xtables-nft-multi", "mount.ceph", "wg", "*"]
    ),
)
LINES = st.lists(
    st.one_of(
        TEXT,
        st.sampled_from(
            [
                "PACKAGE_NAME=$PACKAGE_NAME$PACKAGE_NAME",
                "BUILD_EXCLUSIVE_CONFIG='CONFIG_A !CONFIG_A !!x'",
                "BUILD_EXCLUSIVE_KERNEL_MIN=9999.9999.9999",
                "BUILD_EXCLUSIVE_KERNEL_MAX=1",
                "fi",
                "overlay",
                "br-netfilter",
                "vm.nr_hugepages=1",
                "virtual_server {",
                "-" * 5000,
            ]
        ),
    ),
    max_size=6,
).map(lambda lines: "\n".join(lines).encode())
PATHS = [
    "/usr/src/{}/dkms.conf",
    "/etc/modules-load.d/{}.conf",
    "/usr/lib/modules-load.d/{}.conf",
    "/etc/sysctl.d/{}.conf",
    "/lib/modules/{}/extra/a.ko.xz",
    "/lib/modules/{}/kernel/a.ko.gz",
    "/etc/keepalived/keepalived.conf",
    "/etc/modules",
]
ENV = st.dictionaries(
    st.sampled_from(kernel_pages.PLACES),
    st.one_of(TEXT, st.sampled_from(["-XX:+UseLargePages " * 999, "glibc.malloc.hugetlb=" + "9" * 999, "thp:always"])),
    max_size=3,
)
WORDS = st.lists(
    st.one_of(NAMES, st.sampled_from(["modprobe", "-a", "-d", "insmod", "/drivers/a.ko", "postgres", "--", "/"])),
    min_size=1,
    max_size=6,
).map(tuple)
RELEASES = st.sampled_from(["6.1.0-56-amd64", "x" * 64, "1", "5.14.0-570.el9.x86_64"])
ELVES = st.builds(
    elf,
    st.sampled_from(["libfuse3.so.3", "libsgx_urts.so.2", "librte_eal.so." + "9" * 999, "libc.so.6"]),
    machine=st.sampled_from([0, 3, 40, 62, 183, 247]),
    bits=st.sampled_from([32, 64]),
    sections=st.sampled_from([(), (kernel_enclaves.METADATA,)]),
    markers=RELEASES.map(lambda release: {kmod.VERMAGIC.id: (release,)}),
)


@st.composite
def views(draw: st.DrawFn) -> ImageView:
    elves = draw(st.dictionaries(NAMES.map("/usr/bin/{}".format), ELVES, max_size=3))
    elves |= draw(st.dictionaries(NAMES.map("/drivers/{}.ko".format), ELVES, max_size=2))
    files = {draw(st.sampled_from(PATHS)).format(draw(NAMES)): draw(LINES) for _ in range(draw(st.integers(0, 4)))}
    confidences = st.sampled_from([None, Confidence.PROVEN, Confidence.LIKELY])
    view = image_view(
        elves=elves,
        files=files,
        env=draw(ENV),
        packages=[deb(draw(NAMES), draw(TEXT)) for _ in range(draw(st.integers(0, 2)))],
        reached={path: c for path in elves if (c := draw(confidences))},
        entrypoint_known=draw(st.booleans()),
        architecture=draw(st.sampled_from(["", "amd64", "arm64", "386", "x" * 300])),
    )
    commands = draw(st.dictionaries(WORDS, st.sampled_from([Confidence.PROVEN, Confidence.LIKELY]), max_size=3))
    links = draw(st.dictionaries(st.just("/usr/sbin/iptables"), NAMES, max_size=1))
    loops = {path: Node(Kind.SYMLINK, 0, target=target) for path, target in links.items()}
    return replace(view, commands=commands, nodes={**view.nodes, **loops})


@settings(max_examples=200)
@given(views())
def test_no_image_makes_a_kernel_detector_fail(view: ImageView) -> None:
    for detector in DETECTORS:
        for finding in findings(detector, view):
            assert finding.evidence
            assert 0 < len(finding.title) <= 300
            assert "\n" not in finding.title
            if finding.requirement is not None:
                compile_set([finding.requirement], name="test")
