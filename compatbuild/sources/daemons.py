"""``docker:`` and ``podman:``: an image of a daemon, asked for by its id and read as the daemon streams it out."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from compatbuild.errors import CompatError, ImageError, NotFoundError, UsageError
from compatbuild.image.config import parse_config
from compatbuild.image.limits import DEFAULT
from compatbuild.image.view import ImageConfig
from compatbuild.registry.descriptor import canonical_json
from compatbuild.registry.digest import is_digest
from compatbuild.registry.platform import Platform, parse_platform
from compatbuild.sources.daemon import Daemon, connect
from compatbuild.sources.endpoints import DOCKER, PODMAN, Endpoint, docker_endpoint, podman_endpoint
from compatbuild.sources.image_source import ImageSource, IndexSource, Wish
from compatbuild.sources.manifest import require_linux
from compatbuild.sources.saved_stream import SavedStream, StreamedLayer, require_same

ENDPOINTS = {DOCKER: docker_endpoint, PODMAN: podman_endpoint}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,511}")
_PLATFORM_KEYS = {"Architecture": "architecture", "Os": "os", "Variant": "variant", "OsVersion": "os.version"}
"""Fields of the engine API's description of an image, and of the image config (moby ``api/types/image``)."""


@contextmanager
def open_daemon_image(kind: str, name: str, wish: Wish) -> Iterator[ImageSource]:
    """Open an image of docker or podman by name or id; layers are read in the order in which the daemon sends them.

    Errors: DaemonError when no daemon answers, NotFoundError when it has no such image, or not for the platform.
    """
    with connect(ENDPOINTS[kind]()) as daemon:
        yield _opened(daemon, name, wish)


def daemon_with(name: str, wish: Wish) -> str:
    """Return the kind of the first daemon that listens on this machine and has an image; empty when none has.

    A daemon that listens and may not be asked is said.
    """
    for kind, endpoint_of in ENDPOINTS.items():
        try:
            endpoint = endpoint_of()
            if _listens(endpoint) and _NAME.fullmatch(name):
                with connect(endpoint) as daemon:
                    _described(daemon, name, wish)
                return kind
        except NotFoundError:
            continue
        except CompatError as error:
            wish.say(f"{kind} is not asked for {name}: {error.what}: {error.why}")
    return ""


def _listens(endpoint: Endpoint) -> bool:
    """Say whether to ask a daemon that nobody named: one elsewhere somebody named, a socket must be there."""
    try:
        return endpoint.socket is None or endpoint.socket.exists()
    except OSError:
        return False


@dataclass(frozen=True)
class _Description:
    """What a daemon tells of an image before it sends it.

    ``export`` is what to ask for: that of all platforms, where there are several. ``id`` is the digest of what is sent.
    """

    export: str
    id: str
    config: ImageConfig

    @property
    def platform(self) -> Platform:
        """The platform that the image is for."""
        return Platform(self.config.os, self.config.architecture, self.config.variant)


def _opened(daemon: Daemon, name: str, wish: Wish) -> ImageSource:
    """Return the image, with all that the daemon has of it where all are asked for and it can tell."""
    image = _image(daemon, name, _described(daemon, name, wish), wish)
    if not wish.every or len(platforms := daemon.platforms(name)) < 2:
        return image
    found = [_described(daemon, name, replace(wish, platform=str(platform))) for platform in platforms]
    images = {told.id: _image(daemon, name, told, wish) for told in found}
    return replace(image, index=IndexSource(found[0].export, tuple(images.values())))


def _image(daemon: Daemon, name: str, told: _Description, wish: Wish) -> ImageSource:
    what = f"{daemon.kind}:{name}"
    require_linux(told.config, what)
    opened = partial(daemon.export, told.export, told.platform)
    stream = SavedStream(opened, told.id, told.config.diff_ids, what, wish.cache)
    layers = tuple(StreamedLayer(stream, diff_id) for diff_id in told.config.diff_ids)

    def settled() -> ImageConfig:
        if not layers:
            return told.config  # an image without layers cannot be exported (moby ``image/tarexport/save.go``)
        config = stream.config()
        require_same(config, told.config, what)
        return config

    return ImageSource(daemon.kind, name, "", told.config, layers, settled=settled, image_id=told.id)


def _described(daemon: Daemon, name: str, wish: Wish) -> _Description:
    """Ask for an image, of the platform wished for; NotFoundError when what is there is for another.

    A daemon that knows platforms is asked a second time, for one of them: it then tells of that manifest, which is what
    it sends, and no more of the index that the name stands for.
    """
    asked = parse_platform(wish.platform) if wish.platform else None
    told = _description(daemon, name, daemon.inspect(checked_name(daemon.kind, name)))
    if daemon.knows_platforms:
        try:
            answer = daemon.inspect(told.export, asked or told.platform)
        except NotFoundError:
            raise _no_platform(daemon, name, asked, daemon.platforms(name) or [told.platform]) from None
        told = replace(_description(daemon, name, answer), export=told.export)
    if asked is not None and not told.platform.matches(asked):
        raise _no_platform(daemon, name, asked, [told.platform])
    return told


def _description(daemon: Daemon, name: str, answer: dict[str, Any]) -> _Description:
    image = answer.get("Id")
    if not isinstance(image, str) or not is_digest(image):
        raise ImageError(f"{daemon.kind} calls {name} {str(image)[:80]!r}", why="that is no digest")
    return _Description(image, image, _config(answer))


def _no_platform(daemon: Daemon, name: str, asked: Platform | None, there: list[Platform]) -> NotFoundError:
    wanted = f"--platform {asked} " if asked else ""
    return NotFoundError(
        f"{daemon.kind}:{name} has no {asked or 'image that is here as a whole'}",
        why=f"{daemon.kind} has it for {_listed(there)}",
        remedy=f"`{daemon.kind} pull {wanted}{name}`, or registry:{name} to read it from its registry",
    )


def _listed(platforms: list[Platform]) -> str:
    return ", ".join(sorted({str(platform) for platform in platforms})[:20])


def _config(answer: dict[str, Any]) -> ImageConfig:
    """Return an image config with what the engine API tells of one: all but its history."""
    rootfs = answer.get("RootFS")
    layers = rootfs.get("Layers") if isinstance(rootfs, dict) else None
    document = {"config": answer.get("Config"), "rootfs": {"diff_ids": layers}}
    fields = {theirs: answer.get(ours) for ours, theirs in _PLATFORM_KEYS.items()}
    return parse_config(canonical_json(document | fields), replace(DEFAULT, document=16 << 20))


def checked_name(kind: str, name: str) -> str:
    """Return a name that is safe as part of an address; UsageError for any other."""
    if _NAME.fullmatch(name) is None or ".." in name.split("/") or "." in name.split("/"):
        raise UsageError(
            f"{name[:200]!r} is no name of an image", why=f"{kind} knows REPOSITORY[:TAG], and ids", remedy="correct it"
        )
    return name
