"""What was attached and signed."""

import pytest

from compatbuild.registry.attach import Attached
from compatbuild.registry.store import Via
from compatbuild.report.journey import FOUND_BY, Row, as_table, as_value
from compatbuild.signing.sign import Signed
from tests.unit.report.building import DIGEST, HOSTILE, OTHER, descriptor, harmless

SPEC = Row.of("specification", Attached(descriptor(OTHER), descriptor(), "unchanged", Via.API))
SIGNATURE = Row.of("signature", Signed(descriptor(OTHER), descriptor(), "created", Via.LAYOUT))


def test_two_lines_an_artifact_the_second_to_copy() -> None:
    assert as_table([SPEC, SIGNATURE]) == (
        f"unchanged  specification, found by the referrers API\n           {OTHER}\n"
        f"created    signature, found by the layout's index\n           {OTHER}\n"
    )
    assert as_table([]) == ""


@pytest.mark.parametrize("via", list(Via))
def test_every_way_to_be_found_has_words(via: Via) -> None:
    assert FOUND_BY[via.value]


def test_a_name_does_no_harm() -> None:
    told = as_table([Row.of(HOSTILE, Attached(descriptor(), descriptor(), "created", Via.API))])
    assert harmless(told)
    assert len(told.splitlines()) == 2


def test_the_same_for_programs() -> None:
    assert as_value([SPEC]) == [
        {"what": "specification", "state": "unchanged", "via": "api", "digest": OTHER, "subject": DIGEST}
    ]
