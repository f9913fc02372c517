import pytest

from compatbuild.detectors.distribution import GLIBC_RELEASE
from compatbuild.detectors.kernel_runtime import DETECTOR
from compatbuild.image.view import ImageView, Package
from compatbuild.model.finding import Confidence, Severity
from tests.builders.views import elf, findings, image_view


def glibc(version: str) -> ImageView:
    libc = elf(soname="libc.so.6", markers={GLIBC_RELEASE: (version,)})
    return image_view(elves={"/lib/libc.so.6": libc, "/bin/sh": elf(interpreter="/lib64/ld-linux-x86-64.so.2")})


def musl(version: str, architecture: str) -> ImageView:
    package = Package("apk", "musl", f"{version}-r0", "/lib/apk/db/installed")
    elves = {"/bin/sh": elf(interpreter="/lib/ld-musl-x86_64.so.1")}
    return image_view(elves=elves, packages=[package], architecture=architecture)


@pytest.mark.parametrize(
    ("view", "calls"),
    [
        (glibc("2.36"), ["clone3", "faccessat2"]),
        (glibc("2.33"), ["faccessat2"]),
        (musl("1.2.4", "amd64"), ["faccessat2"]),
        (musl("1.2.4", "arm"), ["faccessat2", "time64"]),
        (musl("1.2.0", "386"), ["time64"]),
    ],
)
def test_calls_that_old_runtimes_deny_are_a_note(view: ImageView, calls: list[str]) -> None:
    (finding,) = findings(DETECTOR, view)
    assert (finding.id, finding.confidence, finding.severity) == (
        "runtime.system-calls",
        Confidence.HINT,
        Severity.INFO,
    )
    assert (finding.requirement, finding.facts) == (None, {})
    assert [call for call in ("clone3", "faccessat2", "time64") if f"{call} by Docker" in finding.title] == calls


@pytest.mark.parametrize(
    "view", [glibc("2.31"), musl("1.1.24", "arm"), image_view(elves={"/app": elf()}), musl("", "amd64")]
)
def test_older_libraries_and_unknown_ones_say_nothing(view: ImageView) -> None:
    assert findings(DETECTOR, view) == []
