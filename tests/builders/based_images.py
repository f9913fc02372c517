"""An image and the image it is built on: two layers and two, with labels and variables that one has from the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.builders import images
from tests.builders.elf import elf
from tests.builders.layers import Layer, file, layer, sha256

REQUIRE = "org.compatbuild.require."
RELEASE = layer(file("etc/os-release", b"ID=debian\nVERSION_ID=12\n"))
CUDA = layer(file("usr/lib/libcudart.so.12", elf(soname="libcudart.so.12")))
PROGRAM = layer(file("usr/bin/app", elf(needed=["libcudart.so.12"]), mode=0o755))
DATA = layer(file("usr/share/data", b"data"))
BASE_RUNTIME: Mapping[str, Any] = {
    "Env": ["NVIDIA_REQUIRE_CUDA=cuda>=12.4", "NVIDIA_REQUIRE_DRIVER=driver>=450"],
    "Labels": {f"{REQUIRE}kernel": ">=5.10", f"{REQUIRE}module": "nvidia"},
}
RUNTIME: Mapping[str, Any] = {
    "Env": ["NVIDIA_REQUIRE_CUDA=cuda>=12.4", "NVIDIA_REQUIRE_DRIVER=driver>=525"],
    "Labels": {f"{REQUIRE}kernel": ">=5.10", f"{REQUIRE}module": "nvidia_uvm"},
    "Entrypoint": ["/usr/bin/app"],
}


@dataclass(frozen=True)
class Image:
    """An image in pieces; ``entry`` is its descriptor under a tag."""

    layers: tuple[Layer, ...]
    config: bytes
    manifest: bytes
    tag: str

    @property
    def digest(self) -> str:
        """The digest of its manifest."""
        return sha256(self.manifest)

    @property
    def blobs(self) -> list[bytes]:
        """Everything that a store keeps of it."""
        return [self.config, self.manifest, *(one.blob for one in self.layers)]

    @property
    def entry(self) -> dict[str, Any]:
        """What lists it in a layout's index."""
        name = {"org.opencontainers.image.ref.name": self.tag}
        return images.describe(self.manifest, images.MANIFEST, annotations=name)


def image(
    tag: str,
    *layers: Layer,
    runtime: Mapping[str, Any],
    history: Sequence[Mapping[str, str]] = (),
    annotations: Mapping[str, str] | None = None,
) -> Image:
    """Return an image; underscores in names of annotations stand for dots, all of them in OCI's namespace."""
    config = images.image_config(layers, runtime, history=list(history))
    named = {f"org.opencontainers.image.{name.replace('_', '.')}": value for name, value in (annotations or {}).items()}
    return Image(layers, config, images.manifest(layers, config, annotations=named), tag)


BASE = image("base", RELEASE, CUDA, runtime=BASE_RUNTIME)


def built(**annotations: str) -> Image:
    """Return the image that is built on the base, with these annotations."""
    return image("app", RELEASE, CUDA, PROGRAM, DATA, runtime=RUNTIME, annotations=annotations)


def write(path: Path, *images_: Image) -> Path:
    """Write an OCI layout with these images, and return its directory."""
    blobs = [blob for one in images_ for blob in one.blobs]
    return images.write_files(path, images.oci_files(blobs, [one.entry for one in images_]))
