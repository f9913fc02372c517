"""What these rooms import, and when."""

import subprocess
import sys

HEAVY = ("jinja2", "jsonschema", "git", "re2", "oras", "requests", "docker")

PROGRAM = """
import sys
import compatbuild.validation, compatbuild.refine.render, compatbuild.refine.document, compatbuild.refine.settings
import compatbuild.refine.context, compatbuild.refine.init, compatbuild.refine.gitfacts, compatbuild.refine.compile
print(*(name for name in %r if name in sys.modules))
"""


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    run = subprocess.run([sys.executable, "-c", PROGRAM % (HEAVY,)], check=True, capture_output=True, text=True)
    assert run.stdout.split() == []
