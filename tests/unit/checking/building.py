"""Hosts and specifications for checks."""

from __future__ import annotations

import json
from typing import Any

from compatbuild.checking.evaluate import Judge
from compatbuild.checking.verdicts import ExpressionVerdict, HostVerdict
from compatbuild.hosts.host import Host
from compatbuild.nfd.decode import decode
from compatbuild.nfd.features import Features
from compatbuild.nfd.wire import Spec

CONFIG, LOADED, ENABLED, PCI = "kernel.config", "kernel.loadedmodule", "kernel.enabledmodule", "pci.device"


def term(feature: str, **expressions: Any) -> dict[str, Any]:
    """A term; an expression is its operator and its values."""
    told = {name: {"op": op, "value": list(value)} for name, (op, *value) in expressions.items()}
    return {"feature": feature, "matchExpressions": told}


def named(feature: str, op: str, *value: str) -> dict[str, Any]:
    return {"feature": feature, "matchName": {"op": op, "value": list(value)}}


def rule(*terms: dict[str, Any], any_of: tuple[tuple[dict[str, Any], ...], ...] = (), **more: Any) -> dict[str, Any]:
    branches = [{"matchFeatures": list(branch)} for branch in any_of]
    return {"name": "r", "matchFeatures": list(terms), "matchAny": branches, **more}


def spec(*rules: dict[str, Any], sets: list[dict[str, Any]] | None = None) -> Spec:
    return decode(json.dumps({"compatibilities": sets or [{"tag": "required", "rules": list(rules)}]}))


def profile(**more: Any) -> Host:
    """A profile that knows that IO_URING is there and RDS is not, and nothing else."""
    features = Features(flags={LOADED: frozenset(), ENABLED: frozenset()}, attributes={CONFIG: {"IO_URING": "y"}})
    unknown = frozenset({CONFIG, LOADED, ENABLED, PCI, "cpu.cpuid", "local.label", "kernel.version"})
    given: dict[str, Any] = {
        "name": "p",
        "kind": "profile",
        "fidelity": "exact",
        "features": features,
        "unknown": unknown,
        "absent": frozenset({f"{CONFIG}/RDS"}),
    }
    return Host(**{**given, **more})


def node(features: Features, **more: Any) -> Host:
    return Host(name="n", kind="node", fidelity="live", features=features, **more)


def judged(host: Host, *rules: dict[str, Any]) -> HostVerdict:
    return Judge(host).judge(spec(*rules))


def row(verdict: HostVerdict) -> ExpressionVerdict:
    """The one expression there is."""
    (only,) = verdict.sets[0].rules[0].expressions
    return only
