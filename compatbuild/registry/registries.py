"""Many repositories of several registries, asked by many threads: one connection a host, one pace for all of them."""

import threading
from collections import OrderedDict
from collections.abc import Iterator
from http import HTTPStatus
from typing import TYPE_CHECKING

from compatbuild.errors import RegistryError
from compatbuild.registry.descriptor import MAX_INDEX, parse_json
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.pace import MOST, Pace
from compatbuild.registry.reference import LayoutReference, Reference
from compatbuild.registry.retry import ExhaustedError
from compatbuild.registry.store import Store, open_store

if TYPE_CHECKING:
    from compatbuild.registry.client import RegistryClient
    from compatbuild.registry.repository import RegistryRepository

MAX_OPEN = 64
"""Stores that are kept open; each remembers manifests it has read."""
MAX_REPOSITORIES = 200_000
"""Repositories of one catalogue."""
MAX_HOSTS = 1000
GIVEN_UP = 8
"""Failures in a row after which a host is not asked any more: a dead one would cost seconds an image."""


class Registries:
    """Stores over connections that are shared; safe to use from several threads."""

    def __init__(self, options: RegistryOptions, most: int = MOST) -> None:
        self._options = options
        self._most = most
        self._clients: dict[str, RegistryClient] = {}
        self._stores: OrderedDict[str, Store] = OrderedDict()
        self._downloads: dict[str, Pace] = {}
        self._failures: dict[str, list[ExhaustedError]] = {}
        self._lock = threading.Lock()

    def store(self, reference: Reference | LayoutReference) -> Store:
        """Return the store of a reference; errors are those of ``open_store``."""
        with self._lock:
            if reference.name in self._stores:
                self._stores.move_to_end(reference.name)
                return self._stores[reference.name]
        opened = self._open(reference)
        with self._lock:
            kept = self._stores.setdefault(reference.name, opened)
            while len(self._stores) > MAX_OPEN:
                self._stores.popitem(last=False)
            return kept

    def downloads(self, host: str) -> Pace:
        """Return the pace at which large blobs are taken from a host, by whichever process."""
        with self._lock:
            return self._downloads.setdefault(host, Pace(self._most))

    def check(self, reference: Reference | LayoutReference) -> None:
        """Raise the last error of a host that failed so many times in a row that it is not asked any more."""
        host = reference.registry if isinstance(reference, Reference) else ""
        with self._lock:
            failures = self._failures.get(host, [])
        if len(failures) >= GIVEN_UP:
            last = failures[-1]
            raise RegistryError(last.what, why=f"{last.why}; it failed {GIVEN_UP} times in a row", remedy=last.remedy)

    def tell(self, reference: Reference | LayoutReference, failure: Exception | None) -> None:
        """Say how asking a host went: not at all, or for too long, counts against it; any answer is for it."""
        if not isinstance(reference, Reference):
            return
        with self._lock:
            if isinstance(failure, ExhaustedError) and (failure.asked or failure.unreached):
                self._failures.setdefault(reference.registry, []).append(failure)
            elif len(self._failures.get(reference.registry, [])) < GIVEN_UP:
                self._failures.pop(reference.registry, None)

    def repositories(self, host: str, prefix: str = "", *, size: int = 0) -> Iterator[str]:
        """Yield the names in a registry's catalogue, page by page, those that are ``prefix`` or below it.

        No ``size`` of a page is asked for by itself: crane's registry cuts the list there, and does not say that it
        goes on. RegistryError when the registry shows none, or more than are looked at.
        """
        client = self._client(host)
        base = f"{client.origin.scheme}://{client.origin.netloc}/v2/_catalog{f'?n={size}' if size else ''}"
        page, count = base, 0
        while page:
            response = client.do_request(page, limit=MAX_INDEX)
            if response.status_code != HTTPStatus.OK:
                raise RegistryError(
                    f"{host} does not list its repositories",
                    why=f"it answered {response.status_code}",
                    remedy="name one repository (registry:HOST/NAME), or hand over a file of references",
                )
            names = parse_json(response.content, MAX_INDEX, f"the catalogue of {host}").get("repositories") or []
            found = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
            count += len(found)
            if count > MAX_REPOSITORIES:
                raise RegistryError(f"{host} lists more than {MAX_REPOSITORIES:,} repositories", why="it is too many")
            yield from (name for name in found if is_below(name, prefix))
            following = client.next_page(response, host)
            page = following if following != page and found else ""

    def _open(self, reference: Reference | LayoutReference) -> Store:
        if isinstance(reference, LayoutReference):
            return open_store(reference)
        return self.repository(reference)

    def repository(self, reference: Reference) -> "RegistryRepository":
        """Return a repository over its host's connection."""
        from compatbuild.registry.repository import RegistryRepository  # noqa: PLC0415 - it brings requests and oras

        return RegistryRepository(reference, self._options, self._client(reference.registry))

    def _client(self, host: str) -> "RegistryClient":
        from compatbuild.registry.client import RegistryClient  # noqa: PLC0415 - as above

        with self._lock:
            if host not in self._clients:
                if len(self._clients) >= MAX_HOSTS:
                    raise RegistryError(f"more than {MAX_HOSTS} registries are named", why="it is too many")
                self._clients[host] = RegistryClient(host, self._options, Pace(self._most))
            return self._clients[host]


def is_below(name: str, prefix: str) -> bool:
    """Whether a repository is the one of that name, or below it; below an empty prefix are all."""
    return not prefix or name == prefix or name.startswith(f"{prefix}/")
