"""A small fleet in an OCI layout: images that need something, nothing, or of which nobody said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from compatbuild.fleet.rows import Row, parse_header, parse_row
from compatbuild.registry.attach import attach
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.store import Store
from tests.unit.registry.building import CREATED, empty_layout, push_image


def needs(flag: str) -> bytes:
    """A specification that wants one flag of the processor."""
    rule = {"name": "r", "matchFeatures": [{"feature": "cpu.cpuid", "matchExpressions": {flag: {"op": "Exists"}}}]}
    return json.dumps({"version": "v1alpha1", "compatibilities": [{"rules": [rule]}]}).encode()


def image(store: Store, tag: str, flag: str = "", *, mark: str = "") -> Descriptor:
    """Push an image that wants a flag, or says nothing."""
    pushed = push_image(store, tag, mark=mark or tag)
    if flag:
        attach(store, pushed, needs(flag), {}, CREATED)
    return pushed


def fleet(directory: Path) -> LayoutStore:
    """Three images and a file ``images`` that names them: one runs anywhere, one on new nodes, one says nothing."""
    store = empty_layout(directory / "app")
    image(store, "any", "SSE2")
    image(store, "fast", "AVX2")
    image(store, "bare")
    (directory / "images").write_text("# ours\noci-dir:app:any\noci-dir:app:fast # quick\n\noci-dir:app:bare\n")
    return store


def nodes(directory: Path, name: str = "nodes.json") -> str:
    """A file of NFD's about an old and a new node."""
    items = [node("old", "SSE2"), node("new", "SSE2", "AVX2")]
    (directory / name).write_text(json.dumps({"kind": "List", "items": items}))
    return name


def node(name: str, *flags: str) -> dict[str, Any]:
    elements: dict[str, dict[str, str]] = {flag: {} for flag in flags}
    features = {"flags": {"cpu.cpuid": {"elements": elements}}}
    return {"kind": "NodeFeature", "metadata": {"name": name}, "spec": {"features": features}}


def rows(text: str) -> list[Row]:
    """The rows of JSON lines, whose first is a header."""
    head, *lines = text.splitlines()
    parse_header(head.encode(), "test")
    return [parse_row(line.encode(), "test", number) for number, line in enumerate(lines, 2)]


def told(text: str) -> dict[str, tuple[str, str]]:
    """What each image came to, and where its specification is from, by the tag of its first name."""
    return {row.names[0].rpartition(":")[2]: (row.verdict, row.origin) for row in rows(text)}
