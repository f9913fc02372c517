import stat
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from compatbuild.errors import NotFoundError, SigningError
from compatbuild.signing import keyfiles
from compatbuild.signing.keys import PrivateKey
from tests.unit.signing.der import encrypted_pkcs8, pbkdf2, pem

PASSWORD = b"correct horse"


def test_a_pair_is_written_as_cosign_would(tmp_path: Path) -> None:
    private, public = tmp_path / "cosign.key", tmp_path / "cosign.pub"
    pair = keyfiles.write_pair(private, public, PASSWORD)
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert private.read_bytes().startswith(b"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n")
    assert keyfiles.load_public_key(public) == pair.public_key
    assert keyfiles.load_private_key(private, PASSWORD).public_key == pair.public_key
    assert pair.public_key.algorithm == "ecdsa-p256"


@pytest.mark.parametrize("existing", ["cosign.key", "cosign.pub"])
def test_nothing_is_overwritten_and_nothing_left_behind(tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("precious")
    with pytest.raises(SigningError, match="exists already"):
        keyfiles.write_pair(tmp_path / "cosign.key", tmp_path / "cosign.pub", PASSWORD)
    assert [file.name for file in tmp_path.iterdir()] == [existing]
    assert (tmp_path / existing).read_text() == "precious"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "cosign.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SigningError, match="exists already"):
        keyfiles.write_pair(tmp_path / "cosign.key", tmp_path / "cosign.pub", PASSWORD)
    assert not (tmp_path / "elsewhere").exists()


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SigningError, match="cannot write") as caught:
        keyfiles.write_pair(tmp_path / "no" / "cosign.key", tmp_path / "no" / "cosign.pub", PASSWORD)
    assert "No such file" in caught.value.why


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("algorithm", ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048"])
def test_plain_and_encrypted_pem_are_read(
    every_key: dict[str, PrivateKey], algorithm: str, form: PrivateFormat
) -> None:
    key = every_key[algorithm]
    plain = key._key.private_bytes(Encoding.PEM, form, NoEncryption())
    assert not keyfiles.is_encrypted(plain)
    assert keyfiles.private_key(plain) == key
    assert keyfiles.private_key(plain, b"unused") == key
    encrypted = key._key.private_bytes(Encoding.PEM, form, BestAvailableEncryption(PASSWORD))
    assert keyfiles.is_encrypted(encrypted)
    assert keyfiles.private_key(encrypted, PASSWORD) == key
    with pytest.raises(SigningError, match="cannot be read") as caught:
        keyfiles.private_key(encrypted, b"wrong")
    assert "COSIGN_PASSWORD" in caught.value.remedy
    with pytest.raises(SigningError, match="is encrypted") as caught:
        keyfiles.private_key(encrypted)


@pytest.mark.parametrize("kdf", [["-scrypt"], ["-iter", "600000"]], ids=["scrypt", "pbkdf2"])
def test_pem_encrypted_by_openssl_is_read(key: PrivateKey, kdf: list[str]) -> None:
    command = ["openssl", "pkcs8", "-topk8", "-inform", "DER", *kdf, "-passout", f"pass:{PASSWORD.decode()}"]
    text = subprocess.run(command, input=key.pkcs8, capture_output=True, check=True).stdout
    assert keyfiles.private_key(text, PASSWORD) == key


@pytest.mark.timeout(15)
def test_absurd_iterations_are_refused_before_they_are_done() -> None:
    with pytest.raises(SigningError, match="cannot be read") as caught:
        keyfiles.private_key(pem("ENCRYPTED PRIVATE KEY", encrypted_pkcs8(pbkdf2(iterations=2**31 - 1))), b"x")
    assert "too much work" in caught.value.why


@pytest.mark.parametrize(
    "block",
    ["PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "ENCRYPTED SIGSTORE PRIVATE KEY", "PUBLIC KEY"],
)
@pytest.mark.parametrize("body", ["", "AAAA", "MAA=", "!"])
def test_garbage_in_every_block_is_one_error(block: str, body: str) -> None:
    text = f"-----BEGIN {block}-----\n{body}\n-----END {block}-----\n".encode()
    with pytest.raises(SigningError):
        keyfiles.private_key(text, PASSWORD)
    with pytest.raises(SigningError):
        keyfiles.public_key(text)


def test_the_wrong_half_is_told_apart(key: PrivateKey) -> None:
    with pytest.raises(SigningError) as caught:
        keyfiles.private_key(key.public_key.pem)
    assert "this is a public key" in caught.value.remedy
    private = key._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(SigningError) as caught:
        keyfiles.public_key(private)
    assert "this is a private key" in caught.value.remedy


def test_a_certificate_is_told_apart() -> None:
    with pytest.raises(SigningError) as caught:
        keyfiles.public_key(b"-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
    assert "openssl x509 -pubkey" in caught.value.remedy


def test_files_that_cannot_be_keys(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no key file"):
        keyfiles.load_public_key(tmp_path / "absent.pub")
    with pytest.raises(SigningError, match="cannot read"):
        keyfiles.load_public_key(tmp_path)
    (tmp_path / "large").write_bytes(b" " * (keyfiles.LIMIT + 1))
    with pytest.raises(SigningError, match="is not a key file"):
        keyfiles.load_private_key(tmp_path / "large")
