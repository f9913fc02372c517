import pytest

from compatbuild.detectors.kernel_emulation import DETECTOR
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import FacilityRequirement
from tests.builders.views import ARM64, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT


def test_a_reached_program_of_a_foreign_machine_is_a_hint() -> None:
    elves = {"/bin/sh": elf(), "/opt/tool": elf(machine=ARM64)}
    (finding,) = findings(DETECTOR, image_view(elves=elves, reached={"/bin/sh": PROVEN, "/opt/tool": LIKELY}))
    assert finding.requirement == FacilityRequirement(facility=("BINFMT_MISC",), modules=("binfmt_misc",))
    assert (finding.id, finding.confidence, finding.severity) == ("kernel.binfmt", HINT, Severity.INFO)
    assert [evidence.path for evidence in finding.evidence] == ["/opt/tool"]


@pytest.mark.parametrize(
    ("machine", "bits", "reached"),
    [
        (3, 32, ("/bin/sh", "/opt/tool")),  # i386 on amd64
        (ARM64, 64, ("/bin/sh",)),  # lies about
        (ARM64, 64, ("/opt/tool",)),  # all of it is foreign
        (247, 64, ("/bin/sh", "/opt/tool")),  # no machine at all
    ],
)
def test_near_misses(machine: int, bits: int, reached: tuple[str, ...]) -> None:
    elves = {"/bin/sh": elf(), "/opt/tool": elf(machine=machine, bits=bits)}
    assert findings(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(reached, PROVEN))) == []
