from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePosixPath

import pytest

from compatbuild.detectors.kernel_iptables import DETECTOR
from compatbuild.image.view import ImageView, Kind, Node
from compatbuild.model.finding import Confidence, Finding
from compatbuild.model.requirement import AlternativesRequirement, FacilityRequirement
from tests.builders.views import elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
NFT = FacilityRequirement(facility=("NF_TABLES",), modules=("nf_tables",))
LEGACY = FacilityRequirement(facility=("IP_NF_FILTER", "IP_NF_NAT"), modules=("iptable_filter", "iptable_nat"))
BOTH = {"/usr/sbin/xtables-nft-multi": elf("libnftnl.so.11"), "/usr/sbin/xtables-legacy-multi": elf("libip4tc.so.2")}


def linked(view: ImageView, links: Mapping[str, str]) -> ImageView:
    made = {path: Node(Kind.SYMLINK, 0, target=target) for path, target in links.items()}
    above = {str(parent): Node(Kind.DIRECTORY, 0) for path in links for parent in PurePosixPath(path).parents}
    return replace(view, nodes={**view.nodes, **above, **made})


def debian(variant: str) -> ImageView:
    """Return a view of both variants with the alternative as update-alternatives sets it."""
    return linked(
        image_view(elves=BOTH),
        {
            "/usr/sbin/iptables": "/etc/alternatives/iptables",
            "/etc/alternatives/iptables": f"/usr/sbin/iptables-{variant}",
            "/usr/sbin/iptables-nft": "xtables-nft-multi",
            "/usr/sbin/iptables-legacy": "xtables-legacy-multi",
        },
    )


def only(view: ImageView) -> Finding:
    (finding,) = findings(DETECTOR, view)
    return finding


@pytest.mark.parametrize(("variant", "requirement"), [("nft", NFT), ("legacy", LEGACY)])
def test_the_alternative_decides(variant: str, requirement: FacilityRequirement) -> None:
    finding = only(debian(variant))
    assert finding.id == f"kernel.iptables-{variant}"
    assert finding.requirement == requirement
    assert finding.confidence is LIKELY
    assert finding.facts["kernel.config"] == list(requirement.facility)
    assert [evidence.path for evidence in finding.evidence] == [f"/usr/sbin/xtables-{variant}-multi"]


def test_the_legacy_variant_is_never_gated_by_the_option_that_kernels_without_tables_have() -> None:
    assert "IP_NF_IPTABLES" not in str(only(debian("legacy")))


def test_the_only_variant_in_the_image_decides() -> None:
    alpine = image_view(elves={"/sbin/xtables-legacy-multi": elf()})
    assert only(alpine).requirement == LEGACY
    assert only(image_view(elves={"/usr/sbin/xtables-nft-multi": elf()})).requirement == NFT


@pytest.mark.parametrize("links", [{}, {"/usr/sbin/iptables": "/usr/sbin/iptables-wrapper"}])
def test_without_a_link_either_will_do(links: dict[str, str]) -> None:
    view = linked(image_view(elves=BOTH, files={"/usr/sbin/iptables-wrapper": b"#!/bin/sh\n"}), links)
    finding = only(view)
    assert (finding.id, finding.confidence, finding.facts) == ("kernel.iptables", LIKELY, {})
    assert finding.requirement == AlternativesRequirement(any=((NFT,), (LEGACY,)))


def test_what_the_default_program_runs_counts_more_than_the_link() -> None:
    view = debian("nft")
    view = replace(view, entrypoint_known=True, reached=image_view(reached=dict.fromkeys(BOTH, LIKELY)).reached)
    assert only(view).id == "kernel.iptables"
    reached = image_view(reached={"/usr/sbin/xtables-legacy-multi": LIKELY}).reached
    assert only(replace(view, reached=reached)).requirement == LEGACY


def test_beside_another_program_it_is_a_hint() -> None:
    view = replace(debian("nft"), entrypoint_known=True)
    assert (only(view).id, only(view).confidence, only(view).facts) == ("kernel.iptables-nft", HINT, {})


def test_the_libraries_alone_say_nothing() -> None:
    elves = {"/usr/lib/libxtables.so.12": elf(), "/usr/lib/libip4tc.so.2": elf(), "/usr/sbin/nfnl_osf": elf()}
    assert findings(DETECTOR, image_view(elves=elves)) == []
