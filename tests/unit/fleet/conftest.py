"""Fixtures of the command line, in a directory of their own."""

from tests.unit.cli.conftest import cli, elsewhere, keys

__all__ = ["cli", "elsewhere", "keys"]
