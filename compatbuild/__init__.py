"""compatbuild: infer, refine, publish, sign and verify what a container image needs of its host."""

from compatbuild.version import __version__

__all__ = ["__version__"]
