"""Layers of a store that are read by their tables of contents, for who asks for it."""

from dataclasses import dataclass

from compatbuild.errors import ImageError, RegistryError
from compatbuild.image.layer_source import BlobLayer, LayerSource
from compatbuild.image.toc import toc_place
from compatbuild.image.toc_layer import TocLayer
from compatbuild.registry.descriptor import Descriptor
from compatbuild.sources.image_source import Content, Say


def listed_layer(content: Content, descriptor: Descriptor, whole: BlobLayer, say: Say) -> LayerSource:
    """Return a layer that is read by its table of contents; ``whole`` itself when its annotations name none."""
    place = toc_place(descriptor.annotations)
    return whole if place is None else TocLayer(whole, _Parts(content, descriptor), place, say)


@dataclass(frozen=True)
class _Parts:
    """A blob of which parts are got; whoever gets them checks what they are."""

    content: Content
    descriptor: Descriptor

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return self.descriptor.size

    def read_at(self, offset: int, count: int) -> bytes:
        """Return exactly so many bytes; ImageError where there are not so many, or no parts can be had."""
        if offset + count > self.size:
            raise ImageError(f"it points at bytes {offset:,} to {offset + count:,} of {self.size:,}")
        try:
            return self.content.blob_part(self.descriptor, offset, count)
        except RegistryError as error:  # NoPartsError as a rule; whatever it is, streaming decides
            raise ImageError(f"{error.what}: {error.why}") from error
