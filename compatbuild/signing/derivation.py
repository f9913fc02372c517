"""How much work an encrypted PKCS#8 key asks of whoever opens it, read before paying.

The parameters of the key derivation stand in clear in the file (RFC 8018: PBKDF2's iterations; RFC 7914: scrypt's N,
r and p), so a hostile file could keep a machine busy for days. This reads them from the DER and refuses the absurd.
"""

from collections.abc import Iterator
from math import prod

INTEGER, SEQUENCE = 0x02, 0x30
MAX_INTEGER = 10_000_000  # PBKDF2 iterations: some seconds; OWASP's advice of 2023 is 600,000
MAX_WORK = 1 << 29  # product of all integers: scrypt with N = 2**20, r = 8, p = 1 and a key of 32 bytes is 2**28
MAX_DEPTH = 8  # EncryptedPrivateKeyInfo nests five deep


def check(der: bytes) -> None:
    """Raise ValueError when the EncryptedPrivateKeyInfo ``der`` is malformed or asks for more work than the limits."""
    numbers = tuple(_integers(_first_inside(der), 0))
    if any(number > MAX_INTEGER or number < 1 for number in numbers) or prod(numbers) > MAX_WORK:
        raise ValueError(f"its key derivation asks for too much work: {', '.join(map(str, numbers))}")


def _first_inside(der: bytes) -> bytes:
    """Return the content of the algorithm identifier: the first element of the outer sequence."""
    for tag, content in _elements(der):
        for inner, algorithm in _elements(content):
            if (tag, inner) == (SEQUENCE, SEQUENCE):
                return algorithm
            break
        break
    raise ValueError("not an encrypted PKCS#8 key")


def _integers(der: bytes, depth: int) -> Iterator[int]:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    for tag, content in _elements(der):
        if tag == INTEGER:
            yield int.from_bytes(content, signed=True)
        elif tag == SEQUENCE:
            yield from _integers(content, depth + 1)


def _elements(der: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield tag and content of the elements that follow one another in ``der`` (X.690 §8.1, definite lengths)."""
    at = 0
    while at < len(der):
        if at + 2 > len(der):
            raise ValueError("cut short")
        tag, length, start = der[at], der[at + 1], at + 2
        if length & 0x80:
            octets = length & 0x7F
            length, start = int.from_bytes(der[start : start + octets]), start + octets
            if not 1 <= octets <= 4:
                raise ValueError("a length that is not DER")
        if start + length > len(der):
            raise ValueError("cut short")
        yield tag, der[start : start + length]
        at = start + length
