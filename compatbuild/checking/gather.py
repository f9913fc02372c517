"""The hosts that a check is about: this node, what NFD exported, profiles of operating systems."""

from dataclasses import dataclass
from pathlib import Path

from compatbuild.errors import UsageError
from compatbuild.hosts.catalogue import DEFAULT_ARCHITECTURE, profiles
from compatbuild.hosts.exported import exported_hosts
from compatbuild.hosts.host import FIDELITIES, Host
from compatbuild.hosts.node.host import LOCAL_ROOT, node_host
from compatbuild.hosts.processors import OCI_ARCHITECTURES
from compatbuild.registry.platform import parse_platform

_MACHINES = {oci: machine for machine, oci in OCI_ARCHITECTURES.items()}


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for; with nothing else, this node.

    ``platform`` (``linux/arm64``) picks the architecture of profiles, ``min_fidelity`` leaves out those that are less.
    """

    node: bool = False
    root: Path | None = None
    features: str | None = None
    systems: tuple[str, ...] = ()
    min_fidelity: str | None = None
    platform: str = ""


def gather(wish: Wish) -> tuple[Host, ...]:
    """Return all hosts that were asked for.

    Errors: UsageError when there are none, or the platform is none, HostError for a profile or a file that is none.
    """
    if wish.min_fidelity and not wish.systems:
        raise UsageError("--min-fidelity is about profiles", why="no profile was asked for", remedy="add --os NAME")
    found: list[Host] = []
    if wish.node or not (wish.features or wish.systems):
        found.append(node_host(wish.root or LOCAL_ROOT))
    if wish.features:
        found += exported_hosts(wish.features)
    if wish.systems:
        found += _profiles(wish)
    return tuple(found)


def _profiles(wish: Wish) -> tuple[Host, ...]:
    architecture = parse_platform(wish.platform).architecture if wish.platform else ""
    machine = _MACHINES.get(architecture, architecture) or DEFAULT_ARCHITECTURE
    found = profiles(wish.systems, architecture=machine, min_fidelity=wish.min_fidelity or FIDELITIES[-1])
    if not found:
        raise UsageError(
            "no profile is left to check",
            why=f"none of them is for {machine}, or near enough to a real host",
            remedy="ask for other profiles, or a lower fidelity",
        )
    return found
