"""One registry over HTTP: oras-py's ``Registry`` with its request method replaced.

What stays of oras-py is the session and its settings. Everything a request does is here: authentication, redirects,
timeouts, retries and limits, because oras 0.2.43 waits 131 s on a wrong password, reads netrc, and hands credentials
to whatever host a registry names.
"""

import io
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import oras.provider
import requests
import urllib3
from requests.utils import get_environ_proxies, select_proxy

from compatbuild.errors import NotFoundError, RegistryError
from compatbuild.registry.authentication import Authenticator
from compatbuild.registry.challenge import Scope
from compatbuild.registry.credentials import Credential, find_credential
from compatbuild.registry.descriptor import MAX_INDEX
from compatbuild.registry.endpoint import API_HOSTS, scheme_of
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.pace import UNSAID, Pace
from compatbuild.registry.retry import RETRY_STATUSES, TransientError, retry_after, retrying
from compatbuild.registry.trust import (
    Origin,
    addresses,
    check_elsewhere,
    check_stays,
    is_loopback,
    origin_of,
)
from compatbuild.version import __version__

if TYPE_CHECKING:
    from compatbuild.registry.upload import Checked

CONNECT_SECONDS = 6.0
"""To get a connection, over all addresses of a host together: they are tried one after the other."""
READ_SECONDS = 60.0
"""Without a single byte from the registry."""
BODY_SECONDS = 120.0
"""For a whole body that is read into memory, however steadily it drips."""
MAX_HOPS = 5
"""Redirects followed for one request."""
CHUNK = 1 << 16
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NEXT = re.compile(r'<([^<>]+)>\s*;[^,]*\brel="?next"?')
_PATH = re.compile(r"/v2/(?P<repository>.+)/(?:manifests|blobs|referrers|tags)/")


class ResponseBody:
    """The body of an answer that was asked for with ``stream``."""

    def __init__(self, response: requests.Response) -> None:
        self._response = response

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end; TransientError when the connection breaks."""
        try:
            chunk: bytes = self._response.raw.read(size)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise TransientError("the registry broke off an answer", why=_reason(error)) from error
        return chunk

    def close(self) -> None:
        """Let the connection go."""
        self._response.close()


class RegistryClient(oras.provider.Registry):  # type: ignore[misc]  # oras ships no type information
    """A connection to one registry host; safe to share between threads.

    ``host`` is the host of references (``docker.io``); the API's own host is looked up here. With a ``pace`` all who
    share the connection keep to it.
    """

    def __init__(self, host: str, options: RegistryOptions, pace: Pace | None = None) -> None:
        api = API_HOSTS.get(host, host)
        scheme = scheme_of(api, options)
        if options.ca_file is not None and not options.ca_file.is_file():
            raise NotFoundError(f"{options.ca_file} does not exist", why="it was named as the certificate authority")
        verify = False if options.insecure else str(options.ca_file or "") or True
        super().__init__(hostname=api, insecure=scheme == "http", tls_verify=verify, auth_backend="basic")
        # An authentication of our own, even one that does nothing, keeps requests from reading ~/.netrc.
        self.session.auth = _unchanged
        self.session.headers.update({"User-Agent": f"compatbuild/{__version__}", "Accept-Encoding": "identity"})
        self.origin = origin_of(f"{scheme}://{api}")
        self._pace = pace
        if pace is not None:  # a connection for each request in flight, or urllib3 would open new ones all the time
            self.session.mount(f"{scheme}://", requests.adapters.HTTPAdapter(pool_maxsize=pace.most))
        self._config: Path | None = options.registry_config
        self._credentials: dict[str, Credential] = {}
        self._host = host
        self._authenticator = Authenticator(
            host, self.origin, self._credential, self._fetch_token, options.trusted_realms
        )

    def do_request(  # noqa: PLR0917 - oras-py's signature
        self,
        url: str,
        method: str = "GET",
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        json: Any = None,
        stream: bool = False,  # noqa: FBT001, FBT002 - as above
        *,
        limit: int = MAX_INDEX,
    ) -> requests.Response:
        """Make a request as often as it takes; the answer's status is the caller's matter.

        Without ``stream`` the body has been read, up to ``limit`` bytes. RegistryError when the registry cannot be
        reached or keeps failing or the body is longer, AuthenticationError for a final 401 or a 403.
        """
        if json is not None:
            raise ValueError("bodies are bytes here, so that their digest is known")
        whole = None if stream else limit
        return retrying(lambda: self.attempt(method, url, data, headers, limit=whole))

    @staticmethod
    def body(response: requests.Response) -> ResponseBody:
        """Return the unread body of an answer that was asked for with ``stream``."""
        return ResponseBody(response)

    def attempt(
        self,
        method: str,
        url: str,
        data: "bytes | Checked | None" = None,
        headers: dict[str, str] | None = None,
        *,
        limit: int | None = MAX_INDEX,
    ) -> requests.Response:
        """Make a request once, for a caller that repeats more than one request; TransientError when that may help.

        Without a ``limit`` the body is left to be read from ``raw``. What is sent from a stream is sent once: the
        caller begins anew when the registry asked for other credentials meanwhile.
        """
        if self._pace is None:
            return self._attempt(method, url, data, headers or {}, limit)
        with self._pace.turn():
            try:
                return self._attempt(method, url, data, headers or {}, limit)
            except TransientError as failure:
                if failure.asked is not None:
                    self._pace.hold(failure.asked)
                raise

    def _attempt(
        self,
        method: str,
        url: str,
        data: "bytes | Checked | None",
        headers: dict[str, str],
        limit: int | None,
    ) -> requests.Response:
        match = _PATH.search(url)
        actions = {"pull"} if method in {"GET", "HEAD"} else {"pull", "push"}
        scope = Scope(match["repository"] if match else "", frozenset(actions))
        authorization = self._authenticator.known(scope)
        response = self._follow(method, url, data, headers, authorization)
        if response.status_code == requests.codes.unauthorized:
            challenge = response.headers.get("WWW-Authenticate", "")
            response.close()
            authorization = self._authenticator.respond(challenge, scope, authorization)
            if data is not None and not isinstance(data, bytes):
                raise TransientError(f"{self._host} asked for other credentials", why="in the middle of an upload")
            response = self._follow(method, url, data, headers, authorization)
        if response.status_code in {requests.codes.unauthorized, requests.codes.forbidden}:
            response.close()
            raise self._authenticator.refusal(scope)
        if response.status_code in RETRY_STATUSES:
            response.close()
            raise TransientError(
                f"{self._host} cannot {method} {_path_of(url)}",
                why=f"it answered {response.status_code}",
                remedy="try again later",
                asked=self._asked(response),
            )
        if limit is None and response.ok:
            return response
        # An error's own words may be longer than what was asked for.
        return self._read(response, limit if limit is not None and response.ok else MAX_INDEX)

    def next_page(self, response: requests.Response, name: str) -> str:
        """Return the address of the next page of a list (RFC 8288), empty after the last; ``name`` is for messages."""
        match = _NEXT.search(response.headers.get("Link", ""))
        if match is None:
            return ""
        url: str = urljoin(response.url, match[1])
        check_stays(self.origin, url, name, "for the rest of a list")
        return url

    def _asked(self, response: requests.Response) -> float | None:
        """Return how long the registry wants to be left alone; those who share a pace all stop at a bare 429."""
        asked = retry_after(response.headers.get("Retry-After"))
        if asked is None and self._pace is not None and response.status_code == requests.codes.too_many_requests:
            return UNSAID
        return asked

    def _follow(
        self, method: str, url: str, data: "bytes | Checked | None", headers: dict[str, str], authorization: str
    ) -> requests.Response:
        """Make one request and follow the redirects of a download, with credentials on the registry's origin only."""
        for _ in range(MAX_HOPS + 1):
            target = origin_of(url)
            response = self._exchange(method, url, data, headers, authorization if target == self.origin else "")
            if response.status_code not in REDIRECTS or method not in {"GET", "HEAD"}:
                if target != self.origin and response.status_code in {401, 403}:
                    what = f"{target.host} answered {response.status_code}"
                    raise RegistryError(what, why=f"{self._host} sent us there without a key to it")
                return response
            url = urljoin(url, response.headers.get("Location", ""))
            response.close()
            if origin_of(url) != self.origin:
                check_elsewhere(self.origin, origin_of(url), "for a download")
        raise RegistryError(f"{self._host} redirects more than {MAX_HOPS} times", remedy="report it to whoever runs it")

    def _exchange(
        self, method: str, url: str, data: "bytes | Checked | None", headers: dict[str, str], authorization: str
    ) -> requests.Response:
        """Send one request once; the body of the answer is still to be read."""
        try:
            response: requests.Response = self.session.request(
                method,
                url,
                data=data,
                headers=headers | ({"Authorization": authorization} if authorization else {}),
                stream=True,
                verify=self._tls_verify,
                timeout=(_connect_seconds(url), READ_SECONDS),
                allow_redirects=False,
                proxies=_proxies(url),
            )
        except requests.exceptions.RequestException as error:
            raise _explained(error, origin_of(url)) from error
        return response

    def _read(self, response: requests.Response, limit: int) -> requests.Response:
        """Read the body into memory within size and time; whatever asks for ``content`` later gets it from there."""
        body = bytearray()
        deadline = time.monotonic() + BODY_SECONDS
        with response:
            try:
                while chunk := response.raw.read1(CHUNK):
                    body += chunk
                    if len(body) > limit:
                        raise RegistryError(
                            f"{self._host} sent more than {limit} bytes",
                            why=f"for {_path_of(response.url)}",
                            remedy="nothing so large is expected there; name another image or artifact",
                        )
                    if time.monotonic() > deadline:
                        raise RegistryError(f"{self._host} is too slow", why=f"no whole answer in {BODY_SECONDS:.0f} s")
            except (urllib3.exceptions.HTTPError, OSError) as error:
                raise TransientError(
                    f"{self._host} broke off an answer", why=_reason(error), remedy="try again"
                ) from error
        response.raw = io.BytesIO(body)
        return response

    def _fetch_token(self, method: str, url: str, authorization: str, form: bytes | None) -> requests.Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        response = self._exchange(method, url, form, headers, authorization)
        if response.status_code in RETRY_STATUSES:
            response.close()
            asked = retry_after(response.headers.get("Retry-After"))
            why = f"its token service {origin_of(url).host} answered {response.status_code}"
            raise TransientError(f"{self._host} gives no token", why=why, remedy="try again later", asked=asked)
        return self._read(response, MAX_INDEX)

    def _credential(self, repository: str) -> Credential:
        if repository not in self._credentials:
            self._credentials[repository] = find_credential(self._host, repository, self._config)
        return self._credentials[repository]


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _proxies(url: str) -> dict[str, str]:
    """Keep this machine's own servers out of any proxy, as Go's ``ProxyFromEnvironment`` does and requests does not."""
    host = origin_of(url).host
    return {"no_proxy": host} if is_loopback(host) else {}


def _connect_seconds(url: str) -> float:
    if select_proxy(url, get_environ_proxies(url, _proxies(url).get("no_proxy"))):
        return CONNECT_SECONDS
    return max(CONNECT_SECONDS / max(len(addresses(origin_of(url).host)), 1), 1.0)


def _explained(error: requests.exceptions.RequestException, target: Origin) -> RegistryError:
    """Return the error for a request that got no answer; only a broken connection is worth another try."""
    what = f"{target.host} cannot be reached" if target.port in {80, 443} else f"{target.netloc} cannot be reached"
    why = _reason(error)
    if isinstance(error, requests.exceptions.SSLError):
        remedy = "check the certificate; --ca-file names your own authority, --plain-http is for a registry without TLS"
        return RegistryError(what, why=f"TLS failed: {why}", remedy=remedy)
    if isinstance(error, requests.exceptions.ProxyError):
        return RegistryError(what, why=f"the proxy failed: {why}", remedy="check HTTPS_PROXY and NO_PROXY")
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return RegistryError(what, why="no connection in time", remedy="check the host name and the network")
    if isinstance(error, (requests.exceptions.ConnectionError, requests.exceptions.Timeout)):
        remedy = "check the host name and the network, or try again later"
        if target.host == API_HOSTS["docker.io"]:
            remedy = (
                "check the network; a name without a host is one of Docker Hub's, so is the registry missing in it?"
            )
        return TransientError(what, why=why, remedy=remedy, unreached=_is_unreached(error))
    return RegistryError(what, why=f"the request could not be made: {why}", remedy="check the reference")


def _is_unreached(error: requests.exceptions.RequestException) -> bool:
    """Whether there was no connection to begin with: refused, or no such host."""
    cause = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(cause, urllib3.exceptions.NewConnectionError)


def _reason(error: BaseException) -> str:
    """Return the innermost cause in one printable line: the layers of libraries around it say nothing."""
    seen: BaseException = error
    for _ in range(10):
        inner = getattr(seen, "reason", None) or (seen.args[-1] if seen.args else None)
        if not isinstance(inner, BaseException):
            break
        seen = inner
    text = str(seen).rpartition(">: ")[2] or type(seen).__name__
    return "".join(letter for letter in text if letter.isprintable())[:200]


def _path_of(url: str) -> str:
    return "/" + url.partition("://")[2].partition("/")[2].partition("?")[0]
