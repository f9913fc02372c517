"""What a terminal would obey is written out instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.report.text import plain, short_digest
from tests.unit.report.building import DIGEST, HOSTILE, harmless


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b2J", "\\x9b2J"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\u202eexe.txt", "\\u202eexe.txt"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u200bb", "a\\u200bb"),
        ("\U000e0041", "\\U000e0041"),
        ("größe, 中文, libfoo.so.1", "größe, 中文, libfoo.so.1"),
        ("", ""),
    ],
)
def test_each_is_written_out_and_the_rest_stays(text: str, shown: str) -> None:
    assert plain(text) == shown


@given(st.text(st.characters()))
def test_no_text_can_do_anything(text: str) -> None:
    shown = plain(text)
    assert harmless(shown)
    assert "\n" not in shown


@given(st.text(st.sampled_from("a\x1b\n"), max_size=20), st.integers(1, 20))
def test_a_long_text_is_cut_and_says_so(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert shown == plain(text) if len(text) <= limit else shown.endswith("…") and len(shown) <= limit


def test_the_hostile_text_of_these_tests_is_hostile() -> None:
    assert not harmless(HOSTILE)


def test_a_digest_is_shortened_as_people_compare_it() -> None:
    assert short_digest(DIGEST) == "sha256:0123456789ab"
    assert short_digest("v1") == "v1"
