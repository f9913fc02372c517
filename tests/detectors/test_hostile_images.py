"""Images say what their authors like: no text, number or combination of them makes a detector fail."""

import pkgutil
from importlib import import_module

from hypothesis import given, settings
from hypothesis import strategies as st

import compatbuild.detectors
from compatbuild.detectors import Detector
from compatbuild.image.elf import BpfObject, DeviceCode, ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import ImageView, Package
from compatbuild.model.finding import Confidence
from tests.builders.views import findings, image_view

DETECTORS: list[Detector] = [
    import_module(f"compatbuild.detectors.{module.name}").DETECTOR
    for module in pkgutil.iter_modules(compatbuild.detectors.__path__)
    if module.name[0] != "_"
]
MARKERS = [marker.id for marker in Interests.union(d.interests for d in DETECTORS).markers]
LONG = st.sampled_from(
    ["x" * 3000, "librte_eal.so." + "9" * 3000, "1." * 2000, "\x1b[31m", "\0", "%s", "{machine}", "*"]
)
TEXT = st.one_of(LONG, st.text(max_size=20))
SONAMES = st.one_of(
    TEXT,
    st.sampled_from(
        ["libcudart.so.12", "libcudart-256e6409.so.12.9.79", "libcublas.so.11", "libcuda.so.1", "libmpi.so.12"]
    ),
    st.sampled_from(
        ["libmpi.so.40", "libfuse3.so.3", "libbcc.so.0", "libc.so.6", "ld-linux-x86-64.so.2", "libuct_ib.so"]
    ),
)
GPU_SONAMES = st.sampled_from(
    [
        "libamdhip64.so.6",
        "libhipblas.so." + "9." * 2000,
        "libze_loader.so.1",
        "libsycl.so.9",
        "libnrt.so.1",
        "libascendcl.so",
    ]
)
HIP = st.one_of(TEXT, st.sampled_from(["gfx90a:xnack+", "gfx9-4-generic", "amdgcnspirv", "gfx" + "9" * 3000]))
SECTIONS = st.one_of(TEXT, TEXT.map("__CLANG_OFFLOAD_BUNDLE__sycl-{}".format))
VERSIONS = st.from_regex(r"\d{1,3}\.\d{1,3}", fullmatch=True)
CODE = st.builds(
    DeviceCode,
    st.sampled_from(["sass", "ptx", "other"]),
    st.one_of(TEXT, st.from_regex(r"\d{1,5}[af]?", fullmatch=True)),
    st.one_of(TEXT, VERSIONS),
    st.sampled_from(["", ".nv_fatbin", "__nv_relfatbin"]),
)
BPF = st.builds(BpfObject, st.integers(0, 2**63), st.lists(TEXT, max_size=3).map(tuple), st.integers(0, 2**32))
ELVES = st.builds(
    ElfFacts,
    machine=st.sampled_from([0, 3, 62, 183, 65535]),
    bits=st.sampled_from([32, 64]),
    interpreter=st.one_of(TEXT, st.just("/lib64/ld-linux-x86-64.so.2"), st.just("/" + "a/" * 2000 + "ld-linux.so.2")),
    soname=st.one_of(SONAMES, GPU_SONAMES),
    needed=st.lists(st.one_of(SONAMES, GPU_SONAMES), max_size=3).map(tuple),
    sections=st.lists(SECTIONS, max_size=2).map(tuple),
    hip=st.lists(HIP, max_size=3).map(tuple),
    isa_needed=st.integers(0, 2**32),
    load_align=st.integers(0, 2**63),
    device_code=st.lists(CODE, max_size=3).map(tuple),
    bpf=st.lists(BPF, max_size=2).map(tuple),
    go=st.dictionaries(st.just("GOAMD64"), TEXT),
    markers=st.dictionaries(st.sampled_from(MARKERS), st.tuples(VERSIONS)),
)
PATHS = st.one_of(
    SONAMES.map(lambda name: f"/lib/{name}"),
    st.sampled_from(
        [
            "/usr/bin/qemu-system-x86_64",
            "/usr/local/cuda/compat/libcuda.so.1",
            "/opt/rocm-6.3.1/lib/x.so",
            "/usr/sbin/openvpn",
            "/etc/os-release",
        ]
    ),
)
NAMES = st.one_of(TEXT, st.sampled_from(["libc6", "musl", "glibc", "mpich", "openvpn", "dpdk", "bpftrace"]))
PACKAGES = st.builds(Package, st.sampled_from(["deb", "rpm", "apk", "pypi"]), NAMES, TEXT, PATHS, TEXT)
KEYS = st.sampled_from(
    [
        "NVIDIA_REQUIRE_CUDA",
        "NVIDIA_REQUIRE_" + "É" * 400,
        "NVIDIA_DISABLE_REQUIRE",
        "CUDA_VERSION",
        "NVIDIA_VISIBLE_DEVICES",
        "NVIDIA_DRIVER_CAPABILITIES",
        "FI_PROVIDER",
    ]
)
VALUES = st.one_of(TEXT, st.sampled_from(["cuda>=12.4", "brand=tesla,driver>=470", "12.4.1", "all", "efa"]))
RELEASES: st.SearchStrategy[dict[str, str]] = st.one_of(
    st.just({}), st.fixed_dictionaries({"ID": st.sampled_from(["rhel", "almalinux", "x" * 300]), "VERSION_ID": TEXT})
)


@st.composite
def views(draw: st.DrawFn) -> ImageView:
    elves = draw(st.dictionaries(PATHS, ELVES, max_size=4))
    reached = {path: c for path in elves if (c := draw(st.sampled_from([None, Confidence.PROVEN, Confidence.LIKELY])))}
    return image_view(
        elves=elves,
        files=draw(st.dictionaries(st.just("/a/_polars_runtime_32/build_feature_flags.py"), st.binary(max_size=99))),
        env=draw(st.dictionaries(KEYS, VALUES, max_size=3)),
        packages=draw(st.lists(PACKAGES, max_size=3)),
        os_release=draw(RELEASES),
        reached=reached,
        entrypoint_known=draw(st.booleans()),
        architecture=draw(st.sampled_from(["", "amd64", "arm64", "riscv64", "x" * 3000])),
    )


@settings(max_examples=200)
@given(views())
def test_no_image_makes_a_detector_fail(view: ImageView) -> None:
    for detector in DETECTORS:
        for finding in findings(detector, view):
            assert finding.evidence
            assert len(finding.title) <= 300
