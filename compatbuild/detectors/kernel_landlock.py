"""Programs that restrict themselves by Landlock: a hint, for nearly all go on where the kernel has none."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._facilities import facility_finding
from compatbuild.detectors._users import PROGRAMS
from compatbuild.detectors._uses import Use
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Finding

LIBRARY = "kernel_landlock.library"
_NAMES = rb"^landlock-(?:lsm/go-landlock\b|\d{1,3}\.\d{1,3}\.\d{1,3}/src/)"
LIBRARIES = tuple(Marker(LIBRARY, b"landlock-", glob, _NAMES) for glob in PROGRAMS)
"""How Go's module list and the panic messages of Rust name the library; the system calls alone, as in libseccomp's
table, are no use (landlock-lsm/go-landlock; crates.io, landlock)."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield a hint for the programs that hold a library for Landlock."""
    uses = [
        Use(Confidence.HINT, view.at(path, "A library for Landlock is in it", "text"))
        for path, elf in view.elves()
        if LIBRARY in elf.markers
    ]
    if uses:
        kernel = knowledge.kernel
        yield facility_finding("kernel.landlock", kernel.sandboxes["landlock"].value, uses, kernel.introduced)


DETECTOR = Detector(
    id="kernel_landlock",
    title="Landlock",
    interests=Interests(elf=True, markers=LIBRARIES),
    detect=detect,
    features=("kernel.config",),
)
