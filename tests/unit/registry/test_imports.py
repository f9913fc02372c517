"""What a command pays for importing: oras and requests come with the first request to a registry, not before."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import compatbuild.registry

HEAVY = ("oras", "requests", "urllib3", "jsonschema", "docker")


def test_only_the_client_is_heavy() -> None:
    names = [f"compatbuild.registry.{module.name}" for module in pkgutil.iter_modules(compatbuild.registry.__path__)]
    names.remove("compatbuild.registry.client")
    code = f"import sys, {', '.join(names)}; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
