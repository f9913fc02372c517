import pytest

from compatbuild.detectors.kernel_landlock import DETECTOR, LIBRARIES, LIBRARY
from compatbuild.image.interests import Interests
from compatbuild.model.finding import Confidence, Severity
from compatbuild.model.requirement import FacilityRequirement
from tests.builders import elf as files
from tests.builders.views import elf, findings, image_view


def test_a_library_for_it_is_a_hint() -> None:
    view = image_view(elves={"/app": elf(markers={LIBRARY: ()})}, reached={"/app": Confidence.PROVEN})
    (finding,) = findings(DETECTOR, view)
    assert finding.requirement == FacilityRequirement(facility=("SECURITY_LANDLOCK",))
    assert (finding.confidence, finding.severity, finding.facts) == (Confidence.HINT, Severity.INFO, {})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"dep\tgithub.com/landlock-lsm/go-landlock\tv0.0.0-20240715193425-db0c8d6f1dff\t", True),
        (b"/cargo/registry/src/index.crates.io-6f17d22bba15001f/landlock-0.4.1/src/ruleset.rs", True),
        (b"landlock_create_ruleset\0landlock_add_rule\0landlock_restrict_self\0", False),
        (b"landlock-status", False),
    ],
)
def test_the_libraries_are_known_by_their_names_and_system_calls_are_not(text: bytes, found: bool) -> None:  # noqa: FBT001 - a column of the table
    facts = files.facts(files.elf(data=text), Interests(elf=True, markers=LIBRARIES))
    assert (LIBRARY in facts.markers) is found


def test_other_programs_say_nothing() -> None:
    assert findings(DETECTOR, image_view(elves={"/usr/bin/strace": elf("libseccomp.so.2")})) == []
