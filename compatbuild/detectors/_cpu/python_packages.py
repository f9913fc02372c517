"""Python packages that refuse a CPU or die on it: polars, which checks, and wheels that do not."""

import posixpath
import re
from collections.abc import Iterator

from compatbuild.detectors._cpu.claims import Claim, claims_of
from compatbuild.detectors._uses import Use, weakest
from compatbuild.detectors._versions import at_least
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cpu import Cpu
from compatbuild.knowledge.rows import Row
from compatbuild.model.finding import Confidence

POLARS = (
    FileInterest("/**/_polars_runtime*/build_feature_flags.py", 4_096),
    FileInterest("/**/polars/_cpu_check.py", 16_384),  # until 1.32, when polars had one runtime
)
_POLARS_FLAGS = re.compile(rb'^(?:BUILD_FEATURE_FLAGS|_POLARS_FEATURE_FLAGS)\s*=\s*"([^"\n]{0,2000})"', re.MULTILINE)

WHEELS = (
    FileInterest("/**/duckdb-*.dist-info/WHEEL", 4_096),
    FileInterest("/**/tensorflow*.dist-info/WHEEL", 4_096),
    FileInterest("/**/tf_nightly*.dist-info/WHEEL", 4_096),
)
"""What the wheels in question say of themselves; an installer keeps it (PyPA, binary distribution format)."""
_DIST_INFO = re.compile(r"([A-Za-z0-9_.]{1,100})-([^-/]{1,100})\.dist-info")
_TAG = re.compile(rb"^Tag:[ \t]*\S*manylinux\S*_x86_64\s*$", re.MULTILINE)

INTERESTS = Interests(files=(*POLARS, *WHEELS), config=("architecture",))


def claims(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield what the Python packages of an x86-64 image need."""
    if view.config("architecture") in ("amd64", ""):
        yield from _polars(view, cpu)
        yield from _wheels(view, cpu)


def _polars(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield the flags that every build of the polars runtime in the image checks at import; any one build will do."""
    builds = {
        path: [row for name in match[1].decode("utf-8", "replace").split(",") if (row := _flag(name, cpu))]
        for interest in POLARS
        for path, content in view.files(interest.glob)
        if (match := _POLARS_FLAGS.search(content))
    }
    common = set.intersection(*({row.value for row in rows} for rows in builds.values())) if builds else set()
    for path, rows in builds.items():
        for row in rows:
            if row.value in common:
                use = Use(view.confidence(path, row.grade.ceiling), view.at(path, "polars checks CPU flags at import"))
                yield Claim(row.value, use)


def _flag(name: str, cpu: Cpu) -> Row[str] | None:
    return cpu.rust_features.get(name.strip().removeprefix("+")) if name.strip().startswith("+") else None


def _wheels(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield what manylinux wheels need by their name and version: likely at most, as not every version was tried."""
    for interest in WHEELS:
        for path, content in view.files(interest.glob):
            named = _DIST_INFO.fullmatch(posixpath.basename(posixpath.dirname(path)))
            row = cpu.wheels.get(re.sub(r"[-_.]+", "-", named[1]).lower()) if named else None
            if named and row and at_least(named[2], row.value.since) and _TAG.search(content):
                needs = ", ".join(row.value.needs)
                told = view.at(
                    path, f"The manylinux wheels of {named[1]} {named[2]} need {needs} to be imported", "Tag"
                )
                ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
                yield from claims_of(row.value.needs, Use(view.confidence(path, ceiling), told))
