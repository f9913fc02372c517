"""Referrers of a manifest in a registry: the API where there is one, the tag schema where there is none.

Formats: OCI distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema". What a registry claims is not
believed: an ``OCI-Subject`` header proves nothing (sigstore-js PR 1183, docker/hub-feedback 2372), so a push counts
when a listing shows it. The index under the tag has no compare-and-swap; it is rewritten until it stays right.
"""

import random
import time
from typing import Any, Protocol

from compatbuild.errors import ReferrersError, RegistryError
from compatbuild.registry.descriptor import (
    MAX_ENTRIES,
    MAX_INDEX,
    OCI_INDEX,
    Descriptor,
    canonical_json,
    parse_descriptor,
    parse_json,
)
from compatbuild.registry.digest import ContentError
from compatbuild.registry.store import Via

MAX_PAGES = 100
"""Pages of one listing; an endless list of pages is a known attack (oras-go 2.6.2)."""
CONFIRM_PAUSES = (0.1, 0.3, 1.0, 3.0, 0.0)
"""Seconds between looks for a new referrer: listings may lag behind the push."""
SETTLED_READS = 3
"""Reads in a row that must be the same after a write; with a single one, most of several writers' entries are lost."""
SETTLE_PAUSE = (0.05, 0.3)
"""Seconds between those reads, drawn at random so that writers fall out of step."""
MAX_ROUNDS = 60
"""Reads of the index before giving up."""
ABSENT_PAUSE = 0.1
"""Seconds before a missing tag is asked for again: one false 404 would replace everybody's entries."""

Entries = list[Any]
"""Entries of an index as they are in its JSON: unchecked, and written back as they were."""


class Registry(Protocol):
    """What is needed of a repository."""

    @property
    def name(self) -> str:
        """How messages call the repository."""

    def referrers_page(self, subject: str, page: str) -> tuple[bytes, str] | None:
        """Return a page of the API's list and the address of the next (empty: none); None when there is no API."""

    def tag_bytes(self, tag: str) -> tuple[bytes, str] | None:
        """Return what is stored under a tag and its media type, unchecked; None when there is no such tag."""

    def push_manifest(self, raw: bytes, media_type: str, tag: str | None = None) -> Descriptor:
        """Store an index under a tag."""


def fallback_tag(digest: str) -> str:
    """Return the tag of the tag schema: algorithm and digits, each cut to what a tag can hold."""
    algorithm, _, digits = digest.partition(":")
    return f"{algorithm[:32]}-{digits[:64]}"


def list_referrers(registry: Registry, subject: str) -> tuple[Via, tuple[Descriptor, ...]]:
    """Return how referrers of a digest are listed there, and the readable entries of that list.

    ReferrersError when an answer is no image index, or too long. No filter is sent: some servers would apply it to
    types they got wrong (go-containerregistry takes the config's).
    """
    via, entries = _list(registry, subject)
    return via, readable(entries)


def readable(entries: Entries) -> tuple[Descriptor, ...]:
    """Return the well-formed descriptors among entries anyone with push rights may have written."""
    found = []
    for entry in entries:
        try:
            found.append(parse_descriptor(entry, "a list of referrers"))
        except ContentError:
            continue
    return tuple(found)


def without(entries: Entries, digest: str) -> Entries:
    """Return the entries that are not about a digest, as they are."""
    return [entry for entry in entries if not (isinstance(entry, dict) and entry.get("digest") == digest)]


def confirm(registry: Registry, artifact: Descriptor, subject: str) -> Via:
    """Return how a pushed artifact is listed, after listing it where there is no API; else ReferrersError.

    Where the API answers and never shows the artifact, the tag is left alone: readers would not look there.
    """
    for pause in CONFIRM_PAUSES:
        via, entries = _list(registry, subject)
        if artifact.digest in _digests(entries):
            return via
        if via is Via.FALLBACK:
            _rewrite(registry, subject, artifact.digest, artifact.as_json())
            return via
        time.sleep(pause)
    raise ReferrersError(
        f"{registry.name} does not list {artifact.digest} as a referrer of {subject}",
        why="it has the referrers API and took the artifact, but its list does not show it",
        remedy="run it again in a minute; if it stays so, this registry cannot hold referrers",
    )


def withdraw(registry: Registry, digest: str, subject: str) -> Via:
    """Take a digest out of the index under the tag, if that is how referrers are listed; return how they are."""
    via, entries = _list(registry, subject)
    if via is Via.FALLBACK and digest in _digests(entries):
        _rewrite(registry, subject, digest, None)
    return via


def _list(registry: Registry, subject: str) -> tuple[Via, Entries]:
    entries: Entries = []
    page = ""
    for _ in range(MAX_PAGES):
        answer = registry.referrers_page(subject, page)
        if answer is None and not page:
            return Via.FALLBACK, _read_tag(registry, fallback_tag(subject)) or []
        if answer is None:
            raise ReferrersError(f"{registry.name} lists referrers of {subject} halfway", why="a page is missing")
        raw, page = answer
        entries += _entries(raw, f"the list of referrers in {registry.name}")
        if len(entries) > MAX_ENTRIES:
            break
        if not page:
            return Via.API, entries
    raise ReferrersError(
        f"{registry.name} lists too many referrers of {subject}",
        why=f"more than {MAX_ENTRIES} entries or {MAX_PAGES} pages",
        remedy="delete those that are no longer needed",
    )


def _read_tag(registry: Registry, tag: str) -> Entries | None:
    """Return the entries under a tag, None without the tag; ReferrersError when something else is there."""
    found = registry.tag_bytes(tag)
    if found is None:
        return None
    raw, media_type = found
    what = f"tag {tag} in {registry.name}"
    if media_type != OCI_INDEX:
        raise ReferrersError(
            f"{what} is no list of referrers",
            why=f"it is {media_type[:80]!r}, not an image index; nothing was changed",
            remedy="a proxy may have answered instead of the registry; otherwise delete the tag and try again",
        )
    return _entries(raw, what)


def _entries(raw: bytes, what: str) -> Entries:
    try:
        document = parse_json(raw, MAX_INDEX, what)
    except ContentError as error:
        raise ReferrersError(error.what, why=error.why, remedy=error.remedy) from error
    # Go writes a list that it never filled as null.
    entries = [] if document.get("manifests") is None else document["manifests"]
    is_index = document.get("mediaType", OCI_INDEX) == OCI_INDEX and document.get("schemaVersion") == 2
    if not is_index or "manifests" not in document or not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        why = "it is not version 2, or lacks a list of manifests; nothing was changed"
        raise ReferrersError(f"{what} is no image index", why=why, remedy="ask whoever runs the registry")
    return entries


def _rewrite(registry: Registry, subject: str, digest: str, entry: dict[str, Any] | None) -> None:
    """Write the index under the tag until it stays with an entry for a digest or, given None, without one.

    It stays when several reads in a row are the same: as long as it changes, somebody else may be about to write what
    they read before us.
    """
    tag = fallback_tag(subject)
    last: Entries | None = None
    settled, right = 0, False
    for count in range(MAX_ROUNDS):
        start = time.monotonic()
        entries = _read_surely(registry, tag)
        took = time.monotonic() - start
        right = (digest in _digests(entries)) == (entry is not None)
        if right:
            settled = settled + 1 if entries == last else 1
            last = entries
            if settled == SETTLED_READS:
                return
            # A slow registry is slow for the others as well.
            time.sleep(random.uniform(*SETTLE_PAUSE) + took)  # noqa: S311 - spreads writers, hides nothing
            continue
        kept = without(entries, digest)
        last, settled = [*kept, entry] if entry else kept, 0
        _write(registry, tag, last, digest)
        time.sleep(random.uniform(0, 0.02 * min(count, 10)))  # noqa: S311 - as above
    if not right:
        raise ReferrersError(
            f"{registry.name} does not keep the list of referrers under {tag}",
            why=f"other writers, or the registry, undid every one of {MAX_ROUNDS} attempts",
            remedy="run it again when nobody else writes there",
        )


def _read_surely(registry: Registry, tag: str) -> Entries:
    entries = _read_tag(registry, tag)
    if entries is None:
        time.sleep(ABSENT_PAUSE)
        entries = _read_tag(registry, tag)
    return entries or []


def _write(registry: Registry, tag: str, entries: Entries, digest: str) -> None:
    index = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    try:
        registry.push_manifest(index, OCI_INDEX, tag)
    except RegistryError as error:
        raise ReferrersError(
            f"{registry.name} does not take the list of referrers under {tag}",
            why=f"{error.what}; {digest} itself is stored, but nobody finds it",
            remedy="allow that tag to be moved, then run it again: it continues where it stopped",
        ) from error


def _digests(entries: Entries) -> set[str]:
    return {descriptor.digest for descriptor in readable(entries)}
