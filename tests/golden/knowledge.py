"""Write the knowledge in the form that is read quickly: ``python -m tests.golden.knowledge``."""

from importlib import resources
from pathlib import Path

from compatbuild.knowledge.loader import COMPILED, compiled

if __name__ == "__main__":
    Path(str(resources.files("compatbuild.knowledge") / COMPILED)).write_text(compiled(), encoding="utf-8")
