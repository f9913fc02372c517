"""A node, or the root directory of one, as a host."""

import os
import platform
from collections.abc import Collection
from pathlib import Path

from compatbuild.hosts.errors import HostError
from compatbuild.hosts.host import Host
from compatbuild.hosts.kernel import ENABLED, LOADED, facts, substitutes
from compatbuild.hosts.node.cpu import read_cpu
from compatbuild.hosts.node.cpuinfo import Processor
from compatbuild.hosts.node.devices import read_devices
from compatbuild.hosts.node.found import Found
from compatbuild.hosts.node.kernel import NodeKernel, read_kernel
from compatbuild.hosts.node.settings import gpu_drivers, gpu_models, read_settings
from compatbuild.hosts.node.system import read_local, read_memory, read_system
from compatbuild.hosts.node.tree import Tree
from compatbuild.hosts.policies import policies
from compatbuild.hosts.profile import BUILT_IN, NOT_LOADED, distribution

LOCAL_ROOT = Path("/")


def node_host(root: Path = LOCAL_ROOT) -> Host:
    """Read this node, or the host whose root directory is mounted at ``root``.

    What cannot be read there, such as /proc and /sys of a host that does not run, is unknown, with what to do about it
    in the remarks. Raises HostError when ``root`` holds nothing of a host.
    """
    tree = Tree(root)
    if not any(tree.exists(place) for place in ("/proc/sys/kernel", "/etc/os-release", "/usr/lib/os-release")):
        raise HostError(
            f"{root} is not the root of a host",
            why="it has neither /proc nor /etc/os-release",
            remedy="name the directory at which the root of the host is mounted",
        )
    found = Found()
    processor = read_cpu(tree, found)
    kernel = read_kernel(tree, found)
    read_devices(tree, found)
    fields = read_system(tree, found)
    read_memory(tree, found)
    read_local(tree, found)
    return _host(tree, found, kernel, processor, distribution(fields))


def _host(tree: Tree, found: Found, kernel: NodeKernel, processor: Processor | None, distro: str) -> Host:
    settings = read_settings(tree, distro)
    loaded = found.flags.get(LOADED, frozenset())
    built_in = found.flags.get(ENABLED, frozenset()) - loaded
    present = {*loaded, *built_in, *kernel.loadable}
    here = tree.root == LOCAL_ROOT
    return Host(
        name=os.uname().nodename if here else tree.root.name,
        kind="node",
        fidelity="live",
        features=found.features(),
        sources=found.sources,
        unknown=frozenset(found.missing),
        policies=policies(settings, kernel.config or {}, present),
        drivers=gpu_drivers(tree),
        gpus=gpu_models(tree),
        title="this node" if here else f"the host at {tree.root}",
        architecture=_architecture(processor, here=here),
        substitutes=substitutes(kernel.config, _gone(kernel.config), present) if kernel.config else {},
        remarks=found.missing | _remarks(built_in, kernel.loadable),
        modules=dict.fromkeys(sorted(kernel.loadable - built_in), ""),
        settings={**settings.sysctl, **({"cmdline": settings.cmdline} if settings.cmdline else {})},
    )


def _remarks(built_in: Collection[str], loadable: Collection[str]) -> dict[str, str]:
    waiting = {f"{feature}/{name}": NOT_LOADED for name in loadable for feature in (LOADED, ENABLED)}
    return {**waiting, **{f"{LOADED}/{name}": BUILT_IN for name in built_in}}


def _gone(config: Collection[str]) -> set[str]:
    """Give the options that the kernel does not have at all: its configuration does not even say that they are off."""
    return {one.option for one in facts().substitutes if one.option not in config}


def _architecture(processor: Processor | None, *, here: bool) -> str:
    if here:
        return platform.machine()
    if processor is None:
        return ""
    return "x86_64" if processor.x86 else "aarch64"
