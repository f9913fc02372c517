"""A container daemon that talks docker's engine API: docker itself, and podman's service. The only user of the SDK.

The SDK's ``APIClient`` is a session of requests that reaches a daemon over its socket; the calls are made here, for its
own functions know nothing of platforms. API: moby ``api/docs``; ``platform`` of ``/images/NAME/get`` is of
version 1.48, of ``/images/NAME/json`` of 1.49, and older daemons silently ignore it.
"""

import difflib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from compatbuild.errors import CompatError, ImageError, NotFoundError, SourceError, UsageError
from compatbuild.image.decompress import Readable
from compatbuild.registry.platform import Platform
from compatbuild.sources.dial import Dialled, dialled
from compatbuild.sources.endpoints import DOCKER, PODMAN, Endpoint

if TYPE_CHECKING:
    import docker
    import requests

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 60.0
"""For the answer to a question; a daemon that pulls or removes images meanwhile may take its time."""
EXPORT_SECONDS = 1800.0
"""Without a byte of an archive: docker's classic store and podman write it to their own disk before they send any."""
MAX_ANSWER = 16 << 20
"""Bytes of an answer; 10,000 images in a list come to some 8 MB."""
OLDEST_API = "1.24"
WITH_PLATFORM = (1, 49)
"""The API version from which a platform can be asked for everywhere."""
NEAR = 5
"""Names shown of an image that is not there."""
_CALLED = {DOCKER: "Docker", PODMAN: "Podman"}


class DaemonError(SourceError):
    """A daemon that does not answer, or answers with an error of its own."""


@dataclass(frozen=True)
class Daemon:
    """An open connection. ``version`` is the daemon's newest of the API; what is asked of all is older."""

    endpoint: Endpoint
    client: "docker.APIClient"
    version: tuple[int, int]

    @property
    def kind(self) -> str:
        """``docker`` or ``podman``."""
        return self.endpoint.kind

    @property
    def knows_platforms(self) -> bool:
        """Whether it can be asked for one platform of an image."""
        return self.version >= WITH_PLATFORM

    def inspect(self, name: str, platform: Platform | None = None) -> dict[str, Any]:
        """Return what it says of an image; NotFoundError, with the nearest names, when it has none of that name."""
        wanted = {"platform": _as_json(platform)} if platform and self.knows_platforms else {}
        answer = self._ask("/images/{0}/json", name, params=wanted)
        if answer.status_code == 404:
            raise self._no_image(name)
        return _object(self._good(answer, f"describe {name}"), "the description of an image")

    def platforms(self, name: str) -> list[Platform]:
        """Return the platforms that it has of an image, none where it cannot tell."""
        if not self.knows_platforms:
            return []
        answer = self._ask("/images/{0}/json", name, params={"manifests": "1"})
        if answer.status_code != 200:
            return []
        listed = _object(answer, "the description of an image").get("Manifests")
        entries = [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []
        found = [_platform_of(entry) for entry in entries if entry.get("Available") and entry.get("Kind") == "image"]
        return [platform for platform in found if platform is not None]

    @contextmanager
    def export(self, image: str, platform: Platform | None = None) -> Iterator[Readable]:
        """Open the archive of an image, by its id, as it is sent: one pass, and no copy anywhere here."""
        wanted = {"platform": _as_json(platform)} if platform and self.knows_platforms else {}
        answer = self._ask("/images/{0}/get", image, params=wanted, stream=True, timeout=EXPORT_SECONDS)
        try:
            self._good(answer, f"export {image}")
            yield _Export(answer, self)
        finally:
            answer.close()

    def failed(self, what: str, error: BaseException) -> DaemonError:
        """Return the error for a connection that breaks."""
        return DaemonError(
            f"{_CALLED[self.kind]} at {self.endpoint.shown} {what}",
            why=_reason(error),
            remedy="see its log; its disk may be full, for it writes an archive there before it sends it",
        )

    def _ask(
        self, path: str, name: str, *, params: dict[str, str], stream: bool = False, timeout: float = ANSWER_SECONDS
    ) -> "requests.Response":
        import requests  # noqa: PLC0415 - the SDK has loaded it by now

        try:
            response = _get(self.client, self._url(path, name), timeout, params)
            if not stream or response.status_code != 200:
                _read(response)
        except (requests.exceptions.RequestException, OSError) as error:
            raise self.failed("does not answer", error) from error
        return response

    def _url(self, path: str, name: str = "") -> str:
        major, minor = self.version
        return f"{self.client.base_url}/v{major}.{minor}" + path.format(quote(name, safe="/:"))

    def _good(self, answer: "requests.Response", action: str) -> "requests.Response":
        """Return an answer with status 200; the error that it stands for otherwise."""
        if answer.status_code == 200:
            return answer
        said = _message(answer)
        if "invalid reference format" in said or "must be lowercase" in said:
            raise UsageError(
                f"{self.kind} cannot {action}", why=said, remedy="write REPOSITORY[:TAG], or an image's id"
            )
        raise DaemonError(f"{self.kind} cannot {action}", why=f"it answered {answer.status_code}: {said}")

    def _no_image(self, name: str) -> NotFoundError:
        names = self._names()
        near = difflib.get_close_matches(name, names, NEAR, 0.5) or sorted(names)[:NEAR]
        return NotFoundError(
            f"{self.kind} has no image {name}",
            why=f"the nearest it has: {', '.join(near)}" if near else "it has no image with a name",
            remedy=f"`{self.kind} pull {name}`, or registry:{name} to read it without pulling",
        )

    def _names(self) -> list[str]:
        import requests  # noqa: PLC0415 - as above

        try:
            url = self._url("/images/json")
            listed = json.loads(_read(_get(self.client, url)))
        except (requests.exceptions.RequestException, OSError, ValueError, CompatError):
            return []
        images = [image for image in listed if isinstance(image, dict)] if isinstance(listed, list) else []
        return [tag for image in images for tag in image.get("RepoTags") or [] if isinstance(tag, str)]


@contextmanager
def connect(endpoint: Endpoint) -> Iterator[Daemon]:
    """Connect to a daemon; DaemonError, with what to do about it, when nothing answers or it may not be asked."""
    command = endpoint.ssh()
    dial: AbstractContextManager[Dialled | None] = dialled(command) if command else nullcontext()
    with dial as through:
        address = f"unix://{through.path}" if through else endpoint.address
        try:
            client, version = _client(endpoint, address)
        except DaemonError as error:
            said = through.complaint() if through else ""
            raise DaemonError(error.what, why=said or error.why, remedy=error.remedy) from error
        try:
            yield Daemon(endpoint, client, version)
        finally:
            client.close()


def _client(endpoint: Endpoint, address: str) -> "tuple[docker.APIClient, tuple[int, int]]":
    """Make a client, and ask the daemon for the newest API version that it knows."""
    import docker  # noqa: PLC0415 - it takes a third of a second to load
    import requests  # noqa: PLC0415 - as above

    refused = (docker.errors.DockerException, requests.exceptions.RequestException, OSError, ValueError)
    malformed = (AttributeError, KeyError, TypeError)  # what the SDK makes of a configuration that is no object
    try:
        client = docker.APIClient(address, OLDEST_API, tls=endpoint.tls or False)
        client.auth = _unchanged  # else requests would look for a password in ~/.netrc
        said = json.loads(_read(_get(client, f"{client.base_url}/version", CONNECT_SECONDS)))
        theirs = said.get("ApiVersion") if isinstance(said, dict) else None
        major, minor = (int(part) for part in str(theirs).split("."))
    except (*refused, *malformed) as error:
        raise _unreachable(endpoint, error) from error
    return client, (major, minor)


def _get(
    client: "docker.APIClient", url: str, timeout: float = ANSWER_SECONDS, params: dict[str, str] | None = None
) -> "requests.Response":
    """Ask, and leave the body unread; no daemon sends anybody elsewhere, so a redirect is an answer like any other."""
    return client.get(
        url,
        params=params,
        headers={"Accept-Encoding": "identity"},
        stream=True,
        timeout=(CONNECT_SECONDS, timeout),
        allow_redirects=False,
    )


def _unchanged(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    return request


def _unreachable(endpoint: Endpoint, error: BaseException) -> DaemonError:
    """Say that nothing answers, why, and what to do, which depends on the daemon."""
    cause = _cause(error)
    what = f"No {_CALLED[endpoint.kind]} daemon answers at {endpoint.shown}"
    why = f"{_reason(error)} ({endpoint.told_by} names it)"
    if isinstance(cause, PermissionError):
        group = "join the group docker, " if endpoint.kind == DOCKER else ""
        return DaemonError(what, why=why, remedy=f"{group}use sudo, or save the image: docker-archive:FILE reads it")
    if endpoint.kind == PODMAN:
        start = "systemctl --user start podman.socket"
        hint = "images in containers-storage are read through podman's service only"
        return DaemonError(what, why=f"{why}; {hint}", remedy=f"start it with `{start}`, or `podman save` the image")
    where = "DOCKER_HOST or `docker context use` names another"
    return DaemonError(what, why=why, remedy=f"start it ({where}), or use registry:NAME for an image in a registry")


class _Export:
    """The body of an export, read as it comes."""

    def __init__(self, answer: "requests.Response", daemon: Daemon) -> None:
        self._answer = answer
        self._daemon = daemon

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; DaemonError when the connection breaks."""
        import urllib3  # noqa: PLC0415 - the SDK has loaded it by now

        try:
            piece: bytes = self._answer.raw.read(size)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise self._daemon.failed("broke off an export", error) from error
        return piece


def _read(response: "requests.Response") -> bytes:
    """Read a body into memory, up to MAX_ANSWER bytes, so that ``content`` has it."""
    body = bytearray()
    with response:
        for piece in response.iter_content(1 << 16):
            body += piece
            if len(body) > MAX_ANSWER:
                raise DaemonError("the daemon's answer is too large", why=f"more than {MAX_ANSWER:,} bytes")
    response._content = bytes(body)  # noqa: SLF001 - what requests itself does
    return bytes(body)


def _object(answer: "requests.Response", what: str) -> dict[str, Any]:
    try:
        document = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{what} is malformed", why="the daemon sent something else than JSON") from error
    if not isinstance(document, dict):
        raise ImageError(f"{what} is malformed", why="the daemon sent something else than a JSON object")
    return document


def _message(answer: "requests.Response") -> str:
    """Return the daemon's own words about an error, on one printable line."""
    try:
        said = json.loads(answer.content).get("message", "")
    except (ValueError, RecursionError, AttributeError):
        said = ""
    return "".join(letter for letter in str(said) if letter.isprintable())[:300]


def _platform_of(entry: dict[str, Any]) -> Platform | None:
    data = entry.get("ImageData")
    told = data.get("Platform") if isinstance(data, dict) else None
    names = [told.get(key, "") for key in ("os", "architecture", "variant")] if isinstance(told, dict) else []
    if not names or not all(isinstance(name, str) for name in names):
        return None
    return Platform(*names)


def _as_json(platform: Platform) -> str:
    names = {"os": platform.os, "architecture": platform.architecture, "variant": platform.variant}
    return json.dumps({key: value for key, value in names.items() if value})


def _cause(error: BaseException) -> BaseException:
    """Return the innermost cause: the SDK, requests and urllib3 each wrap the error of the system."""
    for _ in range(20):
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        inner = inner or getattr(error, "reason", None) or error.__cause__
        if not isinstance(inner, BaseException):
            break
        error = inner
    return error


def _reason(error: BaseException) -> str:
    cause = _cause(error)
    text = (cause.strerror if isinstance(cause, OSError) else "") or str(cause) or type(cause).__name__
    return "".join(letter for letter in text if letter.isprintable())[:300]
