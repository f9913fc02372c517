"""Content digests as the OCI image specification writes them; checked before one touches a URL or a path."""

import hashlib
import hmac
import re

from compatbuild.errors import RegistryError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
"""The two registered algorithms (OCI image-spec ``descriptor.md``), lower case and full length only."""


class ContentError(RegistryError):
    """Content is not what it was called: it has another digest or size, or it is malformed."""

    code = "content"
    usual_remedy = "push or copy it again"


class NoPartsError(RegistryError):
    """A registry does not give parts of a blob, or others than those asked for; the whole can still be read."""

    code = "no-parts"


def is_digest(text: object) -> bool:
    """Whether a value is a well-formed digest of a supported algorithm."""
    return isinstance(text, str) and DIGEST.fullmatch(text) is not None


def digest_of(raw: bytes, algorithm: str = "sha256") -> str:
    """Return ``ALGORITHM:HEX`` of some bytes."""
    return f"{algorithm}:{hashlib.new(algorithm, raw).hexdigest()}"


def check_digest(raw: bytes, digest: str, where: str) -> None:
    """Raise ContentError unless the bytes have the digest; ``where`` says in the message where they came from."""
    algorithm = digest.partition(":")[0]
    found = digest_of(raw, algorithm)
    if not hmac.compare_digest(found, digest):
        raise ContentError(
            f"{where} does not have its digest",
            why=f"asked for {digest}, got content with {found}",
            remedy="it was altered or damaged on the way: do not use it, and tell whoever runs the store",
        )


def exactly(raw: bytes, count: int, where: str) -> bytes:
    """Return some bytes; ContentError unless they are as many as were asked for."""
    if len(raw) != count:
        raise ContentError(f"{where} is cut off", why=f"{len(raw):,} bytes where {count:,} were asked for")
    return raw
