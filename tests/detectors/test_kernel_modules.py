import lzma
from dataclasses import replace

import pytest

from compatbuild.detectors.kernel_modules import DETECTOR, MAX_RELEASES
from compatbuild.image import kmod
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import KernelReleaseRequirement
from tests.builders.views import by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
RHEL, DEBIAN = "5.14.0-570.el9.x86_64", "6.1.0-56-cloud-amd64"
ACME = "/drivers/acme.ko"


def ko(release: str, *, in_tree: bool = False) -> ElfFacts:
    markers = {kmod.VERMAGIC.id: (release,)} | ({kmod.IN_TREE.id: ()} if in_tree else {})
    return elf(type=1, markers=markers)


def running(elves: dict[str, ElfFacts], *words: str, confidence: Confidence = PROVEN) -> ImageView:
    return replace(image_view(elves=elves, entrypoint_known=True), commands={words: confidence})


def release(view: ImageView) -> Finding:
    return by_id(DETECTOR, view)["kernel.release"]


def test_a_module_that_the_entrypoint_loads_pins_the_kernel() -> None:
    finding = release(running({ACME: ko(RHEL)}, "insmod", ACME, "debug=1"))
    assert finding.requirement == KernelReleaseRequirement(kernel_release=(RHEL,))
    assert (finding.confidence, finding.severity) == (PROVEN, Severity.REQUIRED)
    assert finding.facts == {"kernel.release": RHEL}
    assert finding.evidence[0].path == ACME
    assert "default program loads it" in finding.evidence[0].statement


def test_a_script_makes_it_likely() -> None:
    assert release(running({ACME: ko(RHEL)}, "/sbin/insmod", ACME, confidence=LIKELY)).confidence is LIKELY


@pytest.mark.parametrize(
    "words",
    [
        ("modprobe", "acme_net"),
        ("modprobe", "-d", "/opt", "acme-net", "debug=1"),
        ("modprobe", "-a", "tun", "acme-net"),
    ],
)
def test_modprobe_finds_modules_by_name(words: tuple[str, ...]) -> None:
    path = f"/opt/lib/modules/{RHEL}/extra/acme-net.ko"
    assert release(running({path: ko(RHEL)}, *words)).confidence is PROVEN


@pytest.mark.parametrize(
    "words",
    [("modprobe", "tun"), ("modprobe", "tun", "acme=1"), ("modprobe", "-r", "acme"), ("rmmod", ACME), ("sleep", "1")],
)
def test_a_module_that_nobody_loads_is_a_hint(words: tuple[str, ...]) -> None:
    elves = {f"/lib/modules/{RHEL}/extra/acme.ko": ko(RHEL), ACME: ko(RHEL)}
    finding = release(running(elves, *words))
    assert (finding.confidence, finding.severity, finding.facts) == (HINT, Severity.INFO, {})


def test_an_image_of_modules_alone_is_for_their_kernels() -> None:
    one = release(image_view(elves={ACME: ko(RHEL)}))
    assert (one.confidence, one.facts) == (LIKELY, {"kernel.release": RHEL})
    two = release(image_view(elves={ACME: ko(RHEL), "/drivers/other.ko": ko(DEBIAN)}))
    assert two.requirement == KernelReleaseRequirement(kernel_release=(RHEL, DEBIAN))
    assert two.facts == {}


def test_a_kernels_own_modules_pin_nothing() -> None:
    """As in linux-image-6.1.0-56-cloud-amd64-unsigned of Debian 12, which has 1,121."""
    tree = f"/usr/lib/modules/{DEBIAN}/kernel/fs"
    elves = {f"{tree}/fuse/fuse.ko": ko(DEBIAN, in_tree=True), f"{tree}/nfs/nfs.ko": ko(DEBIAN, in_tree=True)}
    (note,) = findings(DETECTOR, image_view(elves=elves))
    assert (note.id, note.confidence, note.requirement) == ("kernel.boot-modules", HINT, None)
    assert DEBIAN in note.title
    (called,) = findings(DETECTOR, running(elves, "modprobe", "fuse"))
    assert called.id == "kernel.boot-modules"


def test_compressed_modules_of_a_kernel_are_known_by_their_names() -> None:
    view = image_view(files={f"/lib/modules/{RHEL}/kernel/fs/fuse/fuse.ko.xz": b"\xfd7zXZ"})
    assert [finding.id for finding in findings(DETECTOR, view)] == ["kernel.boot-modules"]


def test_beside_a_whole_kernel_a_module_from_outside_pins_nothing() -> None:
    elves = {
        f"/lib/modules/{DEBIAN}/kernel/fs/fuse/fuse.ko": ko(DEBIAN, in_tree=True),
        f"/lib/modules/{DEBIAN}/updates/dkms/acme.ko": ko(DEBIAN),
    }
    assert set(by_id(DETECTOR, image_view(elves=elves))) == {"kernel.boot-modules"}
    assert release(running(elves, "modprobe", "acme")).confidence is PROVEN


def test_a_compressed_module_is_read() -> None:
    text = b"\0" * 4096 + b"license=GPL\0depends=\0vermagic=" + RHEL.encode() + b" SMP mod_unload \0"
    view = image_view(files={f"/lib/modules/{RHEL}/extra/acme.ko.xz": lzma.compress(text)})
    assert release(view).facts == {"kernel.release": RHEL}


def test_files_that_only_look_like_modules_say_nothing() -> None:
    elves = {"/opt/a.ko": elf(type=1), "/opt/libb.so": ko(RHEL), "/lib/modules/5.14/build/x.o": elf(type=1)}
    files = {f"/lib/modules/{RHEL}/extra/acme.ko.xz": b"no module", "/lib/modules/a\nb/kernel/x.ko.gz": b""}
    assert findings(DETECTOR, image_view(elves=elves, files=files)) == []


def test_more_kernels_than_anybody_builds_for_are_no_requirement() -> None:
    elves = {f"/drivers/{n}.ko": ko(f"5.14.{n}") for n in range(MAX_RELEASES + 1)}
    finding = release(image_view(elves=elves))
    assert (finding.confidence, finding.facts) == (HINT, {})
