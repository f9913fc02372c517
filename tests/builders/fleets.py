"""Records of fleets, made up: as large as one likes, and with any text where somebody else's could stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from compatbuild.fleet.rows import Header, HostName, Row, Word, to_line

HOSTS = ("rhel-9.4", "cos-121", "debian-12")
VERDICTS: tuple[Word, ...] = ("incompatible", "depends", "compatible", "unknown")
REASONS = {
    "incompatible": ("kernel.config IO_URING", "node policy forbids: kernel.io_uring_disabled=2", "change the setting"),
    "depends": ("kernel.loadedmodule nvidia", "not loaded", "load it"),
    "unknown": ("no specification is attached", "", ""),
    "compatible": ("", "", ""),
}


def header(hosts: tuple[str, ...] = HOSTS) -> Header:
    names = tuple(HostName(name=name, kind="profile", fidelity="exact") for name in hosts)
    return Header(version="0", knowledge="2026-01-01", asked="sha256:0", options={}, hosts=names)


def row(number: int, verdict: Word | None = None, *, team: str = "", text: str = "") -> Row:
    """An image whose first host has a verdict, by default one after the other, and all others are compatible."""
    kind = verdict or VERDICTS[number % len(VERDICTS)]
    requirement, reason, remedy = (text,) * 3 if text else REASONS[kind]
    groups = [
        {"verdict": kind, "requirement": requirement, "reason": reason, "remedy": remedy, "hosts": HOSTS[:1]},
        {"verdict": "compatible", "hosts": HOSTS[1:]},
    ]
    counts = {"compatible": 3} if kind == "compatible" else {kind: 1, "compatible": 2}
    user = {"namespace": team or f"team-{number % 3}", "workload": text or "Deployment/web", "labels": {"owner": "a" if number % 2 else "b"}}  # fmt: skip
    return Row.model_validate(
        {
            "digest": f"sha256:{number:064x}",
            "names": [text or f"registry.example/app{number}:v1"],
            "used_by": [user],
            "origin": "none" if kind == "unknown" else "attached",
            "spec": "" if kind == "unknown" else "sha256:" + "e" * 64,
            "level": "" if kind == "unknown" else "platform",
            "signature": "" if kind == "unknown" else "unchecked",
            "signature_reason": text,
            "verdict": kind,
            "requirement": requirement,
            "counts": counts,
            "groups": groups,
            "notes": [text] if text else [],
        }
    )


def broken(number: int, text: str = "it answered 503") -> Row:
    """An image that could not be told about."""
    group = {"verdict": "unknown", "requirement": "the registry failed", "hosts": HOSTS}
    return Row.model_validate(
        {
            "digest": "",
            "names": [f"registry.example/broken{number}:v1"],
            "origin": "error",
            "verdict": "unknown",
            "counts": {"unknown": 3},
            "groups": [group],
            "error": {"code": "registry", "what": "the registry failed", "why": text, "remedy": "try again later"},
        }
    )


def fleet(images: int) -> Iterator[Row]:
    yield from (row(number) for number in range(images - 1))
    yield broken(images)


def written(path: Path, *rows: Row) -> Path:
    """A record of these rows."""
    path.write_bytes(to_line(header()) + b"".join(map(to_line, rows)))
    return path
