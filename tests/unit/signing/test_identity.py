from typing import Any

import pytest

from compatbuild.errors import UsageError
from compatbuild.signing.identity import MAX_PATTERN, Identity

ISSUER = "https://token.actions.githubusercontent.com"
NAME = "https://github.com/example/app/.github/workflows/release.yml@refs/heads/main"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"identity": NAME},
        {"issuer": ISSUER},
        {"identity": NAME, "identity_regexp": "x", "issuer": ISSUER},
        {"identity": NAME, "issuer": ISSUER, "issuer_regexp": "x"},
    ],
)
def test_never_a_bare_certificate(given: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="needs an"):
        Identity(**given)


def test_exactly_is_exactly() -> None:
    one = Identity(NAME, ISSUER)
    assert one.fits(NAME, ISSUER)
    for identity, issuer in ((NAME + "x", ISSUER), (NAME, ISSUER + "/"), (NAME.upper(), ISSUER), ("", ISSUER)):
        assert not one.fits(identity, issuer)


def test_a_pattern_is_found_anywhere_as_cosign_finds_it_and_that_is_told() -> None:
    loose = Identity(identity_regexp=r"github\.com/example/", issuer=ISSUER)
    assert loose.fits("https://evil.example/github.com/example/", ISSUER)
    assert "begin it with ^" in loose.warnings[0]
    bound = Identity(identity_regexp=r"^https://github\.com/example/", issuer=ISSUER)
    assert bound.fits(NAME, ISSUER)
    assert not bound.fits("https://evil.example/github.com/example/", ISSUER)
    assert bound.warnings == ()


@pytest.mark.parametrize("pattern", ["(", "(?=x)", "x" * (MAX_PATTERN + 1)])
def test_a_pattern_that_is_none(pattern: str) -> None:
    with pytest.raises(UsageError):
        Identity(identity_regexp=pattern, issuer=ISSUER)
