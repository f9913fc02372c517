from __future__ import annotations

import ipaddress

import pytest

from compatbuild.errors import RegistryError
from compatbuild.registry import trust
from compatbuild.registry.trust import check_elsewhere, check_realm, is_loopback, origin_of

PLACES = {
    "registry.example.com": "1.1.1.1",
    "inside.example.com": "10.0.0.5",
    "metadata.example.com": "169.254.169.254",
    "self.example.com": "127.0.0.1",
    "mapped.example.com": "::ffff:10.0.0.1",
}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve as PLACES says, everything else to a public address."""

    def lookup(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        address = PLACES.get(host, "8.8.8.8" if not host[0].isdigit() else host)
        return [(0, 0, 0, "", (str(ipaddress.ip_address(address)), 0))]

    trust.addresses.cache_clear()
    monkeypatch.setattr("socket.getaddrinfo", lookup)


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("https://registry.example.com", "https://registry.example.com/token"),
        ("https://registry.example.com", "https://registry.example.com:8443/token"),
        ("https://registry.example.com", "https://auth.example.com/token"),
        ("https://registry.example.com", "https://example.com/jwt/auth"),
        ("https://registry.example.com", "https://auth.registry.example.com/"),
        ("https://registry-1.docker.io", "https://auth.docker.io/token"),
        ("https://rg.fr-par.scw.cloud", "https://api.scaleway.com/x"),
        ("https://trusting.example.com", "https://login.other.org/"),
        ("http://127.0.0.1:5000", "http://127.0.0.1:5001/token"),
    ],
)
def test_token_services_that_get_credentials(registry: str, realm: str) -> None:
    check_realm(origin_of(registry), origin_of(realm), [("trusting.example.com", "login.other.org")])


@pytest.mark.parametrize(
    ("registry", "realm"),
    [
        ("https://registry.example.com", "https://evil.org/token"),
        ("https://registry.example.com", "https://registry.example.com.evil.org/token"),
        ("https://registry.example.com", "https://evilexample.com/token"),
        ("https://registry.example.com", "http://registry.example.com/token"),
        ("https://mine.azurecr.io", "https://yours.azurecr.io/token"),
        ("https://a.dkr.ecr.us-east-1.amazonaws.com", "https://b.dkr.ecr.us-east-1.amazonaws.com/"),
        ("https://registry.co.uk", "https://evil.co.uk/token"),
        ("https://ghcr.io", "https://evil.io/token"),
        ("https://registry.example.com", "https://metadata.example.com/"),
        ("https://registry.example.com", "https://inside.example.com/"),
        ("https://registry.example.com", "https://mapped.example.com/"),
        ("https://other.example.com", "https://login.other.org/"),
        ("https://10.0.0.1", "https://10.0.0.2/"),
        ("http://127.0.0.1:5000", "http://127.0.0.2:5000/"),
    ],
)
def test_token_services_that_do_not(registry: str, realm: str) -> None:
    with pytest.raises(RegistryError) as caught:
        check_realm(origin_of(registry), origin_of(realm), [("trusting.example.com", "login.other.org")])
    assert "refused" in caught.value.what


def test_downloads_may_come_from_elsewhere_but_not_from_further_inside() -> None:
    public, private = origin_of("https://registry.example.com"), origin_of("https://inside.example.com")
    check_elsewhere(public, origin_of("https://storage.other.org"), "for a download")
    check_elsewhere(private, origin_of("https://storage.other.org"), "for a download")
    for inside in ("https://inside.example.com", "https://self.example.com", "https://metadata.example.com"):
        with pytest.raises(RegistryError, match="refused"):
            check_elsewhere(public, origin_of(inside), "for a download")
    with pytest.raises(RegistryError, match="refused"):
        check_elsewhere(private, origin_of("https://metadata.example.com"), "for a download")
    with pytest.raises(RegistryError, match="refused"):
        check_elsewhere(public, origin_of("http://storage.other.org"), "for a download")


@pytest.mark.parametrize(
    "url", ["", "ftp://x/", "https://", "https://u:p@x/", "https://x:99999/", "file:///etc/passwd", "//x"]
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(RegistryError):
        origin_of(url)


def test_origins() -> None:
    assert origin_of("HTTPS://Example.COM/x") == ("https", "example.com", 443)
    assert origin_of("http://[::1]:5000/").netloc == "[::1]:5000"


def test_this_machine_by_name() -> None:
    assert is_loopback("localhost")
    assert is_loopback("127.3.2.1")
    assert is_loopback("[::1]")
    assert not is_loopback("localhost.example.com")
    assert not is_loopback("10.0.0.1")
