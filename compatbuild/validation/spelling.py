"""Keys that no part of the format has: reported, and where a known key is near, read as that key from here on.

NFD drops an unknown key in silence, and what was under it with it: a rule with ``match_features`` matches every host.
Reading the misspelt key as meant keeps one slip from hiding the mistakes below it, or from causing a row of others.
"""

from collections.abc import Iterator
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, replace
from typing import Any

from compatbuild.validation.issue import Issue, Place, make_issue
from compatbuild.validation.source import Entry, Mapping, Node, Scalar, Sequence
from compatbuild.validation.words import listed, nearest, shown

RULE_ID = "unknown-key"

_OF_NODE_FEATURE_RULE = frozenset({"labels", "labelsTemplate", "annotations", "taints", "extendedResources"})
_REMEDY = "correct or remove the key; NFD ignores it and everything below it"


def pointer(path: str, key: str | int) -> str:
    """Return the JSON pointer of a child (RFC 6901)."""
    return f"{path}/{str(key).replace('~', '~0').replace('/', '~1')}"


@dataclass(frozen=True)
class Spelling:
    """Reads a tree along a JSON schema; ``issues`` grows as unknown keys are met."""

    schema: AnyMapping[str, Any]
    name: str
    issues: list[Issue]

    def corrected(self, node: Node, part: AnyMapping[str, Any] | None = None, path: str = "") -> Node:
        """Return the tree with near keys put right and unknown ones dropped."""
        part = self._resolved(self.schema if part is None else part)
        if isinstance(node, Sequence):
            below = part.get("items", {})
            items = (self.corrected(item, below, pointer(path, index)) for index, item in enumerate(node.items))
            return replace(node, items=tuple(items))
        if isinstance(node, Mapping):
            return replace(node, entries=tuple(self._entries(node, part, path)))
        return node

    def _entries(self, node: Mapping, part: AnyMapping[str, Any], path: str) -> Iterator[Entry]:
        known = part.get("properties", {})
        free = part.get("additionalProperties")
        unused = set(known) - {entry.key.text for entry in node.entries}
        for entry in node.entries:
            key = entry.key
            if known and key.text not in known:
                near = nearest(key.text, unused)
                self.issues.append(self._issue(key, near, known, path))
                if near is None:
                    continue
                unused.discard(near)
                key = replace(key, text=near)
            below = known.get(key.text, free if isinstance(free, dict) else {})
            yield replace(entry, key=key, value=self.corrected(entry.value, below, pointer(path, key.text)))

    def _issue(self, key: Scalar, near: str | None, known: AnyMapping[str, Any], path: str) -> Issue:
        at = Place(key.line, key.column, pointer(path, key.text))
        message = f"unknown key {shown(key.text)}"
        if near is not None:
            message += f" (did you mean {shown(near)}?)"
        elif key.text in _OF_NODE_FEATURE_RULE:
            message += ": it belongs to NodeFeatureRule objects, a compatibility rule has none"
        else:
            message += f"; known here: {listed(known)}"
        return make_issue(RULE_ID, at, message, remedy=_REMEDY, name=self.name)

    def _resolved(self, part: AnyMapping[str, Any]) -> AnyMapping[str, Any]:
        reference = part.get("$ref")
        if reference is None:
            return part
        found: Any = self.schema
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        return self._resolved(found)
