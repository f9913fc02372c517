"""The quick part of the ground truth: what is inferred from small packages, and that other readers read them alike."""

import os

import pytest

from tests.ground_truth.__main__ import run
from tests.ground_truth.cases import Case, cases

pytestmark = pytest.mark.download
QUICK = [case for case in cases() if case.quick]


@pytest.mark.parametrize("case", QUICK, ids=[case.name for case in QUICK])
def test_what_is_inferred_is_true(case: Case) -> None:
    result = run(case, ask=True)
    if result.verdict is None:
        (pytest.fail if os.environ.get("COMPATBUILD_REQUIRE_PEERS") == "1" else pytest.skip)(result.problem)
    assert result.verdict.missing == ()
    assert result.verdict.broken == ()
    assert [tally for tally in result.tallies if tally.disagreements] == []
