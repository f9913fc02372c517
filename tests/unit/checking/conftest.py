"""The fixtures of the command line, for its tests here."""

from tests.unit.cli.conftest import cli, elsewhere, image, keys

__all__ = ["cli", "elsewhere", "image", "keys"]
