"""Mutations of an input, by a random generator that is given: the same seed makes the same input again."""

from __future__ import annotations

from random import Random

NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 63) - 1, (1 << 64) - 1)
TOKENS = (
    *(b"\x7fELF", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"ustar\000", b"../", b"\0", b"\xff\xff", b"\x1b[2J", b"\n"),
    *(b"{", b"[", b'"', b": ", b"- ", b"&a ", b"*a", b"!!", b"\xe2\x80\xae", b"-1", b"9" * 25, b"1e999", b"null"),
    *(
        b"\x50\xed\x55\xba",
        b"CCOB",
        b"__CLANG_OFFLOAD_BUNDLE__",
        b"PK\x05\x06",
        b"RpmP",
        b"Slot",
        b"BlbS",
        b"\x80" * 12,
    ),
)
LARGEST = 1 << 18
"""Bytes of an input: a larger one takes longer and finds no more."""


def mutated(data: bytes, others: tuple[bytes, ...], luck: Random) -> bytes:
    """Return an input with one to a dozen changes, perhaps with a part of another."""
    out = bytearray(data)
    for _ in range(luck.choice((1, 1, 2, 3, 5, 12))):
        _change(out, others, luck)
    return bytes(out[:LARGEST])


def _change(out: bytearray, others: tuple[bytes, ...], luck: Random) -> None:
    at = luck.randrange(len(out) + 1)
    end = min(len(out), at + luck.choice((1, 2, 4, 8, 64, 1024)))
    kind = luck.randrange(8)
    if kind == 0 and out:
        out[min(at, len(out) - 1)] ^= 1 << luck.randrange(8)
    elif kind == 1:
        size = luck.choice((1, 2, 4, 8))
        out[at : at + size] = (luck.choice(NUMBERS) & ((1 << 8 * size) - 1)).to_bytes(
            size, luck.choice(("little", "big"))
        )
    elif kind == 2:
        out[at:at] = luck.choice(TOKENS)
    elif kind == 3:
        out[at:end] = luck.choice(TOKENS)
    elif kind == 4:
        del out[at:end]
    elif kind == 5:
        out[at:at] = out[at:end] * luck.choice((1, 2, 50))
    elif kind == 6:
        other = luck.choice(others)
        start = luck.randrange(len(other) + 1)
        out[at:end] = other[start : start + luck.choice((8, 64, 600))]
    else:
        out[at:end] = luck.randbytes(end - at)
