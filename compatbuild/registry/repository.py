"""A repository of a registry as a store.

Protocol: OCI distribution-spec v1.1. Manifests are taken by GET and hashed here; a ``Docker-Content-Digest`` header is
never the truth, but one that contradicts the bytes is an error.
"""

import io
import random
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO

from compatbuild.errors import NotFoundError, RegistryError
from compatbuild.registry import anchors, referrers
from compatbuild.registry.descriptor import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    MAX_INDEX,
    OCI_INDEX,
    Descriptor,
    ManifestBytes,
    describe,
    media_type_of,
    parse_json,
)
from compatbuild.registry.digest import ContentError, NoPartsError, check_digest, digest_of, exactly, is_digest
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import Reference
from compatbuild.registry.retry import retrying
from compatbuild.registry.store import Store, Via
from compatbuild.registry.stream import BUFFER, BlobStream, Body
from compatbuild.registry.trust import Origin
from compatbuild.registry.upload import Uploads

if TYPE_CHECKING:
    import requests

    from compatbuild.registry.client import RegistryClient

ACCEPT = ", ".join(MANIFEST_TYPES + INDEX_TYPES)
NO_API = frozenset({400, 404, 405, 501})
"""Answers to a listing that mean there is no referrers API; a 5xx or a 403 means that it failed."""
SECOND_CHANCE = frozenset({400, 404, 409})
"""Refusals of a manifest that are tried again: a store that is busy or lags behind may not see the blobs yet.

docker-registry 2.8.2 answers 400 to one or two of 32 writers that push the same empty config at once.
"""
MAX_TAGS = 200_000
"""Tags of one repository; a build cache of Spack's has one a package."""
LAG_PAUSES = (0.3, 0.7, 1.5)
"""Seconds before each of these tries, at least half of them at random."""
STRONG = re.compile(r'"[\x21\x23-\x7e]{1,256}"')
"""A strong entity tag (RFC 9110 §8.8.3), the only kind that If-Match compares."""
REFUSALS = 5
"""Conditions in a row that a registry may refuse for one tag; after that it is written without."""
REMEMBERED = 512
"""Manifests kept in memory, by digest."""
MAX_REMEMBERED = 1 << 16
"""Bytes of a manifest that is kept."""
_HINTS = {
    400: "the registry does not accept this kind of artifact",
    405: "the registry does not allow this",
    409: "it conflicts with what is there; a tag may be immutable",
    413: "it is too large for the registry",
}


class RegistryRepository:
    """One repository; safe to share between threads. Several may share the ``client`` of their host."""

    def __init__(self, reference: Reference, options: RegistryOptions, client: "RegistryClient | None" = None) -> None:
        from compatbuild.registry.client import RegistryClient  # noqa: PLC0415 - it brings requests and oras

        self._reference = reference
        self._client = client or RegistryClient(reference.registry, options)
        origin = self._client.origin
        self._base = f"{origin.scheme}://{origin.netloc}/v2/{reference.repository}"
        self._uploads = Uploads(self._client, self._base, self.name, self._expect)
        self._manifests: dict[str, ManifestBytes] = {}
        self._absences: Counter[str] = Counter()
        self._conditions: dict[str, dict[str, str]] = {}  # on which a tag is what it was when it was read
        self._refused: Counter[str] = Counter()
        self._via: Via | None = None
        self._durable = options.durable

    @property
    def name(self) -> str:
        """Host and repository."""
        return self._reference.name

    @property
    def origin(self) -> Origin:
        """Where the registry's API is."""
        return self._client.origin

    @property
    def repository(self) -> str:
        """Host and repository, as signatures name them."""
        return self._reference.name

    def resolve(self, selector: str) -> ManifestBytes:
        """Return the manifest or index of a tag or digest; NotFoundError when there is none."""
        if selector in self._manifests:
            return self._manifests[selector]
        response = self._get_manifest(selector)
        if response.status_code == HTTPStatus.NOT_FOUND:
            joint = "@" if is_digest(selector) else ":"
            raise NotFoundError(
                f"{self.name}{joint}{selector} does not exist",
                why="the registry knows no such manifest",
                remedy="check the name and the tag, and that the image has been pushed",
            )
        raw = self._expect(response, f"read {selector}", 200).content
        sent_as = _media_type(response)
        if sent_as.startswith("text/"):
            remedy = "a proxy may have answered instead; check it"
            raise ContentError(f"{self.name} sent a web page for {selector}", why=f"it is {sent_as}", remedy=remedy)
        digest = selector if is_digest(selector) else digest_of(raw)
        check_digest(raw, digest, f"the manifest from {self.name}")
        found = ManifestBytes(raw, Descriptor(media_type_of(raw, sent_as), digest, len(raw)))
        _check_header(response, found)
        if len(raw) <= MAX_REMEMBERED and len(self._manifests) < REMEMBERED:
            self._manifests[found.descriptor.digest] = found
        return found

    def digest_of_tag(self, tag: str) -> str:
        """Return what a registry says the digest of a tag is, without its manifest; NotFoundError without such a tag.

        Whoever uses it asks for the manifest by that digest next, and checks it then.
        """
        url = f"{self._base}/manifests/{tag}"
        response = self._client.do_request(url, "HEAD", headers={"Accept": ACCEPT})
        stated: str = response.headers.get("Docker-Content-Digest", "")
        if response.ok and is_digest(stated):
            return stated
        return self.resolve(tag).descriptor.digest  # some registries answer a HEAD with less, and all say why to a GET

    def manifest(self, digest: str) -> ManifestBytes:
        """Return the manifest or index with a digest."""
        return self.resolve(_checked(digest))

    def blob(self, descriptor: Descriptor, limit: int) -> bytes:
        """Return a blob of at most ``limit`` bytes with its size and digest checked."""
        if descriptor.size > limit:
            raise ContentError(
                f"{descriptor.digest} is too large", why=f"{descriptor.size} bytes, at most {limit} are read"
            )
        url = f"{self._base}/blobs/{_checked(descriptor.digest)}"
        response = self._client.do_request(url, limit=descriptor.size)
        raw = self._expect(response, f"read {descriptor.digest}", 200).content
        check_digest(raw, descriptor.digest, f"the blob from {self.name}")
        if len(raw) != descriptor.size:
            raise ContentError(f"{descriptor.digest} has another size", why=f"{len(raw)} bytes, not {descriptor.size}")
        return raw

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """Open a blob for reading once; the caller checks the digest."""
        url = f"{self._base}/blobs/{_checked(descriptor.digest)}"

        def open_at(position: int) -> Body:
            headers = {"Range": f"bytes={position}-"} if position else {}
            response = self._client.do_request(url, headers=headers, stream=True)
            self._expect(response, f"read {descriptor.digest}", 206 if position else 200)
            return self._client.body(response)

        name = f"{self.name}@{descriptor.digest}"
        return io.BufferedReader(BlobStream(open_at, descriptor.size, name), BUFFER)

    def blob_part(self, descriptor: Descriptor, offset: int, count: int) -> bytes:
        """Return some bytes of a blob by a range request (RFC 9110 §14); the caller checks what they are."""
        url = f"{self._base}/blobs/{_checked(descriptor.digest)}"
        headers = {"Range": f"bytes={offset}-{offset + count - 1}"}

        def once() -> bytes:
            with self._client.attempt("GET", url, headers=headers, limit=None) as response:
                if count < descriptor.size or response.status_code != HTTPStatus.OK:
                    _require_part(response, offset, self.name)
                self._expect(response, f"read {descriptor.digest}", 206, 200)
                return exactly(self._client.body(response).read(count), count, f"{descriptor.digest} from {self.name}")

        return retrying(once)

    def tags(self) -> tuple[str, ...]:
        """Return all tags, page by page; RegistryError when there are more than are looked at.

        No size of a page is asked for: crane's registry cuts the list there, and does not say that it goes on.
        """
        found: list[str] = []
        page = f"{self._base}/tags/list"
        while page:
            response = self._expect(self._client.do_request(page, limit=MAX_INDEX), "list its tags", 200)
            names = parse_json(response.content, MAX_INDEX, "the list of tags").get("tags") or []
            found += [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
            if len(found) > MAX_TAGS:
                raise RegistryError(f"{self.name} has more than {MAX_TAGS:,} tags", why="so many are not looked at")
            following = self._next_page(response)
            page = following if following != page and names else ""
        return tuple(found)

    def push_blob(self, raw: bytes, media_type: str) -> Descriptor:
        """Upload a blob unless it is there."""
        descriptor = describe(raw, media_type)
        self._uploads.push(raw, descriptor.digest)
        return descriptor

    def has(self, descriptor: Descriptor) -> bool:
        """Whether a manifest or blob is there, by the registry's word and its size."""
        kind = "manifests" if descriptor.media_type in MANIFEST_TYPES + INDEX_TYPES else "blobs"
        url = f"{self._base}/{kind}/{_checked(descriptor.digest)}"
        there = self._client.do_request(url, "HEAD", headers={"Accept": ACCEPT} if kind == "manifests" else {})
        if there.status_code == HTTPStatus.NOT_FOUND:
            return False
        self._expect(there, f"look for {descriptor.digest}", 200)
        return there.headers.get("Content-Length", str(descriptor.size)) == str(descriptor.size)

    def copy_blob(self, descriptor: Descriptor, source: Store) -> bool:
        """Bring a blob over, by mounting it if it is in the same registry; return whether its bytes passed here."""
        _checked(descriptor.digest)
        near = isinstance(source, RegistryRepository) and source.origin == self.origin
        if near and self._uploads.mount(descriptor.digest, source.repository.partition("/")[2]):
            return False
        self._uploads.stream(lambda: source.open_blob(descriptor), descriptor)
        return True

    def push_manifest(self, raw: bytes, media_type: str, tag: str | None = None) -> Descriptor:
        """Upload a manifest or index under its digest, or under a tag."""
        descriptor = describe(raw, media_type)
        self._took(self._put(raw, media_type, tag or descriptor.digest, {}), raw, descriptor, tag)
        return descriptor

    def replace_tag(self, raw: bytes, media_type: str, tag: str) -> bool:
        """Write what a tag holds; return False, and write nothing, when it is known not to be what was read last.

        Only a registry that gives entity tags and heeds them (RFC 9110 §13) can know; to others it is any write. One
        that never agrees has got them wrong, and is not asked any more.
        """
        condition = self._conditions.pop(tag, {}) if self._refused[tag] < REFUSALS else {}
        response = self._put(raw, media_type, tag, condition)
        if condition and response.status_code == HTTPStatus.PRECONDITION_FAILED:
            self._refused[tag] += 1
            return False
        if condition:
            self._refused.pop(tag, None)
        self._took(response, raw, describe(raw, media_type), tag)
        return True

    def _put(self, raw: bytes, media_type: str, where: str, condition: Mapping[str, str]) -> "requests.Response":
        url = f"{self._base}/manifests/{where}"
        headers = {"Content-Type": media_type, **condition}
        response = self._client.do_request(url, "PUT", data=raw, headers=headers)
        for pause in LAG_PAUSES:
            if response.status_code not in SECOND_CHANCE:
                break
            time.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - spreads writers, hides nothing
            response = self._client.do_request(url, "PUT", data=raw, headers=headers)
        return response

    def _took(self, response: "requests.Response", raw: bytes, descriptor: Descriptor, tag: str | None) -> None:
        self._expect(response, f"write manifest {tag or descriptor.digest}", 201, 200, 202)
        _check_header(response, ManifestBytes(raw, descriptor))
        self._absences.pop(tag or "", None)
        if "OCI-Subject" in response.headers:
            self._via = None  # it claims to have the API after all: ask it again

    @property
    def via(self) -> Via:
        """How referrers were listed when they were last asked for."""
        return self._via or Via.API

    def referrers(self, subject: str) -> tuple[Descriptor, ...]:
        """Return what is listed as referring to a digest; only the digests in it can be relied on."""
        self._via, found = referrers.list_referrers(self, _checked(subject))
        return found

    def add_referrer(self, artifact: Descriptor, subject: str) -> Via:
        """Confirm that a pushed manifest is listed, listing it where there is no API; else ReferrersError."""
        return self.add_referrers((artifact,), subject)

    def add_referrers(self, artifacts: Sequence[Descriptor], subject: str) -> Via:
        """Confirm several in one go."""
        anchored = partial(anchors.list_anchored, self, artifacts, subject) if self._durable else None
        self._via = referrers.confirm(self, artifacts, _checked(subject), anchored)
        return self._via

    def restore_referrers(self, subject: str) -> tuple[Descriptor, ...]:
        """List again what has an anchor and is not listed; nothing where there is an API, which lists by itself."""
        self.referrers(subject)
        return anchors.restore(self, _checked(subject)) if self._via is Via.FALLBACK else ()

    def remove_referrer(self, digest: str, subject: str) -> None:
        """Delete a referrer's manifest and its entry in the list; without an API the entry is what counts."""
        if self._via is not Via.API:
            anchors.drop(self, _checked(digest), _checked(subject))
        via = referrers.withdraw(self, _checked(digest), _checked(subject))
        try:
            self.delete_manifest(digest)
        except RegistryError:
            # Many registries delete nothing on request; off the list, nobody finds it any more.
            if via is not Via.FALLBACK:
                raise

    def delete_manifest(self, digest: str) -> None:
        """Delete a manifest; one that is gone already is as good."""
        response = self._client.do_request(f"{self._base}/manifests/{_checked(digest)}", "DELETE")
        self._expect(response, f"delete {digest}", 200, 202, 204, 404)
        self._manifests.pop(digest, None)

    def delete_tag(self, tag: str) -> None:
        """Delete a tag; RegistryError where the registry deletes none."""
        self._expect(self._client.do_request(f"{self._base}/manifests/{tag}", "DELETE"), f"delete {tag}", 200, 202, 204)

    def referrers_page(self, subject: str, page: str) -> tuple[bytes, str] | None:
        """Return a page of the API's list and the address of the next; None when there is no API.

        A registry without one is asked once a run, unless it claims to have one later.
        """
        if self._via is Via.FALLBACK:
            return None
        url = page or f"{self._base}/referrers/{subject}"
        response = self._client.do_request(url, headers={"Accept": OCI_INDEX}, limit=MAX_INDEX)
        # A web page with status 200 is a registry, or a proxy before it, that does not know the address.
        if response.status_code in NO_API or (response.ok and _media_type(response) != OCI_INDEX):
            return None
        raw: bytes = self._expect(response, f"list the referrers of {subject}", 200).content
        return raw, self._next_page(response)

    def tag_bytes(self, tag: str) -> tuple[bytes, str] | None:
        """Return what is stored under a tag and its media type, unchecked; None when there is no such tag."""
        response = self._get_manifest(tag)
        if response.status_code == HTTPStatus.NOT_FOUND:
            self._absences[tag] += 1
            self._conditions[tag] = {"If-None-Match": "*"}
            return None
        self._absences.pop(tag, None)
        stated = response.headers.get("ETag", "")
        self._conditions[tag] = {"If-Match": stated} if STRONG.fullmatch(stated) else {}
        return self._expect(response, f"read {tag}", 200).content, _media_type(response)

    def absences(self, tag: str) -> int:
        """Return how often in a row there was no such tag."""
        return self._absences[tag]

    def _get_manifest(self, selector: str) -> "requests.Response":
        return self._client.do_request(f"{self._base}/manifests/{selector}", headers={"Accept": ACCEPT})

    def _next_page(self, response: "requests.Response") -> str:
        return self._client.next_page(response, self.name)

    def _expect(self, response: "requests.Response", action: str, *statuses: int) -> "requests.Response":
        """Return the response if it has one of the statuses; else NotFoundError for a 404, RegistryError otherwise."""
        status = response.status_code
        if status in statuses:
            return response
        said = _said(response)
        if status == HTTPStatus.NOT_FOUND:
            raise NotFoundError(
                f"{self.name} cannot {action}", why=f"it is not there{said}", remedy="check the reference"
            )
        raise RegistryError(
            f"{self.name} cannot {action}",
            why=f"the registry answered {status}{said}",
            remedy=_HINTS.get(status, "if this stays so, ask whoever runs the registry"),
        )


def _media_type(response: "requests.Response") -> str:
    header: str = response.headers.get("Content-Type", "")
    return header.partition(";")[0].strip().lower()


def _check_header(response: "requests.Response", found: ManifestBytes) -> None:
    stated = response.headers.get("Docker-Content-Digest", "")
    digest = found.descriptor.digest
    if is_digest(stated) and stated != digest and stated != digest_of(found.raw, stated.partition(":")[0]):
        raise ContentError(
            "the registry contradicts itself about a digest",
            why=f"the content has {digest}, the header says {stated}",
            remedy="do not use it; ask whoever runs the registry",
        )


def _checked(digest: str) -> str:
    if not is_digest(digest):
        raise ContentError(f"{digest[:80]!r} is no digest", why="it would become part of an address")
    return digest


def _said(response: "requests.Response") -> str:
    """Return the registry's own words about an error, on one printable line (distribution-spec, "Error Codes")."""
    try:
        errors: Any = parse_json(response.content[:MAX_REMEMBERED], MAX_REMEMBERED, "an error").get("errors")
    except (ContentError, OSError):
        return ""
    first = errors[0] if isinstance(errors, list) and errors else None
    if not isinstance(first, Mapping):
        return ""
    words = " ".join(str(first[key]) for key in ("code", "message") if first.get(key))
    return ": " + "".join(letter for letter in words if letter.isprintable())[:200]


def _require_part(response: "requests.Response", offset: int, name: str) -> None:
    """Raise NoPartsError for an answer that is not an error, and not the part that was asked for (RFC 9110 §15.3.7)."""
    status, given = response.status_code, response.headers.get("Content-Range", "")
    if status in {HTTPStatus.OK, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}:
        why = f"it answered a request for some bytes with {'the whole' if status == HTTPStatus.OK else status}"
    elif status == HTTPStatus.PARTIAL_CONTENT and not given.lower().startswith(f"bytes {offset}-"):
        why = f"it answered a request for bytes from {offset:,} on with {given[:40]!r}"
    else:
        return
    remedy = "pull the image to a file and name that: what is attached goes to the registry anyhow"
    raise NoPartsError(f"{name} does not give parts of a blob", why=why, remedy=remedy)
