"""``python -m compatbuild``."""

from compatbuild.cli.app import main

main()
