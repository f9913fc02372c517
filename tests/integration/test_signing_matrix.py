"""Every kind of key, in both formats, on image and specification, in both kinds of registry: cosign agrees both ways."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from compatbuild.registry import referrers
from compatbuild.signing import keyfiles
from compatbuild.signing.keys import PrivateAlgorithm, PrivateKey
from compatbuild.signing.sign import SignOptions, sign
from compatbuild.signing.signatures import Format, find
from compatbuild.signing.verify import verify
from tests.builders.cosign import OLDER_FORMAT, Cosign, cut_off
from tests.builders.signing import CREATED, SPEC_TEXT, attach_spec, push_image
from tests.builders.stores import REGISTRIES, Place, place

pytestmark = pytest.mark.peer
COUNT = itertools.count()  # of repositories: one a test
KINDS = ("p256-pem", "cosign-file", "rsa3072", "ed25519")
FORMATS = (Format.BUNDLE, Format.LEGACY)


@dataclass(frozen=True)
class Pair:
    """A key pair as compatbuild reads it and as cosign does: the same key."""

    private: PrivateKey
    public_path: Path
    cosign_path: Path


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "SETTLE_PAUSE", (0.001, 0.002))


@pytest.fixture(scope="module", params=REGISTRIES)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture(scope="module")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cosign]:
    with cut_off(tmp_path_factory.mktemp("cosign")) as program:
        yield program


@pytest.fixture(scope="module")
def pairs(cosign: Cosign) -> dict[str, Pair]:
    made: dict[str, PrivateAlgorithm] = {
        "p256-pem": ec.generate_private_key(ec.SECP256R1()),
        "rsa3072": rsa.generate_private_key(65537, 3072),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
    }
    found = {}
    for name, key in made.items():
        pem = cosign.home / f"{name}.pem"
        pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        cosign.run("import-key-pair", "--key", pem, "--output-key-prefix", name)
        private = keyfiles.load_private_key(pem)
        found[name] = Pair(private, cosign.home / f"{name}.pub", cosign.home / f"{name}.key")
    cosign.generate_key_pair("stranger")
    private_path, public_path = cosign.generate_key_pair("theirs")
    private = keyfiles.load_private_key(private_path, cosign.password.encode())
    found["cosign-file"] = Pair(private, public_path, private_path)
    for pair in found.values():
        assert pair.private.public_key == keyfiles.load_public_key(pair.public_path)
        assert (
            keyfiles.load_private_key(pair.cosign_path, cosign.password.encode()).public_key == pair.private.public_key
        )
    return found


@pytest.mark.parametrize(("kind", "form"), list(itertools.product(KINDS, FORMATS)))
def test_cosign_accepts_what_we_sign(
    registry: Place, cosign: Cosign, pairs: dict[str, Pair], *, kind: str, form: Format
) -> None:
    name, pair = f"ours-{next(COUNT)}", pairs[kind]
    store = registry.store(name)
    image = push_image(store, "v1")
    spec = attach_spec(store, image)
    flags = () if form is Format.BUNDLE else ("--new-bundle-format=false",)
    for subject in (image, spec):
        (signed,) = sign(store, subject, pair.private, CREATED, SignOptions((form,)))
        assert (signed.state, signed.format) == ("created", form)
        reference = registry.reference(name, subject)
        (accepted,) = cosign.verify(reference, pair.public_path, *flags)
        assert accepted["critical"]["image"]["docker-manifest-digest"] == subject.digest
        assert cosign.verify(reference, pair.public_path)  # whatever the format, unasked
        assert cosign.refuses(reference, cosign.home / "stranger.pub", *flags)
    found = verify(store, image, [pair.private.public_key], strict=True)
    assert (found.content, [one.format for one in found.image_signatures]) == (SPEC_TEXT, [form])


REVERSE = [(kind, form) for kind, form in itertools.product(KINDS, FORMATS) if kind != "ed25519"]


@pytest.mark.parametrize(("kind", "form"), REVERSE)
def test_we_accept_what_cosign_signs(
    registry: Place, cosign: Cosign, pairs: dict[str, Pair], *, kind: str, form: Format
) -> None:
    name, pair = f"theirs-{next(COUNT)}", pairs[kind]
    store = registry.store(name)
    image = push_image(store, "v1")
    spec = attach_spec(store, image)
    for subject in (image, spec):
        (cosign.sign if form is Format.BUNDLE else cosign.sign_older)(
            registry.reference(name, subject), pair.cosign_path
        )
        assert cosign.verify(registry.reference(name, subject), pair.public_path)
    found = verify(store, image, [pair.private.public_key], strict=True)
    assert (found.content, [one.format for one in found.image_signatures]) == (SPEC_TEXT, [form])
    assert found.spec.descriptor.digest == spec.digest
    assert not any(one.counts for one in find(store, image, [keyfiles.load_public_key(cosign.home / "stranger.pub")]))


@pytest.mark.parametrize("form", FORMATS)
def test_what_cosign_makes_with_an_ed25519_key_and_refuses_itself_we_refuse_too(
    registry: Place, cosign: Cosign, pairs: dict[str, Pair], form: Format
) -> None:
    """cosign 3.1.3 signs it with Ed25519ph and verifies it as Ed25519: with a signing configuration it says so."""
    name, pair = f"theirs-{next(COUNT)}", pairs["ed25519"]
    store = registry.store(name)
    image = push_image(store, "v1")
    reference = registry.reference(name, image)
    with pytest.raises(subprocess.CalledProcessError):
        cosign.sign(reference, pair.cosign_path)
    flags = OLDER_FORMAT if form is Format.LEGACY else OLDER_FORMAT[:-1]
    cosign.run("sign", "-y", "--key", pair.cosign_path, *flags, reference)
    assert cosign.refuses(reference, pair.public_path)
    (found,) = find(store, image, [pair.private.public_key])
    assert (found.format, found.counts) == (form, False)
