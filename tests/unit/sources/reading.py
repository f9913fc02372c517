"""Open a source and read the image, as inference does."""

from collections.abc import Sequence
from dataclasses import dataclass

from compatbuild.image.build import build_view
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import ImageView
from compatbuild.registry.options import RegistryOptions
from compatbuild.sources.resolve import open_image

EVERYTHING = Interests((FileInterest("/**"),))


@dataclass(frozen=True)
class Opened:
    """What was opened, what was said, and what is in it."""

    scheme: str
    reference: str
    digest: str
    view: ImageView
    said: Sequence[str]


def read(text: str, platform: str | None = None) -> Opened:
    """Open an image and read all of it."""
    said: list[str] = []
    with open_image(text, platform=platform, options=RegistryOptions(plain_http=True), say=said.append) as image:
        view = build_view(image.config, image.layers, EVERYTHING)
        return Opened(image.scheme, image.reference, image.digest, view, said)


def is_the_image(opened: Opened) -> bool:
    """Say whether it is the image of the ``layers`` and ``config`` fixtures."""
    return (
        set(opened.view.nodes) == {"/", "/etc", "/etc/os-release", "/b"}
        and opened.view.os_release == {"ID": "some"}
        and opened.view.config.entrypoint == ("/b",)
        and not opened.view.limits
    )
