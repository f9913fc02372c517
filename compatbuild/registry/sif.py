"""Singularity images in stores: how their manifests are told, and what such an image is for.

Format: Apptainer ``internal/pkg/client/oras``: one layer, the SIF, under a media type of its own, and an empty config.
As there, the layer's type decides and not that of the config. What the image is for stands in the SIF's first bytes.
"""

from compatbuild.image.sif import architecture_of
from compatbuild.registry.descriptor import Descriptor, Manifest
from compatbuild.registry.platform import Platform
from compatbuild.registry.store import Store

LAYER_TYPES = ("application/vnd.sylabs.sif.layer.v1.sif", "appliciation/vnd.sylabs.sif.layer.tar")
"""The second one, with its typing error, is what old clients pushed."""
HEAD = 64
"""Bytes of a SIF that tell its architecture."""


def sif_layer(manifest: Manifest) -> Descriptor | None:
    """Return the SIF that a manifest is about; None for the manifest of anything else."""
    found = [layer for layer in manifest.layers if layer.media_type in LAYER_TYPES]
    return found[0] if len(found) == len(manifest.layers) == 1 else None


def sif_platform(store: Store, layer: Descriptor) -> Platform:
    """Return what a SIF is for by its first bytes, which nobody has checked: enough to refuse the wrong one."""
    return Platform("linux", architecture_of(store.blob_part(layer, 0, min(HEAD, layer.size))))
