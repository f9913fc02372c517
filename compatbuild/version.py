"""The version of compatbuild, read by the build backend and by every artifact the tool writes."""

__version__ = "0.1.0"
