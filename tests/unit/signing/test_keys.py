import base64
import hashlib
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519

from compatbuild.errors import SigningError
from compatbuild.signing.keys import PrivateKey, PublicKey

ALGORITHMS = ("ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "ed25519")
OPENSSL_HASH = {"ecdsa-p256": "-sha256", "ecdsa-p384": "-sha384", "ecdsa-p521": "-sha512", "rsa-2048": "-sha256"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_signature_holds_for_its_bytes_and_its_key_only(
    every_key: dict[str, PrivateKey], other_key: PrivateKey, algorithm: str
) -> None:
    key = every_key[algorithm]
    signature = key.sign(b"data")
    assert key.public_key.verifies(signature, b"data")
    assert not key.public_key.verifies(signature, b"datA")
    assert not key.public_key.verifies(signature[:-1], b"data")
    assert not key.public_key.verifies(b"", b"data")
    assert not other_key.public_key.verifies(signature, b"data")


@pytest.mark.parametrize("algorithm", OPENSSL_HASH)
def test_openssl_accepts_what_we_sign(every_key: dict[str, PrivateKey], algorithm: str, tmp_path: Path) -> None:
    key = every_key[algorithm]
    (tmp_path / "key.pub").write_bytes(key.public_key.pem)
    (tmp_path / "signature").write_bytes(key.sign(b"data"))
    command = ["openssl", "dgst", OPENSSL_HASH[algorithm], "-verify", "key.pub", "-signature", "signature"]
    assert subprocess.run(command, cwd=tmp_path, input=b"data", capture_output=True, check=True).stdout


def test_cosign_needs_a_flag_for_the_larger_curves(every_key: dict[str, PrivateKey]) -> None:
    warned = {name: key.public_key.warnings for name, key in every_key.items() if key.public_key.warnings}
    assert set(warned) == {"ecdsa-p384", "ecdsa-p521"}
    assert "--signature-digest-algorithm sha512" in warned["ecdsa-p521"][0]


@pytest.mark.parametrize(
    "unusable",
    [
        ec.generate_private_key(ec.SECP256K1()),
        rsa.generate_private_key(65537, 1024),
        dsa.generate_private_key(2048),
        x25519.X25519PrivateKey.generate(),
    ],
    ids=["secp256k1", "rsa-1024", "dsa", "x25519"],
)
def test_other_keys_are_refused_by_name(unusable: PrivateKey) -> None:
    with pytest.raises(SigningError) as caught:
        PrivateKey.of(unusable)
    assert "P-256" in caught.value.remedy


def test_the_identity_of_a_key_is_its_public_half(key: PrivateKey, other_key: PrivateKey) -> None:
    again = PublicKey.of(PrivateKey.of(key._key)._key.public_key())
    assert again == key.public_key != other_key.public_key
    assert len({again, key.public_key, other_key.public_key}) == 2


def test_the_hint_is_the_one_cosign_writes(key: PrivateKey) -> None:
    digest = hashlib.sha256(key.public_key.spki)
    assert base64.b64decode(key.public_key.hint) == digest.digest()
    assert key.public_key.fingerprint == f"sha256:{digest.hexdigest()}"


def test_the_text_form_holds_no_secret(key: PrivateKey) -> None:
    scalar = key._key.private_numbers().private_value  # type: ignore[union-attr]  # the fixture's key is on a curve
    assert "ecdsa-p256" in repr(key)
    assert "object at" not in repr(key)
    assert str(scalar) not in repr(key)
    assert f"{scalar:x}" not in repr(key)
