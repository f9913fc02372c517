import pytest

from compatbuild.detectors.kernel_ipvs import DETECTOR
from compatbuild.model.finding import Confidence
from compatbuild.model.requirement import FacilityRequirement
from tests.builders.views import deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
KEEPALIVED = {"/usr/sbin/keepalived": elf("libnftnl.so.11")}
SETTINGS = "/etc/keepalived/keepalived.conf"
BALANCING = b"global_defs {\n}\n  virtual_server 192.0.2.1 443 {\n}\n"
GROUPS = b"virtual_server_group web {\n}\n"
VRRP = b"# a virtual_server would go here\nvrrp_instance a {\n  virtual_ipaddress {\n  }\n}\n"


def test_ipvsadm_is_of_no_use_without() -> None:
    (finding,) = findings(DETECTOR, image_view(packages=[deb("ipvsadm")]))
    assert finding.requirement == FacilityRequirement(facility=("IP_VS",), modules=("ip_vs",))
    assert (finding.id, finding.confidence) == ("kernel.ipvs", LIKELY)
    assert finding.facts == {"kernel.config": ["IP_VS"], "kernel.modules": ["ip_vs"]}


@pytest.mark.parametrize("settings", [BALANCING, GROUPS])
def test_keepalived_needs_it_for_virtual_servers(settings: bytes) -> None:
    (finding,) = findings(
        DETECTOR, image_view(elves=KEEPALIVED, files={SETTINGS: settings}, reached={"/usr/sbin/keepalived": PROVEN})
    )
    assert finding.confidence is LIKELY


@pytest.mark.parametrize("files", [{}, {SETTINGS: VRRP}])
def test_keepalived_without_virtual_servers_makes_a_hint(files: dict[str, bytes]) -> None:
    view = image_view(elves=KEEPALIVED, files=files, reached={"/usr/sbin/keepalived": PROVEN})
    (finding,) = findings(DETECTOR, view)
    assert (finding.confidence, finding.facts) == (HINT, {})


def test_what_the_package_is_for_counts_where_nothing_else_tells() -> None:
    assert findings(DETECTOR, image_view(elves=KEEPALIVED))[0].confidence is LIKELY
    assert findings(DETECTOR, image_view(elves=KEEPALIVED, files={SETTINGS: VRRP}))[0].confidence is HINT


def test_other_programs_that_know_of_it_say_nothing() -> None:
    elves = {"/usr/bin/dockerd": elf(), "/usr/bin/kube-proxy": elf(), "/usr/sbin/ipvsadm-save.bak": elf()}
    assert findings(DETECTOR, image_view(elves=elves)) == []
