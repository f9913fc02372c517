"""Views that make the detectors of metadata speak: labels and the records of package managers."""

from collections.abc import Iterator

from compatbuild.image.view import ImageView
from tests.builders.views import image_view

LABELS = {
    "cpu": "AVX2",
    "kernel": ">=5.10",
    "facility": '{"facility": ["FUSE_FS"], "modules": ["fuse"]}',
    "module": "nvidia_uvm",
    "pci": "10de",
    "driver": ">=525.60.13",
    "hugepages": "any",
    "compute": "no range",
}


def labels(**stated: str) -> dict[str, str]:
    """Return labels of the image config that declare these requirements."""
    return {f"org.compatbuild.require.{subject}": value for subject, value in stated.items()}


def images() -> Iterator[ImageView]:
    """Yield views that between them bring out every finding."""
    yield image_view(labels=labels(**LABELS))
    yield image_view(labels=labels(**{f"module.m{number:03}": "loop" for number in range(101)}))
