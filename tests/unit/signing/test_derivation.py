import pytest

from compatbuild.signing import derivation
from tests.unit.signing.der import element, encrypted_pkcs8, integer, pbkdf2, scrypt


@pytest.mark.parametrize(
    "kdf", [pbkdf2(2048), pbkdf2(600_000), pbkdf2(derivation.MAX_INTEGER), scrypt(1 << 14, 8, 1), scrypt(1 << 20, 8, 1)]
)
def test_work_in_use_passes(kdf: bytes) -> None:
    derivation.check(encrypted_pkcs8(kdf))


@pytest.mark.parametrize(
    "kdf",
    [pbkdf2(derivation.MAX_INTEGER + 1), pbkdf2(0), pbkdf2(-1), scrypt(1 << 20, 8, 1 << 10), scrypt(1 << 30, 1, 1)],
)
def test_absurd_work_is_refused(kdf: bytes) -> None:
    with pytest.raises(ValueError, match="too much work"):
        derivation.check(encrypted_pkcs8(kdf))


@pytest.mark.parametrize(
    "der",
    [
        b"",
        b"\x30",
        b"\x30\x05\x30",
        b"\x30\x80\x30\x00\x00\x00",
        b"\x30\x85\x00\x00\x00\x00\x00",
        integer(5),
        element(0x30, integer(5)),
    ],
)
def test_other_bytes_are_no_encrypted_key(der: bytes) -> None:
    with pytest.raises(ValueError, match=r"cut short|not DER|not an encrypted"):
        derivation.check(der)


def test_depth_is_bounded() -> None:
    der = integer(1)
    for _ in range(derivation.MAX_DEPTH + 2):
        der = element(0x30, der)
    with pytest.raises(ValueError, match="nested too deeply"):
        derivation.check(element(0x30, der))
