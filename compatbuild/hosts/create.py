"""A profile made of a host: a node read directly, or what NFD exported of one.

What would tell one machine from another (its name, its disks, its serial numbers) is left out, so that a profile can be
shared.
"""

import os
import re
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

import yaml

from compatbuild.hosts.catalogue import ARCHITECTURES, documents
from compatbuild.hosts.errors import HostError
from compatbuild.hosts.host import Host
from compatbuild.hosts.kernel import CONFIG, ENABLED, LOADED, facts, loaded_name
from compatbuild.hosts.osrelease import kernel_version
from compatbuild.hosts.policies import BLOCKED, LOCKDOWN, SIG_ENFORCE
from compatbuild.hosts.profile import OS_RELEASE, VERSION

OS_FIELDS = (
    *("ID", "ID_LIKE", "NAME", "VERSION", "VERSION_ID", "VERSION_CODENAME", "VARIANT_ID", "BUILD_ID"),
    *("OPENSHIFT_VERSION", "RHEL_VERSION"),
)
DRIVER_MODULES = {"nvidia": "nvidia", "amd": "amdgpu", "intel": "i915"}
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?")
_LONE = re.compile(r"[^a-z0-9.]+")


def created(host: Host, *, name: str = "", title: str = "", full: bool = False) -> dict[str, Any]:
    """Give the profile of a host.

    ``full`` keeps every option and module, else only those that some shipped profile knows, which are the ones that
    containers need. Without a name one is made of os-release and the kernel's version. Raises HostError for a name that
    cannot be one, and for a host whose architecture or kernel is not known.
    """
    fields = {key: value for key, value in _attributes(host, OS_RELEASE).items() if key in OS_FIELDS}
    version = _attributes(host, VERSION)
    if host.architecture not in ARCHITECTURES or not version:
        raise HostError(
            "no profile can be made of this host",
            why=f"its {'kernel' if host.architecture in ARCHITECTURES else 'architecture'} is not known",
            remedy="mount the host's /proc and /lib/modules below the root that you name",
        )
    names = _policies(host)
    return {
        "apiVersion": "compatbuild/v1alpha1",
        "kind": "HostProfile",
        "metadata": {
            "name": _checked(name or _made(fields, version)),
            "title": title or " ".join(filter(None, (fields.get("NAME", "Linux"), fields.get("VERSION_ID")))),
            "fidelity": "live",
        },
        "osRelease": fields,
        "architectures": {host.architecture: _block(host, version, full=full)},
        **({"drivers": _drivers(host)} if host.drivers else {}),
        **({"sysctl": sysctl} if (sysctl := {k: v for k, v in host.settings.items() if k != "cmdline"}) else {}),
        **({"cmdline": host.settings["cmdline"]} if "cmdline" in host.settings else {}),
        **({"policy": {**names, "source": "read on the node"}} if names else {}),
        "unknown": list(_unknown(host)),
    }


def written(document: Mapping[str, Any]) -> str:
    """Give a profile as YAML in which every text is quoted, so that ``y`` and ``12`` stay text everywhere."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Quotes values and leaves keys plain where they can be."""


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    plain = re.fullmatch(r"[A-Za-z_][\w./-]*", text) and text.lower() not in (
        "y",
        "n",
        "yes",
        "no",
        "on",
        "off",
        "true",
        "false",
        "null",
    )
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else '"')


_Dumper.add_representer(str, _quoted)


def _block(host: Host, version: Mapping[str, str], *, full: bool) -> dict[str, Any]:
    config = _attributes(host, CONFIG)
    options, absent = _options(host, config, full=full)
    found = {
        "kernel": {
            "version": version["full"],
            "complete": CONFIG not in host.unknown,
            "release": version["full"],
            "nfdVersion": dict(version),
        },
        "source": {"kind": "local-host" if host.kind == "node" else "nfd-export", "date": _today()},
        "config": options,
        "absent": absent,
        "modules": _modules(host, full=full),
    }
    return found | ({"unknown": sorted(_tracked())} if CONFIG in host.unknown else {})


def _options(host: Host, config: Mapping[str, str], *, full: bool) -> tuple[dict[str, str], list[str]]:
    """Give options with their values, ``n`` for those that are not set, and those that the kernel does not have.

    Only of options that have a substitute a node tells that they do not exist; the others are just not set.
    """
    if CONFIG in host.unknown:
        return {}, []
    gone = {place.partition("/")[2] for place in host.substitutes if place.startswith(f"{CONFIG}/")}
    missing = _tracked() - config.keys()
    kept = {option: value for option, value in config.items() if full or option in _tracked()}
    return dict(sorted({**kept, **dict.fromkeys(missing - gone, "n")}.items())), sorted(missing & gone)


def _modules(host: Host, *, full: bool) -> dict[str, list[str]]:
    loaded = frozenset(host.features.flags.get(LOADED) or ())
    enabled = frozenset(host.features.flags.get(ENABLED) or ())
    kinds: dict[str, Collection[str]] = {
        "builtin": {loaded_name(name) for name in enabled - loaded},
        "loadable": host.modules.keys(),
        "loaded": loaded,
    }
    known = {*facts().options, *facts().out_of_tree}
    return {kind: sorted(name for name in names if full or name in known) for kind, names in kinds.items()}


def _policies(host: Host) -> dict[str, Any]:
    """Give what blocks modules on the host, as the profile says it."""
    on_modules = [one for one in host.policies if one.feature == LOADED]
    blocked = {one.element: one.reason for one in on_modules if one.setting == BLOCKED.format(one.element)}
    settings = {one.setting for one in on_modules}
    lockdown = next((one.removeprefix(LOCKDOWN) for one in settings if one.startswith(LOCKDOWN)), "")
    return {
        **({"moduleSignatures": "enforced"} if SIG_ENFORCE in settings else {}),
        **({"lockdown": lockdown} if lockdown else {}),
        **({"blockedModules": blocked} if blocked else {}),
    }


def _drivers(host: Host) -> dict[str, dict[str, Any]]:
    return {
        vendor: {"bundled": "installed on the node", "module": DRIVER_MODULES[vendor], "observedVersion": version}
        for vendor, version in host.drivers.items()
    }


def _unknown(host: Host) -> Iterator[str]:
    yield "other architectures"
    for feature in sorted(host.unknown):
        if feature.startswith("kernel.") and "/" not in feature:
            yield f"{feature}: {host.remark(feature, '')}"
    if not host.modules:
        yield "modules that are installed and not loaded"


def _attributes(host: Host, feature: str) -> Mapping[str, str]:
    return host.features.attributes.get(feature) or {}


@cache
def _tracked() -> frozenset[str]:
    """Give the options that shipped profiles speak of."""
    blocks = [block for document in documents().values() for block in document["architectures"].values()]
    return frozenset(
        option for block in blocks for part in ("config", "absent", "unknown") for option in block.get(part, ())
    )


def _made(fields: Mapping[str, str], version: Mapping[str, str]) -> str:
    full = version["full"]
    kernel = ".".join(filter(None, (version.get("major"), version.get("minor")))) or kernel_version(full)["full"]
    parts = (fields.get("ID", "linux"), fields.get("VERSION_ID", ""), f"kernel{kernel}")
    return _LONE.sub("-", "-".join(filter(None, parts)).lower()).strip("-.")[:100]


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise HostError(
            f"{name[:100]!r} cannot be the name of a profile",
            why="a name has lower-case letters, digits, dots and hyphens",
            remedy="choose another with --name",
        )
    return name


def _today() -> str:
    """Give the date, or the one of SOURCE_DATE_EPOCH, so that a profile can be made again byte by byte."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isascii() and epoch.isdigit() else datetime.now(UTC)
    return moment.date().isoformat()
