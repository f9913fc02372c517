"""Programs of another machine than the image's, which run only where the host hands them to an emulator."""

from collections.abc import Iterator

from compatbuild.detectors import Detector
from compatbuild.detectors._facilities import facility_finding
from compatbuild.detectors._uses import Use
from compatbuild.detectors.architecture import ARCHITECTURES, RUNS_TOO
from compatbuild.image.interests import Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.model.finding import Confidence, Finding


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield a hint at binfmt_misc for reached programs of a foreign machine beside such of the image's own."""
    declared = view.config("architecture")
    own = {declared, RUNS_TOO.get(declared, declared)}
    reached = {
        path: ARCHITECTURES[elf.machine]
        for path, elf in view.elves()
        if view.reach(path) is not None and elf.machine in ARCHITECTURES
    }
    foreign = {path: machine for path, machine in reached.items() if machine not in own}
    if foreign and len(foreign) < len(reached):  # where all are, the config is wrong: architecture says so
        uses = [
            Use(Confidence.HINT, view.at(path, f"The default program runs it, and it is for {machine}", "e_machine"))
            for path, machine in foreign.items()
        ]
        yield facility_finding("kernel.binfmt", knowledge.kernel.emulation["binfmt"].value, uses)


DETECTOR = Detector(
    id="kernel_emulation",
    title="Programs of foreign machines",
    interests=Interests(elf=True, config=("architecture",)),
    detect=detect,
    features=("kernel.config", "kernel.enabledmodule"),
)
