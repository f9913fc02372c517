import base64
import json
from typing import Any

import pytest

from compatbuild.errors import SigningError
from compatbuild.signing import cosignkey
from compatbuild.signing.keys import PrivateKey


@pytest.fixture(scope="module")
def sealed(key: PrivateKey) -> bytes:
    return cosignkey.seal(key.pkcs8, b"open sesame")


def document(pem: bytes) -> Any:
    return json.loads(base64.b64decode(b"".join(pem.splitlines()[1:-1])))


def wrapped(content: Any, label: str = cosignkey.LABEL) -> bytes:
    body = base64.encodebytes(json.dumps(content).encode()).decode()
    return f"-----BEGIN {label}-----\n{body}-----END {label}-----\n".encode()


def test_the_file_has_the_shape_cosign_writes(sealed: bytes) -> None:
    content = document(sealed)
    assert content["kdf"]["name"] == "scrypt"
    assert content["kdf"]["params"] == {"N": 65536, "r": 8, "p": 1}
    assert content["cipher"]["name"] == "nacl/secretbox"
    assert max(map(len, sealed.splitlines()[1:-1])) == 64


def test_the_password_opens_it(sealed: bytes, key: PrivateKey) -> None:
    assert cosignkey.unseal(sealed, b"open sesame") == key.pkcs8


def test_another_password_does_not(sealed: bytes) -> None:
    with pytest.raises(SigningError, match="the password does not open") as caught:
        cosignkey.unseal(sealed, b"")
    assert "COSIGN_PASSWORD" in caught.value.remedy


def test_an_empty_password_is_a_password(key: PrivateKey) -> None:
    assert cosignkey.unseal(cosignkey.seal(key.pkcs8, b""), b"") == key.pkcs8


def test_the_label_of_old_files_is_read(sealed: bytes, key: PrivateKey) -> None:
    old = wrapped(document(sealed), "ENCRYPTED COSIGN PRIVATE KEY")
    assert cosignkey.is_sealed(old)
    assert cosignkey.unseal(old, b"open sesame") == key.pkcs8


@pytest.mark.timeout(15)
@pytest.mark.parametrize(
    "work", [{"N": 1 << 40}, {"r": 1 << 30}, {"p": 1 << 30}, {"N": 2}, {"N": 0}, {"N": -65536}, {"N": 65537}]
)
def test_foreign_work_is_refused_before_it_is_done(sealed: bytes, work: dict[str, int]) -> None:
    content = document(sealed)
    content["kdf"]["params"] |= work
    with pytest.raises(SigningError, match="derivation work"):
        cosignkey.unseal(wrapped(content), b"open sesame")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kdf", "name"), "argon2"),
        (("kdf", "params", "N"), "65536"),
        (("kdf", "params", "N"), True),
        (("kdf", "salt"), "no base64!"),
        (("kdf", "salt"), 7),
        (("cipher", "name"), "aes"),
        (("cipher", "nonce"), "AAAA"),
        (("ciphertext",), "AAAA"),
        (("kdf",), []),
    ],
)
def test_damage_is_named(sealed: bytes, path: tuple[str, ...], value: object) -> None:
    content = at = document(sealed)
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = value
    with pytest.raises(SigningError, match="not one cosign would read") as caught:
        cosignkey.unseal(wrapped(content), b"open sesame")
    assert path[-1] in caught.value.why


@pytest.mark.timeout(15)
def test_a_file_of_spaces_is_refused_at_once() -> None:
    pem = f"-----BEGIN {cosignkey.LABEL}-----{' ' * 60_000}x".encode()
    with pytest.raises(SigningError, match="not one cosign would read"):
        cosignkey.unseal(pem, b"")


def test_a_flipped_bit_is_noticed(sealed: bytes) -> None:
    content = document(sealed)
    ciphertext = bytearray(base64.b64decode(content["ciphertext"]))
    ciphertext[20] ^= 1
    content["ciphertext"] = base64.b64encode(ciphertext).decode()
    with pytest.raises(SigningError, match="does not open"):
        cosignkey.unseal(wrapped(content), b"open sesame")
