"""What is asked of a host, one thing at a time, so that two lists of requirements can be laid beside each other.

A requirement about several things becomes several claims (each kernel option, each page size), several about one thing
become one (CPU level and flags, ranges of versions).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from compatbuild.inference.entailment import Term, Ways, flags
from compatbuild.inference.lifting import lifted
from compatbuild.inference.needs import needs
from compatbuild.inference.summaries import summary
from compatbuild.model import requirement as model
from compatbuild.nfd import wire
from compatbuild.nfd.conditions import Check, Condition
from compatbuild.nfd.encodings import LEVEL_FLAGS

MAX_TEXT = 300
"""Characters of a claim in words."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that is asked: ``topic`` is what it is about, ``text`` what is asked, ``id`` its requirement's."""

    topic: str
    text: str
    term: Term
    id: str = ""


def of_requirements(requirements: Iterable[model.Requirement]) -> list[Claim]:
    """Return the claims of requirements that must all hold; SpecError when they contradict each other."""
    return _of_terms([need.requirement for need in needs(requirements)])


def of_rule(rule: wire.Rule) -> list[Claim]:
    """Return the claims of a rule of a specification: its terms, and its alternatives as one."""
    ways = tuple(tuple(lifted(branch.match_features)) for branch in rule.match_any)
    return _of_terms([*lifted(rule.match_features), *([Ways(ways)] if ways else [])])


def _of_terms(terms: Sequence[Term]) -> list[Claim]:
    cpu = [term for term in terms if isinstance(term, model.CpuRequirement)]
    rest = [term for term in terms if not isinstance(term, model.CpuRequirement)]
    parts = [(part, term) for term in rest for part in _parts(term)]
    return [
        *_cpu(cpu),
        *(Claim(_topic(part), words(part)[:MAX_TEXT], part, getattr(term, "id", "")) for part, term in parts),
    ]


def _cpu(requirements: Sequence[model.CpuRequirement]) -> Iterator[Claim]:
    """Yield one claim about the CPU: all flags that are asked, by the highest level they come to and those beyond."""
    if requirements:
        asked = frozenset(flag for one in requirements for flag in flags(one))
        whole = model.CpuRequirement(cpu=tuple(sorted(asked)))
        yield Claim("cpu", words(whole)[:MAX_TEXT], whole, requirements[0].id)


def _parts(term: Term) -> Iterator[Term]:
    """Yield the things that one requirement asks."""
    match term:
        case model.FacilityRequirement(facility=options):
            yield from (term.model_copy(update={"facility": (option,)}) for option in sorted(set(options)))
        case model.ConfigRequirement(config=config):
            yield from (term.model_copy(update={"config": {name: config[name]}}) for name in sorted(config))
        case model.HugepagesRequirement(hugepages=dict() as pages):
            yield from (term.model_copy(update={"hugepages": {size: pages[size]}}) for size in sorted(pages))
        case model.NfdRequirement():
            yield Condition(term.nfd, (Check(term.name, term.op, term.value, term.type),))
        case model.AlternativesRequirement(any=ways):
            yield Ways(tuple(tuple(part for each in way for part in _parts(each)) for way in ways))
        case _:
            yield term


def _topic(term: Term) -> str:
    """Return what a single thing is about; two claims about one thing have the same."""
    match term:
        case Condition(feature="pci.device"):
            topic = _TOPICS[model.PciRequirement]
        case Condition(feature=feature, checks=checks):
            topic = " ".join([feature, *(check.name for check in checks if check.name)])[:MAX_TEXT]
        case model.FacilityRequirement(facility=(name,)):
            topic = f"kernel option {name}"
        case model.ConfigRequirement(config=config):
            topic = f"kernel option {next(iter(config))}"
        case model.HugepagesRequirement(hugepages=dict() as pages):
            topic = f"huge pages of {next(iter(pages))}"
        case model.DriverRequirement(gpu=gpu):
            topic = f"{gpu} driver"
        case _:
            topic = _TOPICS.get(type(term)) or model.subject_of(term) or ""
    return topic


_TOPICS: dict[type, str] = {
    Ways: "alternatives",
    model.ComputeRequirement: "compute capability",
    model.HugepagesRequirement: "huge pages",
    model.KernelReleaseRequirement: "kernel release",
    model.ModuleRequirement: "kernel module",
    model.PciRequirement: "PCI device",
}


def words(term: Term) -> str:
    """Say in words what is asked."""
    match term:
        case Ways(ways=ways):
            return " or ".join(f"({'; '.join(map(words, way))})" for way in ways)
        case Condition(feature=feature, checks=checks):
            return "; ".join(" ".join(filter(None, (feature, c.name, c.op, ", ".join(c.value)))) for c in checks)
        case model.FacilityRequirement(modules=modules) if modules:
            return f"{summary(term)}, shown by module {' or '.join(sorted(modules))}"
        case model.CpuRequirement(cpu=tuple() as asked):
            level = max((name for name, all_of in LEVEL_FLAGS.items() if set(asked) >= set(all_of)), default="")
            beyond = sorted(set(asked) - set(LEVEL_FLAGS.get(level, ())))
            parts = (f"CPU level {level}" if level else "CPU", f"with {', '.join(beyond)}" if beyond else "")
            return " ".join(filter(None, parts))
    return summary(term)
