"""Write what the shipped templates print over a usual report: ``python -m tests.golden.rendered``."""

from pathlib import Path

from compatbuild.refine.render import render
from compatbuild.refine.shipped import shipped_names
from tests.unit.refine.reports import context

DIRECTORY = Path(__file__).parent / "rendered_templates"


def texts() -> dict[Path, str]:
    """Return what each file must hold."""
    return {DIRECTORY / f"{name}.yaml": render(name, context()) for name in shipped_names()}


if __name__ == "__main__":
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
