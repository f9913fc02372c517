"""Images in a store: a registry, or a directory in the OCI image layout."""

from collections.abc import Iterator
from contextlib import contextmanager

from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import Reference, parse_reference
from compatbuild.registry.store import open_store
from compatbuild.sources.image_source import ImageSource, Wish
from compatbuild.sources.manifest import image_of

LAYOUT = "oci-dir"
REGISTRY = "registry"


@contextmanager
def open_stored(text: str, wish: Wish, options: RegistryOptions) -> Iterator[ImageSource]:
    """Open ``oci-dir:PATH[:TAG]``, ``registry:REFERENCE`` or a bare reference; layers are streamed as they are read."""
    reference = parse_reference(text)
    store = open_store(reference, options)
    scheme = REGISTRY if isinstance(reference, Reference) else LAYOUT
    shown = str(reference).removeprefix(f"{LAYOUT}:")
    yield image_of(store, store.resolve(reference.selector), scheme, shown, wish)
