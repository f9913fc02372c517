"""The corpus on disk: OCI layouts that are made once and kept outside the tree."""

import hashlib
import json
import shutil
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from bench import contents, downloads
from bench.contents import Image
from bench.layers import layer_files
from demo import layout
from demo.layout import GZIP, LAYER, Layout, Packing

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TAG = "v1"
CREATED = 1767225600  # 2026-01-01T00:00:00Z: any fixed time will do
PACKINGS = {
    "gzip": Packing(LAYER, lambda: zlib.compressobj(6, zlib.DEFLATED, GZIP)),  # as gzip and pigz do by default
    "zstd": Packing(LAYER.replace("gzip", "zstd"), lambda: zstd.ZstdCompressor(3)),
}
SOURCES = (__file__, contents.__file__, layout.__file__, str(downloads.PINS))
"""What decides the bytes of an image: when one of these files changes, it is made anew."""


@dataclass(frozen=True)
class Stored:
    """An image that lies ready: its layout, how its layers are compressed, and how much it holds."""

    image: Image
    layout: Path
    compression: str
    layers: tuple[Path, ...]
    plain: int
    files: int

    @property
    def size(self) -> int:
        """Bytes of the layers as they are stored."""
        return sum(layer.stat().st_size for layer in self.layers)

    @property
    def source(self) -> str:
        """What infer is told to read."""
        return f"oci-dir:{self.layout}:{TAG}"

    def as_json(self) -> dict[str, Any]:
        """Return what is there, in bytes and counts."""
        return {"stored": self.size, "plain": self.plain, "files": self.files, "layers": len(self.layers)}


def stored(image: Image) -> Stored:
    """Return an image, made at first; BenchError when its content cannot be had."""
    kept = Path(platformdirs.user_cache_dir("compatbuild-bench"))
    version = hashlib.sha256(b"".join(Path(one).read_bytes() for one in SOURCES)).hexdigest()[:12]
    place = kept / "images" / f"{image.name}-{version}"
    facts = place / "facts.json"
    if not facts.is_file():
        for old in place.parent.glob(f"{image.name}-" + "[0-9a-f]" * 12):
            shutil.rmtree(old)
        print(f"Making the image {image.name}", file=sys.stderr)
        place.mkdir(parents=True)
        facts.write_text(json.dumps(_made(image, place / "image")), "utf-8")
    compression, layers = layer_files(place / "image", TAG)
    return Stored(image, place / "image", compression, tuple(layers), **json.loads(facts.read_text("utf-8")))


def _made(image: Image, place: Path) -> dict[str, int]:
    """Write an image, one layer in memory at a time; return what it holds."""
    written, files = Layout(place, CREATED, PACKINGS[image.packing]), 0
    layers = []
    for tree in image.layers():
        files += len(tree)
        layers.append(written.layer(tree, "COPY / /"))
    written.image(layers, image.config, TAG)
    return {"plain": sum(layer.plain for layer in layers), "files": files}
