"""One specification in one of the forms that Kubernetes takes."""

import re
from dataclasses import dataclass
from typing import Any

from compatbuild.checking.loading import Loaded
from compatbuild.errors import UsageError
from compatbuild.exporting import groups
from compatbuild.exporting.affinity import affinity
from compatbuild.exporting.job import NFD_IMAGE, REMARKS, job
from compatbuild.exporting.text import document
from compatbuild.registry.reference import Reference, parse_reference

FORMATS = ("nodefeaturegroup", "nodefeaturerule", "affinity", "job")
MAX_NAME = 50
"""Characters of a name: the labels made from it have 63 (RFC 1123 takes as many of a name)."""
MAX_REMARKS = 100
DEFAULTS = "the labels are those of NFD 0.19 as it comes: a worker that is configured to publish fewer fails its node"
_NAME = re.compile(rf"[a-z0-9]([a-z0-9-]{{0,{MAX_NAME - 2}}}[a-z0-9])?", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NODE = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Exported:
    """The YAML, and what is to be known of it: what is weaker than the specification says, and how it is to be used."""

    content: bytes
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """How the object is called and where it goes; ``node`` and ``nfd_image`` are a Job's."""

    name: str = ""
    namespace: str = ""
    node: str = ""
    nfd_image: str = NFD_IMAGE


def export(loaded: Loaded, form: str, wish: Wish = Wish()) -> Exported:
    """Return a valid specification as YAML of one of ``FORMATS``.

    Errors: UsageError for a name that Kubernetes does not take, and for a Job of what is in no registry; SpecError when
    the rules cannot be said exactly.
    """
    _check(wish)
    name = wish.name or default_name(loaded.subject.name)
    value, remarks = _value(loaded, form, name, wish)
    shown = remarks[:MAX_REMARKS]
    if len(remarks) > MAX_REMARKS:
        shown = (*shown, f"{len(remarks) - MAX_REMARKS} more that are like these")
    about = loaded.subject
    source = f"Of the specification {about.spec or about.name}" + (f" of {about.digest}" if about.spec else "")
    return Exported(document(value, [source, *(f"- {one}" for one in shown)]), shown)


def default_name(target: str) -> str:
    """Return a name made from that of a file or an image: its last part and its tag, in what RFC 1123 allows."""
    last = target.partition("@")[0].rstrip("/").rpartition("/")[2]
    last = re.sub(r"\.(ya?ml|json)$", "", last.lower())
    return re.sub(r"[^a-z0-9]+", "-", last)[:MAX_NAME].strip("-") or "image"


def _value(loaded: Loaded, form: str, name: str, wish: Wish) -> tuple[dict[str, Any], tuple[str, ...]]:
    spec = loaded.spec
    if form == "affinity":
        found = affinity(spec)
        return found.document(), (DEFAULTS, *found.lost)
    if form == "job":
        reference = _pinned(loaded)
        place = () if wish.node else ("no node is named: the scheduler picks one",)
        return job(reference, name, wish.namespace, wish.node, wish.nfd_image), (*place, *REMARKS)
    if form == "nodefeaturerule":
        label = f'a pod that is to run on these nodes only has the nodeSelector {groups.label(name)}: "true"'
        return groups.node_feature_rule(spec, name), (label, *groups.remarks(spec))
    place = () if wish.namespace else ("apply it in the namespace of nfd-master, which looks at no other",)
    return groups.node_feature_group(spec, name, wish.namespace), (*place, *groups.remarks(spec))


def _pinned(loaded: Loaded) -> str:
    """Return the reference of the very manifest that the specification is attached to, as NFD bridges no two."""
    parsed = parse_reference(loaded.subject.name) if loaded.subject.kind == "reference" else None
    if not isinstance(parsed, Reference):
        raise UsageError(
            f"there can be no Job for {loaded.subject.name}",
            why="NFD's client reads the specification from a registry",
            remedy="name an image in a registry, with its specification attached",
        )
    return str(parsed.with_digest(loaded.subject.digest))


def _check(wish: Wish) -> None:
    for option, text, pattern, wanted in (
        ("--name", wish.name, _NAME, f"at most {MAX_NAME} lower-case letters, digits and hyphens"),
        ("--namespace", wish.namespace, _NAMESPACE, "at most 63 lower-case letters, digits and hyphens"),
        ("--node", wish.node, _NODE, "at most 253 lower-case letters, digits, hyphens and dots"),
    ):
        if text and not pattern.fullmatch(text):
            raise UsageError(
                f"{option} {text[:80]!r} is no name of Kubernetes", why=f"it takes {wanted}", remedy="name it so"
            )
