"""Hosts from what NFD exported: ``nfd export features``, NodeFeature objects, and lists of them.

Sources: node-feature-discovery v0.19.0 ``pkg/nfd-master/nfd-master.go`` (which objects make a node, in which order),
NVIDIA/k8s-device-plugin ``docs/gpu-feature-discovery/README.md`` (labels of GPUs).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compatbuild.hosts.documents import STDIN, parse, read_bytes
from compatbuild.hosts.errors import HostError
from compatbuild.hosts.host import Host
from compatbuild.hosts.kernel import CONFIG, ENABLED, LOADED, facts, substitutes
from compatbuild.hosts.processors import OCI_ARCHITECTURES
from compatbuild.nfd.catalogue import catalogue
from compatbuild.nfd.encodings import ARCHITECTURE_FLAGS, CPU, DRIVER_VERSION, LABEL
from compatbuild.nfd.features import Features, FeaturesError

NODE_NAME = "nfd.node.kubernetes.io/node-name"  # the label that says which node a NodeFeature is about
PRODUCT = "nvidia.com/gpu.product"
OLD_DRIVER = tuple(f"nvidia.com/cuda.driver.{part}" for part in ("major", "minor", "rev"))
LEVELS = ("X86_64_V1", "X86_64_V2", "X86_64_V3", "X86_64_V4")
LISTS = ("List", "NodeFeatureList")
KINDS = frozenset({"flags", "attributes", "instances"})
MAX_OBJECTS = 50_000
MAX_NAME = 1000  # characters; Kubernetes allows 253
WANTED = "export it with `nfd export features`, or with `kubectl get nodefeatures -A -o json`"

MISSING = {
    CONFIG: "NFD found no kernel configuration; mount the host's /boot or /usr/src, or boot one with /proc/config.gz",
    LOADED: "NFD could not read /proc/modules",
    ENABLED: "NFD could not read modules.builtin; mount the host's /lib/modules",
}


@dataclass(frozen=True, slots=True)
class _Export:
    """One object as it was exported: ``node`` it is about, ``place`` in the file, and what it holds."""

    node: str
    place: str
    features: Features
    name: str = ""
    namespace: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def exported_hosts(path: str) -> tuple[Host, ...]:
    """Read the hosts of a file, or of stdin for ``-``: one for each node, by name.

    What several NodeFeatures say of one node is merged as nfd-master does. Raises HostError, naming file and place, for
    a file that cannot be read, is too large, broken or of another kind.
    """
    objects = [one for document in parse(read_bytes(path), path) for one in _exports(document, path, "")]
    if not objects:
        raise HostError(f"{path} holds no features of a host", remedy=WANTED)
    if len(objects) > MAX_OBJECTS:
        raise HostError(f"{path} holds {len(objects):,} objects", why=f"at most {MAX_OBJECTS:,} are read")
    nodes: dict[str, list[_Export]] = {}
    for one in objects:
        nodes.setdefault(one.node, []).append(one)
    return tuple(_host(node, nodes[node], path) for node in sorted(nodes))


def exported_host(path: str, node: str = "") -> Host:
    """Read one host of a file: the named node, or the only one. Raises HostError as ``exported_hosts`` does."""
    hosts = {host.name: host for host in exported_hosts(path)}
    if node not in hosts and (node or len(hosts) > 1):
        raise HostError(
            f"{path} holds no node {node[:100]!r}" if node else f"{path} holds {len(hosts)} nodes",
            why=f"its nodes are {', '.join(list(hosts)[:10])}{' ...' if len(hosts) > 10 else ''}",
            remedy="name one of them with --node",
        )
    return hosts[node] if node else next(iter(hosts.values()))


def features_host(name: str, features: Features, labels: Mapping[str, str], source: str) -> Host:
    """Make a host of exported features; ``labels`` are all that is known of the node's labels."""
    missing = frozenset(set(catalogue().features) - set(features.names()) - {"rule.matched"})
    flags = features.flags.get(CPU) or frozenset()
    old = "SSE2" in flags and not flags & {*LEVELS}  # an NFD before 0.19: it has no levels to publish
    config = features.attributes.get(CONFIG)
    modules = features.flags.get(ENABLED) or features.flags.get(LOADED) or frozenset()
    return Host(
        name=name,
        kind="features",
        fidelity="live",
        features=features,
        sources=dict.fromkeys(features.names(), source),
        unknown=missing | ({f"{CPU}/{level}" for level in LEVELS} if old else set()),
        drivers=_drivers(labels),
        gpus=(labels[PRODUCT],) if PRODUCT in labels else (),
        architecture=_architecture(flags),
        substitutes={} if config is None else _vendor_drivers(config, modules),
        remarks={feature: MISSING.get(feature) or _since(feature) for feature in missing},
    )


def _exports(document: Any, path: str, place: str) -> Iterator[_Export]:
    """Yield the objects of a document, which may be a list of them."""
    if isinstance(document, list):
        items: Iterable[Any] = document
        for index, item in enumerate(items):
            yield from _exports(item, path, f"{place}[{index}]")
    elif isinstance(document, dict) and document.get("kind") in LISTS:
        yield from _exports(document.get("items") or [], path, f"{place}.items" if place else "items")
    elif isinstance(document, dict) and document and document.keys() <= KINDS:
        yield _bare(document, path, place)
    elif isinstance(document, dict) and document.get("kind", "NodeFeature") == "NodeFeature" and "spec" in document:
        yield _node_feature(document, path, place)
    else:
        kind = document.get("kind", "of no kind") if isinstance(document, dict) else type(document).__name__
        raise HostError(
            f"{path} is no export of NFD", why=f"{place or 'the document'} is {str(kind)[:100]}", remedy=WANTED
        )


def _bare(document: Mapping[str, Any], path: str, place: str) -> _Export:
    features = _read(document, path, place or "the document")
    own = (features.attributes.get("system.name") or {}).get("nodename", "")
    stem = "stdin" if path == STDIN else Path(path).name.partition(".")[0]
    return _Export(own or f"{stem}{place}", place, features, labels=features.attributes.get(LABEL) or {})


def _node_feature(document: Mapping[str, Any], path: str, place: str) -> _Export:
    where = f"{place}.spec" if place else "spec"
    metadata, spec = (
        _mapping(document.get("metadata"), path, f"{place}.metadata"),
        _mapping(document["spec"], path, where),
    )
    name, namespace = _text(metadata.get("name")), _text(metadata.get("namespace"))
    node = _mapping(metadata.get("labels"), path, f"{place}.metadata.labels").get(NODE_NAME) or name
    if not node:
        raise HostError(f"{path} has a NodeFeature without a name", why=f"{place or 'the document'} names no node")
    features = _read(spec.get("features"), path, f"{where}.features")
    labels = {_text(k): _text(v) for k, v in _mapping(spec.get("labels"), path, f"{where}.labels").items()}
    local = features.attributes.get(LABEL) or {}
    return _Export(_text(node), place, features, name, namespace, {**labels, **local})


def _read(document: Any, path: str, place: str) -> Features:
    try:
        return Features.from_document(document)
    except FeaturesError as error:
        raise HostError(f"{path} is no export of NFD", why=f"{place}: {error.why}", remedy=WANTED) from error


def _text(value: Any) -> str:
    """Give a name as text; a lone surrogate, which JSON can escape but no file can hold, is replaced."""
    return ("" if value is None else str(value)).encode("utf-8", "replace").decode("utf-8")[:MAX_NAME]


def _mapping(value: Any, path: str, place: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise HostError(f"{path} is no export of NFD", why=f"{place.lstrip('.')} is not a mapping", remedy=WANTED)
    return value


def _host(node: str, objects: list[_Export], path: str) -> Host:
    """Merge what is said of a node: the objects of NFD's own namespace first, then by name, then by namespace.

    The namespace of NFD is not told; it is the one with the worker's object, which is called as the node is.
    """
    own = {one.namespace for one in objects if one.name == node}
    ordered = sorted(objects, key=lambda one: (one.namespace not in own, one.name, one.namespace))
    features, labels = ordered[0].features, dict(ordered[0].labels)
    for later in ordered[1:]:
        features = features.merged(later.features)
        labels |= later.labels
    named = ", ".join(f"{one.namespace}/{one.name}" for one in ordered if one.name)
    return features_host(node, features, labels, f"{path}: {named}" if named else path)


def _drivers(labels: Mapping[str, str]) -> dict[str, str]:
    """Give the driver's version by the labels of GPU feature discovery, the older three parts included."""
    parts = [labels[label] for label in OLD_DRIVER if labels.get(label)]
    version = labels.get(DRIVER_VERSION) or (".".join(parts) if len(parts) > 1 else "")
    return {"nvidia": version} if version else {}


def _architecture(flags: frozenset[str]) -> str:
    names = {oci: name for name, oci in OCI_ARCHITECTURES.items()}
    return next((names[oci] for oci, flag in ARCHITECTURE_FLAGS.items() if flag in flags), "")


def _vendor_drivers(config: Mapping[str, str], modules: frozenset[str]) -> dict[str, str]:
    """Give what vendors' drivers stand in for; NFD does not tell an option that is off from one that is gone."""
    off = {one.option for one in facts().substitutes if one.when == "off" and one.option not in config}
    return substitutes(config, off, modules)


def _since(feature: str) -> str:
    found = catalogue().feature(feature)
    since = found.since if found else ""
    return f"this NFD did not publish it; it exists since {since}" if since else "this NFD did not publish it"
