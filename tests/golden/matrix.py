"""Write what a small matrix looks like as a page, a summary and a badge: ``python -m tests.golden.matrix``."""

from pathlib import Path

from compatbuild.report.badge import badge
from compatbuild.report.console import to_text
from compatbuild.report.page.render import Assets, html
from compatbuild.report.reasons import summary
from compatbuild.version import __version__
from tests.builders.matrices import matrix

DIRECTORY = Path(__file__).parent / "matrix"


def texts() -> dict[Path, str]:
    """Return what each file must hold; of the page, all but its style, its script and the version that wrote it."""
    bare = Assets(Assets.shipped().template, "/* the style */", "// the script")
    return {
        DIRECTORY / "page.html": html(matrix(), bare).replace(__version__, "VERSION"),
        DIRECTORY / "summary.txt": to_text(summary(matrix()), width=80),
        DIRECTORY / "badge.svg": badge(matrix()[:1]),
    }


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
