"""The table of detectors is made from the detectors."""

from tests.detectors import detectors_page


def test_the_table_of_detectors_is_up_to_date() -> None:
    remedy = "write it anew: python -m tests.detectors.detectors_page"
    assert detectors_page.PAGE.read_text("utf-8") == detectors_page.page(), remedy
