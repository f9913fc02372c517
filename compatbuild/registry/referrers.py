"""Referrers of a manifest in a registry: the API where there is one, the tag schema where there is none.

Formats: OCI distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema". What a registry claims is not
believed: an ``OCI-Subject`` header proves nothing (sigstore-js PR 1183, docker/hub-feedback 2372), so a push counts
when a listing shows it. The index under the tag has no compare-and-swap but on registries that heed entity tags; it is
rewritten until it stays right.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
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
QUIET_SECONDS = 0.5
"""How long an index must stay as we wrote it while nobody else is seen to write."""
CONTENDED_SECONDS = 1.5
"""The same once somebody was, counted anew from every change."""
STALLS = (2.0, 6.0)
"""Those times are at least so often what one read and write took us, quiet and contended: others are as slow as we."""
LONGEST_SETTLE = 15.0
"""Seconds, however slow the registry."""
SETTLE_PAUSE = (0.05, 0.3)
"""Seconds between reads while others write, drawn at random so that writers fall out of step."""
BACKOFF = 0.05
"""Seconds, doubled with every write of ours that was undone, and drawn at random below that."""
LONGEST_BACKOFF = 3.0
MAX_SECONDS = 240.0
"""Before giving up, and before being content with an index that is right and will not rest."""
ABSENT_PAUSE = 0.1
"""Seconds before a missing tag is asked for again: one false 404 would replace everybody's entries."""
ABSENCES = 2
"""Answers that a tag is missing before it is taken to be."""

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

    def absences(self, tag: str) -> int:
        """Return how often in a row there was no such tag."""

    def replace_tag(self, raw: bytes, media_type: str, tag: str) -> bool:
        """Store an index under a tag; False, and nothing stored, when it is known to have changed since it was read."""


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


def confirm(
    registry: Registry, artifacts: Sequence[Descriptor], subject: str, anchored: Callable[[], None] | None = None
) -> Via:
    """Return how pushed artifacts are listed, after listing them where there is no API; else ReferrersError.

    ``anchored`` lists them there so that no other writer can lose them; without it the list is written until it has
    settled. Where the API answers and never shows them, the tag is left alone: readers would not look there.
    """
    absent: list[str] = []
    for pause in CONFIRM_PAUSES:
        start = time.monotonic()
        via, entries = _list(registry, subject)
        if via is Via.FALLBACK and anchored is not None:
            anchored()
            return via
        absent = [one.digest for one in artifacts if one.digest not in digests(entries)]
        if not absent:
            return via
        if via is Via.FALLBACK:
            _Rewriting(registry, subject, {one.digest: one.as_json() for one in artifacts}).run(entries, start)
            return via
        time.sleep(pause)
    raise ReferrersError(
        f"{registry.name} does not list {absent[0]} as a referrer of {subject}",
        why="it has the referrers API and took the artifact, but its list does not show it",
        remedy="run it again in a minute; if it stays so, this registry cannot hold referrers",
    )


def withdraw(registry: Registry, digest: str, subject: str) -> Via:
    """Take a digest out of the index under the tag, if that is how referrers are listed; return how they are."""
    start = time.monotonic()
    via, entries = _list(registry, subject)
    if via is Via.FALLBACK and digest in digests(entries):
        _Rewriting(registry, subject, {digest: None}).run(entries, start)
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


class _Rewriting:
    """Rewriting the index under the tag until it stays right.

    Few have a compare-and-swap. A writer who read before our write may write after it, and undo it; so the index must
    stay right for longer than anybody can be expected to take from their read to their write, and every change starts
    that time anew. What a read and a write take us says what they take others, on a registry or machine that is slow.
    """

    def __init__(self, registry: Registry, subject: str, changes: Mapping[str, dict[str, Any] | None]) -> None:
        self._registry = registry
        self._tag = fallback_tag(subject)
        self._changes = changes
        self._slowest = 0.0
        self._undone = 0
        self._contended = False

    def run(self, entries: Entries, read: float) -> None:
        """Write, and return when it has settled; ``entries`` were read just now, beginning at the moment ``read``."""
        begun = time.monotonic()
        if 0 < self._registry.absences(self._tag) < ABSENCES:
            time.sleep(ABSENT_PAUSE)
            read = time.monotonic()
            entries = read_surely(self._registry, self._tag)
        written = self._write(entries, read)
        until = time.monotonic() + self._seconds()
        self._pause(until)
        while True:
            read = time.monotonic()
            entries = read_surely(self._registry, self._tag)
            right = self._is_right(entries)
            late = time.monotonic() > begun + MAX_SECONDS
            if right and (late or (entries == written and read >= until)):
                return
            if late:
                raise ReferrersError(
                    f"{self._registry.name} does not keep the list of referrers under {self._tag}",
                    why=f"other writers, or the registry, undid {self._undone} attempts in {MAX_SECONDS:.0f} s",
                    remedy="run it again when nobody else writes there",
                )
            if not right or entries != written:
                self._contended = True
                written = entries if right else self._again()
                until = time.monotonic() + self._seconds()
            self._pause(until)

    def _again(self) -> Entries:
        """Write once more, at a moment when others hopefully do not; return what is there then."""
        self._back_off()
        read = time.monotonic()
        entries = read_surely(self._registry, self._tag)
        return entries if self._is_right(entries) else self._write(entries, read)

    def _write(self, entries: Entries, read: float) -> Entries:
        while True:
            for digest, entry in self._changes.items():
                if entry is None or digest not in digests(entries):
                    entries = without(entries, digest) + ([entry] if entry else [])
            written = write_list(self._registry, self._tag, entries, next(iter(self._changes)))
            self._slowest = max(self._slowest, time.monotonic() - read)
            if written:
                return entries
            self._contended = True
            self._back_off()
            read = time.monotonic()
            entries = read_surely(self._registry, self._tag)

    def _back_off(self) -> None:
        self._undone += 1
        time.sleep(random.uniform(0, min(BACKOFF * 2**self._undone, LONGEST_BACKOFF)))  # noqa: S311 - hides nothing

    def _is_right(self, entries: Entries) -> bool:
        there = digests(entries)
        return all((digest in there) == (entry is not None) for digest, entry in self._changes.items())

    def _seconds(self) -> float:
        least = CONTENDED_SECONDS if self._contended else QUIET_SECONDS
        return min(max(least, STALLS[self._contended] * self._slowest), LONGEST_SETTLE)

    def _pause(self, until: float) -> None:
        """Wait for the end where it is quiet, less where others write: the sooner they are noticed, the better."""
        left = max(until - time.monotonic(), 0.0)
        step = random.uniform(*SETTLE_PAUSE) + self._slowest  # noqa: S311 - spreads writers, hides nothing
        time.sleep(min(left, step) if self._contended else left)


def read_surely(registry: Registry, tag: str) -> Entries:
    """Return the entries under a tag; none only when it is missing more than once."""
    entries = _read_tag(registry, tag)
    if entries is None and registry.absences(tag) < ABSENCES:
        time.sleep(ABSENT_PAUSE)
        entries = _read_tag(registry, tag)
    return entries or []


def write_list(registry: Registry, tag: str, entries: Entries, digest: str) -> bool:
    """Write a list under a tag; ``digest`` is what is new in it. ReferrersError when the registry does not take it.

    False, and nothing is written, when somebody else wrote since it was read and the registry says so.
    """
    if len(entries) > MAX_ENTRIES:
        raise ReferrersError(
            f"{tag} in {registry.name} is full",
            why=f"it lists {MAX_ENTRIES} artifacts, and readers look at no more",
            remedy="delete those that are no longer needed",
        )
    index = canonical_json({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries})
    try:
        return registry.replace_tag(index, OCI_INDEX, tag)
    except RegistryError as error:
        raise ReferrersError(
            f"{registry.name} does not take the list of referrers under {tag}",
            why=f"{error.what}; {digest} itself is stored, but nobody finds it",
            remedy="allow that tag to be moved, then run it again: it continues where it stopped",
        ) from error


def digests(entries: Entries) -> set[str]:
    """Return the digests of the readable entries."""
    return {descriptor.digest for descriptor in readable(entries)}
