"""Claims of levels and flags, and the findings that they make together."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from compatbuild.detectors._uses import Use, together
from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cpu import Cpu
from compatbuild.model.finding import Confidence, Finding, Severity
from compatbuild.model.requirement import CpuRequirement

MACHINES = {"amd64": 62, "arm64": 183, "ppc64le": 21, "s390x": 22}
"""e_machine of the architectures of which something is known (System V gABI, chapter 4)."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A level (``x86-64-v2``) or a flag (``AVX2``) that something needs."""

    what: str
    use: Use


def native(view: DetectorView) -> Iterator[tuple[str, ElfFacts]]:
    """Yield the ELF files for the image's own architecture, all of them where it names none."""
    machine = MACHINES.get(view.config("architecture"))
    yield from ((path, elf) for path, elf in view.elves() if machine in (None, elf.machine))


def claims_of(needs: Iterable[str], use: Use) -> Iterator[Claim]:
    """Yield a claim for each of several levels and flags that one thing shows."""
    yield from (Claim(what, use) for what in needs)


def findings(claims: Iterable[Claim], cpu: Cpu) -> Iterator[Finding]:
    """Yield the highest level and the flags beyond it; what only unused files ask for is a hint of its own."""
    every = list(claims)
    used = [claim for claim in every if claim.use.confidence is not Confidence.HINT]
    told = {claim.what for claim in used} | _implied(used, cpu)
    unused = [claim for claim in every if claim.use.confidence is Confidence.HINT and claim.what not in told]
    yield from _findings(used, cpu, "")
    yield from _findings(unused, cpu, "-unused")


def _findings(claims: list[Claim], cpu: Cpu, ending: str) -> Iterator[Finding]:
    top = _top(claims, cpu)
    if top:
        uses = [claim.use for claim in claims if claim.what == top]
        yield _finding(f"cpu.level{ending}", f"A CPU of level {top}", top, {"cpu.level": top}, uses)
    flags = sorted({claim.what for claim in claims} - cpu.levels.keys() - _implied(claims, cpu))
    if flags:
        uses = [claim.use for claim in claims if claim.what in flags]
        yield _finding(f"cpu.flags{ending}", f"A CPU with {', '.join(flags)}", tuple(flags), {"cpu.flags": flags}, uses)


def _top(claims: Iterable[Claim], cpu: Cpu) -> str:
    return max((claim.what for claim in claims if claim.what in cpu.levels), default="")


def _implied(claims: Iterable[Claim], cpu: Cpu) -> set[str]:
    """Return the levels up to the highest one claimed, and all their flags."""
    levels = {level: row for level, row in cpu.levels.items() if level <= _top(claims, cpu)}
    return levels.keys() | {flag for row in levels.values() for flag in row.value}


def _finding(
    identity: str, title: str, cpu: str | tuple[str, ...], facts: dict[str, str | list[str]], uses: list[Use]
) -> Finding:
    confidence, evidence = together(uses)
    return Finding(
        id=identity,
        title=title,
        confidence=confidence,
        severity=Severity.INFO if confidence is Confidence.HINT else Severity.REQUIRED,
        requirement=CpuRequirement.model_validate({"cpu": cpu}),
        facts={} if confidence is Confidence.HINT else dict(facts),
        evidence=evidence,
    )
