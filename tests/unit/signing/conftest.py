"""Keys are made once a run: generating and sealing them costs more than using them."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from compatbuild.registry.layout import LayoutStore
from compatbuild.signing import keys
from compatbuild.signing.keys import PrivateKey
from tests.builders.signing import empty_layout


@pytest.fixture(scope="session")
def key() -> PrivateKey:
    return keys.generate()


@pytest.fixture(scope="session")
def other_key() -> PrivateKey:
    return keys.generate()


@pytest.fixture(scope="session")
def every_key(key: PrivateKey) -> dict[str, PrivateKey]:
    """One key of each algorithm there is, by its name."""
    made = (
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 2048),
        ed25519.Ed25519PrivateKey.generate(),
    )
    return {one.public_key.algorithm: one for one in (key, *map(PrivateKey.of, made))}


@pytest.fixture
def store(tmp_path: Path) -> LayoutStore:
    """An empty OCI layout."""
    return empty_layout(tmp_path / "layout")
