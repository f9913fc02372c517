"""Verdicts of a few images on a few hosts, made by hand: one of each kind."""

from __future__ import annotations

from compatbuild.checking.verdicts import (
    Checked,
    ExpressionVerdict,
    HostVerdict,
    NeedVerdict,
    RuleVerdict,
    SetVerdict,
    Subject,
    Verdict,
    worst,
)

YES, NO, UNKNOWN, DEPENDS = Verdict.COMPATIBLE, Verdict.INCOMPATIBLE, Verdict.UNKNOWN, Verdict.DEPENDS


def row(
    verdict: Verdict, name: str = "IO_URING", *found: str, feature: str = "kernel.config", **more: str
) -> ExpressionVerdict:
    """An expression about an option of the kernel."""
    told = {"reason": "it is not there", "remedy": "take another kernel", "source": "profile x: /boot/config"}
    wanted = ("y", "m")
    return ExpressionVerdict(feature, name, "In", wanted, "", bool(found), found, verdict, **{**told, **more})


def host(
    name: str,
    *rows: ExpressionVerdict,
    branches: tuple[tuple[ExpressionVerdict, ...], ...] = (),
    needs: tuple[NeedVerdict, ...] = (),
    kind: str = "profile",
) -> HostVerdict:
    """A host with one set of one rule."""
    verdict = worst(*(one.verdict for one in rows))
    if branches:
        verdict = worst(
            verdict, max((worst(*(one.verdict for one in branch)) for branch in branches), key=lambda one: one.rank)
        )
    sets = (SetVerdict("required", 0, "", verdict, (RuleVerdict("r", verdict, rows, branches),)),)
    return HostVerdict(name, kind, "exact", worst(verdict, *(need.verdict for need in needs)), sets, needs)


DRIVER = NeedVerdict(
    "driver.nvidia",
    "nvidia driver >=525.60.13",
    "470.82.01",
    NO,
    "the driver is 470.82.01",
    "install a driver >=525.60.13",
    "profile x: /proc/driver/nvidia/version",
)
FORBIDDEN = row(
    NO,
    "IO_URING",
    "y",
    reason="the kernel can, node policy forbids: kernel.io_uring_disabled=2",
    remedy="change it in /etc/sysctl.d",
)


def matrix() -> list[Checked]:
    """Two images on four hosts: every verdict, alternatives, and a need that NFD cannot state."""
    fine = row(YES, "FUSE_FS", "m", reason="it is m", remedy="")
    gpu = (row(DEPENDS, "nvidia", feature="kernel.loadedmodule", reason="it is a matter of each node"),)
    label = (row(NO, "gpu", "4", feature="local.label", reason="it is 4"),)
    hosts = (
        host("rhel-9.4", FORBIDDEN, fine),
        host("cos-121", row(UNKNOWN, reason="cos-121 does not tell"), fine),
        host("debian-12", row(YES, "IO_URING", "y", reason="it is y", remedy=""), fine),
        host("debian-13", row(YES, "IO_URING", "y", reason="it is y", remedy=""), fine),
    )
    others = (
        host("rhel-9.4", fine, branches=(gpu, label)),
        host("cos-121", fine, branches=(label, label)),
        host("debian-12", fine, needs=(DRIVER,)),
        host("debian-13", fine),
    )
    digest = "sha256:" + "ab" * 32
    return [
        Checked(Subject("registry.example/uring:1.2", "reference", digest, digest, "platform", verified=True), hosts),
        Checked(Subject("gpu.yaml", "spec", information=("MPI of the image: MPICH",)), others),
    ]
