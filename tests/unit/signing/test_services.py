"""Keys in services: what is said when the part of compatbuild that asks them is not installed, and of wrong addresses."""

import sys

import pytest

from compatbuild.errors import SigningError, UsageError
from compatbuild.signing.services import EXTRAS, MODULES, open_key


def nobody(secret: str) -> str:
    raise AssertionError(secret)


@pytest.mark.parametrize("scheme", EXTRAS)
def test_a_missing_part_is_named(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, MODULES[scheme].partition(".")[0], None)
    with pytest.raises(SigningError, match="not installed") as caught:
        open_key(f"{scheme}:key", nobody)
    assert caught.value.remedy == f"pip install 'compatbuild[{EXTRAS[scheme]}]'"


@pytest.mark.parametrize("uri", ["", "key", "file:key", "https://example.com/key"])
def test_an_address_of_no_known_kind(uri: str) -> None:
    with pytest.raises(UsageError, match="no kind of key"):
        open_key(uri, nobody)
