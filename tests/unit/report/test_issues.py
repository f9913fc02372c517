"""Problems of a specification, as editors and people read them."""

from compatbuild.report.issues import listing
from compatbuild.validation.issue import Place, Severity, make_issue
from tests.unit.report.building import HOSTILE, harmless


def test_place_severity_message_rule_and_remedy() -> None:
    error = make_issue("missing-op", Place(7, 9, "/x"), "there is no op", remedy="add one", name="compat.yaml")
    warning = make_issue("r", Place(1, 1, ""), "perhaps", remedy="look", name="b.yaml", severity=Severity.WARNING)
    assert listing([error, warning], ["compat.yaml", "b.yaml"]) == (
        "compat.yaml:7:9: error: there is no op [missing-op]\n"
        "    try: add one\n"
        "b.yaml:1:1: warning: perhaps [r]\n"
        "    try: look\n"
        "2 specifications: 1 error, 1 warning\n"
    )


def test_nothing_wrong() -> None:
    assert listing([], ["a"]) == "1 specification, nothing to find fault with\n"


def test_several_of_each_are_counted() -> None:
    error = make_issue("r", Place(1, 1, ""), "m", remedy="t")
    assert listing([error, error], ["a"]).endswith("1 specification: 2 errors, 0 warnings\n")


def test_a_hostile_specification_does_no_harm() -> None:
    told = listing([make_issue("r", Place(1, 1, ""), HOSTILE, remedy=HOSTILE, name=HOSTILE)], [HOSTILE])
    assert harmless(told)
    assert len(told.splitlines()) == 3
