"""Which other hosts a registry may send us to, and which of them may see credentials.

A registry can name other hosts in four places: the token service's ``realm``, a redirect, an upload's ``Location`` and
the next page of a list. Each has let credentials out of some client (CVE-2020-15157, CVE-2026-48978, CVE-2026-50151,
GHSA-vh4v-2xq2-g5cg). Uploads and pages stay on the registry's own origin; a redirected download is followed without
credentials; a token service gets credentials only by the rule of ``check_realm``.
"""

import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import urlsplit

from compatbuild.errors import RegistryError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
KNOWN_REALMS = frozenset({("rg.fr-par.scw.cloud", "api.scaleway.com")})
"""Registries whose token service has another domain: pairs, so that no token host is trusted by every registry.

Scaleway: apple/container issue 2268.
"""
SHARED_DOMAINS = frozenset(
    """amazonaws.com azurecr.io azurewebsites.net cloudfront.net github.io gitlab.io herokuapp.com jfrog.io netlify.app
    ngrok.io pages.dev pkg.dev run.app vercel.app workers.dev""".split()
)
"""Domains whose subdomains belong to strangers, such as those in the private part of the Public Suffix List."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SECOND_LEVEL = frozenset({"ac", "co", "com", "edu", "gob", "gov", "ne", "net", "or", "org"})


class Origin(NamedTuple):
    """Scheme, host and port: credentials stay within one."""

    scheme: str
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """Host and port as a URL has them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def origin_of(url: str) -> Origin:
    """Return the origin of an http(s) URL; RegistryError when it is no such URL or carries credentials itself."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        scheme, host, port = "", "", None
    if scheme not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        raise RegistryError(f"the registry names {url[:200]!r}, which is not a plain http or https address")
    return Origin(scheme, host, port or _DEFAULT_PORTS[scheme])


@lru_cache(maxsize=64)
def addresses(host: str) -> tuple[Address, ...]:
    """Return the addresses of a host, none when it does not resolve here (behind a proxy it need not)."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple({_unmapped(str(entry[4][0]).partition("%")[0]): None for entry in found})


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name: ``localhost`` or a loopback address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_elsewhere(registry: Origin, target: Origin, purpose: str) -> None:
    """Raise RegistryError unless a registry may send us to a target: never down to http or into private networks.

    A public registry has no business at private addresses, and nobody at link-local ones, where clouds keep their
    instances' secrets. The resolved addresses count, not the name (go-containerregistry 2440).
    """
    if registry.scheme == "https" and target.scheme != "https":
        raise _refused(registry, target, purpose, "it is not https")
    worst = max(map(_closeness, addresses(target.host)), default=0)
    if worst > max(map(_closeness, addresses(registry.host)), default=0):
        raise _refused(registry, target, purpose, "its address is in a private network and the registry's is not")


def check_stays(registry: Origin, url: str, name: str, purpose: str) -> None:
    """Raise RegistryError unless an address that a registry gave is its own; ``name`` is what messages call it."""
    target = origin_of(url)
    if target != registry:
        raise RegistryError(
            f"{name} sends us to {target.scheme}://{target.netloc} {purpose}, which is refused",
            why="only the registry itself gets what is uploaded, and says what is in it",
            remedy="the registry's external address may be set up wrongly: tell whoever runs it",
        )


def check_realm(registry: Origin, realm: Origin, pairs: Iterable[tuple[str, str]]) -> None:
    """Raise RegistryError unless a token service may see the credentials of a registry; ``pairs`` the user allows."""
    check_elsewhere(registry, realm, "for a token")
    if realm.host == registry.host or (registry.host, realm.host) in KNOWN_REALMS | set(pairs):
        return
    if realm.scheme != "https" or not _same_domain(registry.host, realm.host):
        raise _refused(registry, realm, "for a token", "credentials are only sent to the registry's own domain")


def _same_domain(registry: str, realm: str) -> bool:
    """Whether one host is below the other, or both are below one domain that is nobody else's."""
    if registry.endswith("." + realm) or realm.endswith("." + registry):
        shorter = min(registry, realm, key=len)
        return not _is_shared(shorter)
    domain = registry.partition(".")[2]
    return not _is_shared(domain) and realm.endswith("." + domain)


def _is_shared(domain: str) -> bool:
    labels = domain.split(".")
    country = len(labels) == 2 and len(labels[-1]) == 2 and labels[0] in _SECOND_LEVEL
    shared = any(domain == name or domain.endswith("." + name) for name in SHARED_DOMAINS)
    return len(labels) < 2 or labels[-1].isdigit() or country or shared


def _unmapped(text: str) -> Address:
    address = ipaddress.ip_address(text)
    return (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped) or address


def _closeness(address: Address) -> int:
    """How far inside an address is: 0 public, 1 private, 2 this machine, 3 link-local."""
    if address.is_link_local:
        return 3
    if address.is_loopback or address.is_unspecified:
        return 2
    return 0 if address.is_global else 1


def _refused(registry: Origin, target: Origin, purpose: str, why: str) -> RegistryError:
    where = f"{target.scheme}://{target.netloc}"
    return RegistryError(
        f"{registry.host} sends us to {where} {purpose}, which is refused",
        why=why,
        remedy="if that is right, ask whoever runs the registry; nothing was sent there",
    )
