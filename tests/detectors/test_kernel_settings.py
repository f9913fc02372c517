from dataclasses import replace

import pytest

from compatbuild.detectors._modprobe import probed
from compatbuild.detectors.kernel_settings import DETECTOR
from compatbuild.inference.rules import compile_set
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import AlternativesRequirement, FacilityRequirement
from tests.builders.views import by_id, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
LIST = "/etc/modules-load.d/net.conf"
OVERLAY = FacilityRequirement(facility=("OVERLAY_FS",), modules=("overlay",))
BRIDGE = FacilityRequirement(facility=("BRIDGE_NETFILTER",), modules=("br_netfilter",))
SYSTEMD = {"/usr/lib/systemd/systemd": elf()}


def test_one_module_of_an_administrators_list() -> None:
    (finding,) = findings(DETECTOR, image_view(files={LIST: b"# for containers\n\n  overlay\n; no more\n"}))
    assert (finding.id, finding.confidence, finding.severity) == ("kernel.modules-load", LIKELY, Severity.REQUIRED)
    assert finding.requirement == OVERLAY
    assert finding.facts == {"kernel.config": ["OVERLAY_FS"], "kernel.modules": ["overlay"]}
    assert (finding.evidence[0].path, finding.evidence[0].locator) == (LIST, "overlay")


def test_several_must_all_be_there() -> None:
    (finding,) = findings(DETECTOR, image_view(files={LIST: b"overlay\nbr-netfilter\n"}))
    assert finding.requirement == AlternativesRequirement(any=((BRIDGE, OVERLAY),))
    (rule,) = compile_set([finding.requirement], name="test").compatibility.rules
    named = {name for branch in rule.matchAny for term in branch.matchFeatures for name in term.matchExpressions or ()}
    assert named >= {"OVERLAY_FS", "BRIDGE_NETFILTER"}


def test_a_list_is_heeded_by_an_init_system() -> None:
    files = {LIST: b"overlay\n"}
    booting = image_view(files=files, elves=SYSTEMD, reached=dict.fromkeys(SYSTEMD, PROVEN))
    assert by_id(DETECTOR, booting)["kernel.modules-load"].confidence is LIKELY
    beside = image_view(files=files, elves={"/app": elf()}, reached={"/app": PROVEN})
    assert set(by_id(DETECTOR, beside)) == {"kernel.modules-listed"}


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/etc/modules-load.d/cups-filters.conf", b"lp\nppdev\nparport_pc\n"),  # Debian 12: cups prints without
        ("/usr/lib/modules-load.d/open-iscsi.conf", b"ib_iser\n"),  # of no use to most who have the package
        ("/etc/modules", b"acme_net\n"),
    ],
)
def test_other_lists_are_a_hint(path: str, content: bytes) -> None:
    (finding,) = findings(DETECTOR, image_view(files={path: content}))
    assert (finding.id, finding.confidence, finding.requirement) == ("kernel.modules-listed", HINT, None)


def test_what_the_default_program_probes_is_a_hint() -> None:
    """docker's own image runs ``modprobe nf_tables || :``, which a shell's words do not show."""
    view = replace(image_view(entrypoint_known=True), commands={("modprobe", "nf_tables"): LIKELY})
    (finding,) = findings(DETECTOR, view)
    assert (finding.id, finding.title) == ("kernel.modules-listed", "Lists kernel modules to load: nf_tables")


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("modprobe", "tun"), ["tun"]),
        (("/sbin/modprobe", "-q", "tun", "debug=1"), ["tun"]),
        (("modprobe", "-a", "-d", "/opt", "tun", "fuse"), ["tun", "fuse"]),
        (("modprobe", "-r", "tun"), []),
        (("modprobe",), []),
        (("lsmod", "tun"), []),
    ],
)
def test_the_arguments_of_modprobe(words: tuple[str, ...], names: list[str]) -> None:
    assert probed(words) == names


def test_kernel_parameters_are_a_note() -> None:
    files = {"/etc/sysctl.d/90-search.conf": b"# much\nvm.max_map_count = 262144\n-net/ipv4/ip_forward=1\n"}
    (finding,) = findings(DETECTOR, image_view(files=files))
    assert (finding.id, finding.confidence, finding.requirement) == ("kernel.sysctl", HINT, None)
    assert finding.title.endswith("net.ipv4.ip_forward, vm.max_map_count")
    assert "262144" not in finding.model_dump_json()


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/etc/sysctl.conf", b"#net.ipv4.ip_forward=1\n"),  # Debian's, all of it commented out
        ("/etc/sysctl.d/10-network-security.conf", b"net.ipv4.conf.all.rp_filter=2\n"),
        ("/usr/lib/sysctl.d/99-protect-links.conf", b"fs.protected_hardlinks = 1\n"),
        ("/etc/sysctl.d/README.sysctl", b"a = b\n"),
        ("/etc/modules", b"# /etc/modules: kernel modules to load at boot time.\n"),
        ("/etc/modules-load.d/odd.conf", b"../../x\n\xff\xfe\n"),
    ],
)
def test_what_every_installation_has_says_nothing(path: str, content: bytes) -> None:
    assert findings(DETECTOR, image_view(files={path: content})) == []
