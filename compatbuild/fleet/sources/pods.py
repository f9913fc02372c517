"""The images that a cluster runs: the output of ``kubectl get pods -A -o json``.

Fields: Kubernetes ``core/v1`` (Pod, PodSpec, ContainerStatus) and ``meta/v1`` (OwnerReference). Of a large document
only what is looked at is kept while it is parsed.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from compatbuild.errors import FleetError, UsageError
from compatbuild.fleet.sources.files import called, read_text
from compatbuild.fleet.wanted import Use, Wanted
from compatbuild.registry.reference import MAX_REFERENCE, Reference, parse_reference

MAX_BYTES = 512 << 20
"""Of a document: a pod has some 10 kB, so these are 50,000; kubectl can list a larger cluster a namespace at a time."""
MAX_LABELS = 30
MAX_TEXT = 253
"""Characters of a name (RFC 1123 subdomain, as Kubernetes wants them)."""
OWN = {"pod-template-hash", "controller-revision-hash", "pod-template-generation", "controller-uid", "job-name"} | {
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "batch.kubernetes.io/job-completion-index",
}
"""Labels that controllers give each pod or each revision, which tell nothing of whose it is."""
_LISTS = ("containers", "initContainers", "ephemeralContainers")
_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_KEPT = {"kind", "items", "metadata", "name", "namespace", "labels", "ownerReferences", "controller", "spec"} | {
    "status",
    "image",
    "imageID",
    *_LISTS,
    *_STATUSES,
}
_CRON = re.compile(r"(?P<name>.+)-[0-9]{7,10}")
"""A Job of a CronJob is named after it and the minute it was due (``cronjob/utils.go``, ``getJobName``)."""
_PULLED = re.compile(r"(?:docker-pullable://|docker://)?(?P<name>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")


def read(name: str) -> Iterator[Wanted]:
    """Yield what the containers of each pod run, by the digest the node pulled where it is told, else by name.

    FleetError when a file is not what kubectl prints.
    """
    for pod in _pods(name):
        metadata, spec, status = (_object(pod.get(key)) for key in ("metadata", "spec", "status"))
        use = _use(metadata)
        pulled = {(kind, one.get("name")): one.get("imageID") for kind, one in _containers(status, _STATUSES)}
        for kind, container in _containers(spec, _LISTS):
            image = container.get("image")
            if isinstance(image, str) and image:
                yield Wanted(_reference(image, pulled.get((kind, container.get("name")))), use)


def _pods(name: str) -> Iterable[dict[str, Any]]:
    text = read_text(name, MAX_BYTES)
    try:
        document = json.loads(text, object_pairs_hook=_pruned)
    except (ValueError, RecursionError) as error:
        raise FleetError(
            f"{called(name)} is not JSON",
            why=str(error)[:200],
            remedy="write it with `kubectl get pods -A -o json`",
        ) from error
    items = document.get("items") if isinstance(document, dict) else None
    if isinstance(document, dict) and document.get("kind") == "Pod":
        items = [document]
    if not isinstance(items, list):
        raise FleetError(
            f"{called(name)} lists no pods",
            why="it is neither a list of Kubernetes objects nor a pod",
            remedy="write it with `kubectl get pods -A -o json`",
        )
    return (one for one in items if isinstance(one, dict) and one.get("kind", "Pod") == "Pod")


def _pruned(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Keep the fields that are looked at, and objects of texts, as labels are: what is in neither is gone at once."""
    kept = {key: value for key, value in pairs if key in _KEPT}
    if len(kept) < len(pairs) <= MAX_LABELS and all(isinstance(value, str) for _, value in pairs):
        return dict(pairs)
    return kept


def _containers(holder: dict[str, Any], keys: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    for kind, key in enumerate(keys):
        found = holder.get(key)
        for one in found if isinstance(found, list) else ():
            if isinstance(one, dict):
                yield kind, one


def _reference(image: str, pulled: object) -> str:
    """Return the image that runs: the name in the pod, at the digest that the node says it pulled.

    The digest counts with the repository that the node names, which follows its mirrors and defaults; the tag is kept
    for people to read.
    """
    match = _PULLED.fullmatch(pulled[:MAX_REFERENCE]) if isinstance(pulled, str) else None
    if match is None:
        return image
    try:
        named, there = parse_reference(image), parse_reference(f"{match['name']}@{match['digest']}")
    except UsageError:
        return image
    if isinstance(named, Reference) and named.name == there.name:
        return str(replace(named, digest=there.digest))
    return str(there)


def _use(metadata: dict[str, Any]) -> Use:
    owners = metadata.get("ownerReferences")
    owner = next(
        (one for one in owners if isinstance(one, dict) and one.get("controller") is True)
        if isinstance(owners, list)
        else iter(()),
        {},
    )
    labels = {key: value for key, value in _object(metadata.get("labels")).items() if isinstance(value, str)}
    kept = tuple(sorted((key, value) for key, value in labels.items() if key not in OWN))
    return Use(_text(metadata.get("namespace")), _workload(owner, metadata, labels), kept)


def _workload(owner: dict[str, Any], metadata: dict[str, Any], labels: dict[str, Any]) -> str:
    """Return ``KIND/NAME`` of what somebody wrote: the Deployment of a ReplicaSet, the CronJob of a Job."""
    kind, name = _text(owner.get("kind")), _text(owner.get("name"))
    template = labels.get("pod-template-hash")
    if kind == "ReplicaSet" and template and name.endswith(f"-{template}"):
        return f"Deployment/{name.removesuffix(f'-{template}')}"
    if kind == "Job" and (match := _CRON.fullmatch(name)):
        return f"CronJob/{match['name']}"
    if kind == "Node" or not kind:  # a static pod belongs to its node, and is named after it
        own = _text(metadata.get("name"))
        return f"Pod/{own.removesuffix(f'-{name}') if name else own}"
    return f"{kind}/{name}"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""
