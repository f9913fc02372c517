"""Whom a certificate is to name: an identity and who vouched for it, each exactly or by a pattern."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compatbuild.errors import UsageError

MAX_PATTERN = 1000  # letters of a regular expression


@dataclass(frozen=True, slots=True)
class Identity:
    """An identity and its issuer, both demanded: one without the other would be anybody's certificate.

    Of identity and pattern exactly one is set, and so of issuer and pattern; a pattern may match anywhere in the text,
    as with ``cosign verify --certificate-identity-regexp``, unless ``^`` and ``$`` bind it. ``trusted_root`` is a file
    with the roots of trust (sigstore's ``TrustedRoot`` in JSON), None for the public ones as they were last fetched.
    """

    identity: str = ""
    issuer: str = ""
    identity_regexp: str = ""
    issuer_regexp: str = ""
    trusted_root: Path | None = None

    def __post_init__(self) -> None:
        for what, exact, pattern in (
            ("identity", self.identity, self.identity_regexp),
            ("issuer", self.issuer, self.issuer_regexp),
        ):
            if bool(exact) == bool(pattern):
                raise UsageError(
                    f"a certificate needs an {what} to be compared with",
                    why="both exactly and by a pattern" if exact else f"no {what} was given",
                    remedy=f"give --{what}, or --{what}-regexp; with keyless signatures both identity and issuer",
                )
            _compiled(pattern)

    @property
    def name(self) -> str:
        """How messages call it."""
        identity = self.identity or f"/{self.identity_regexp}/"
        return f"{identity} (issuer {self.issuer or f'/{self.issuer_regexp}/'})"

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may be meant otherwise, one sentence each."""
        loose = [one for one in (self.identity_regexp, self.issuer_regexp) if one and not one.startswith(("^", r"\A"))]
        return tuple(f"the pattern {one!r} may match anywhere in the text: begin it with ^" for one in loose)

    def fits(self, identity: str, issuer: str) -> bool:
        """Tell whether a certificate's identity and issuer are the ones demanded."""
        return _fits(identity, self.identity, self.identity_regexp) and _fits(issuer, self.issuer, self.issuer_regexp)


def _fits(text: str, exact: str, pattern: str) -> bool:
    return text == exact if exact else _compiled(pattern).search(text) is not None


def _compiled(pattern: str) -> Any:
    """Compile a pattern as cosign does (RE2), so that it means the same and takes linear time whatever it is."""
    import re2  # noqa: PLC0415 - only those who demand identities by a pattern pay for it

    if len(pattern) > MAX_PATTERN:
        raise UsageError("a pattern for identities is too long", why=f"it has more than {MAX_PATTERN} letters")
    try:
        options = re2.Options()
        options.log_errors = False
        return re2.compile(pattern, options)
    except re2.error as error:
        raise UsageError(
            f"{pattern!r} is no regular expression", why=str(error), remedy="write it as RE2, the one of Go, does"
        ) from None
