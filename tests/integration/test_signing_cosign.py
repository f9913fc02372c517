"""cosign accepts what we sign and we accept what it signs, with its key files and ours, on both kinds of registry."""

import itertools
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from compatbuild.registry import referrers
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.store import Store
from compatbuild.signing import keyfiles
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.signatures import Format, find
from compatbuild.signing.verify import verify
from tests.builders.cosign import Cosign, cut_off
from tests.builders.signing import (
    CREATED,
    SPEC_TEXT,
    attach_spec,
    attestation,
    empty_layout,
    hang_bundle,
    publish,
    push_image,
    sign,
)
from tests.builders.stores import REGISTRIES, Place, place
from tests.peers import peer

pytestmark = pytest.mark.peer
REFUSED = "accepted signatures do not match threshold, Found: 0"
COUNT = itertools.count()  # of repositories: one a test


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


@dataclass(frozen=True)
class Keys:
    """One key pair on disk and in memory, and the public half of another."""

    private_path: Path
    public_path: Path
    private: PrivateKey
    stranger: Path


@pytest.fixture(scope="module")
def keys(cosign: Cosign) -> Keys:
    """Our key file, as the whole module uses it."""
    home = cosign.home / "ours"
    home.mkdir()
    password = cosign.password.encode()
    pair = keyfiles.write_pair(home / "cosign.key", home / "cosign.pub", password)
    stranger = keyfiles.write_pair(home / "stranger.key", home / "stranger.pub", password)
    private = keyfiles.load_private_key(pair.private_path, password)
    return Keys(pair.private_path, pair.public_path, private, stranger.public_path)


@dataclass(frozen=True)
class Subject:
    """An image in a repository of its own."""

    place: Place
    name: str
    store: Store
    image: Descriptor

    def called(self, descriptor: Descriptor) -> str:
        return self.place.reference(self.name, descriptor)


@pytest.fixture
def subject(registry: Place) -> Subject:
    name = f"test-{next(COUNT)}"
    store = registry.store(name)
    return Subject(registry, name, store, push_image(store, "v1"))


def test_cosign_accepts_our_signature_on_image_and_specification(subject: Subject, keys: Keys, cosign: Cosign) -> None:
    spec = publish(subject.store, subject.image, keys.private)
    for signed in (subject.image, spec):
        (accepted,) = cosign.verify(subject.called(signed), keys.public_path)
        assert accepted["critical"]["image"]["docker-manifest-digest"] == signed.digest
        assert accepted["critical"]["type"] == "https://sigstore.dev/cosign/sign/v1"
        assert REFUSED in cosign.refuses(subject.called(signed), keys.stranger)


def test_we_accept_cosign_s_signature_on_image_and_specification(subject: Subject, keys: Keys, cosign: Cosign) -> None:
    private, public = keys.private_path, keyfiles.load_public_key(keys.public_path)
    spec = attach_spec(subject.store, subject.image)
    for signed in (subject.image, spec):
        cosign.sign(subject.called(signed), private)
    found = verify(subject.store, subject.image, [public], strict=True)
    assert found.content == SPEC_TEXT
    assert found.spec.descriptor.digest == spec.digest
    stranger = keyfiles.load_public_key(keys.stranger)
    assert not any(one.counts for one in find(subject.store, subject.image, [stranger]))


def test_we_do_not_sign_again_what_cosign_signed(subject: Subject, keys: Keys, cosign: Cosign) -> None:
    cosign.sign(subject.called(subject.image), keys.private_path)
    assert sign(subject.store, subject.image, keys.private, CREATED).state == "unchanged"


def test_cosign_s_key_file_signs_here_and_verifies_there(subject: Subject, cosign: Cosign) -> None:
    if not (cosign.home / "theirs.key").exists():
        cosign.generate_key_pair("theirs")
    private = keyfiles.load_private_key(cosign.home / "theirs.key", cosign.password.encode())
    assert private.public_key == keyfiles.load_public_key(cosign.home / "theirs.pub")
    sign(subject.store, subject.image, private, CREATED)
    assert cosign.verify(subject.called(subject.image), cosign.home / "theirs.pub")


def test_cosign_reads_the_public_key_out_of_our_key_file(keys: Keys, cosign: Cosign) -> None:
    assert cosign.run("public-key", "--key", keys.private_path).stdout.encode() == keys.private.public_key.pem


@pytest.mark.parametrize(
    ("made", "flags"),
    [
        (ec.generate_private_key(ec.SECP384R1()), ("--signature-digest-algorithm", "sha384")),
        (ec.generate_private_key(ec.SECP521R1()), ("--signature-digest-algorithm", "sha512")),
        (rsa.generate_private_key(65537, 3072), ()),
        (ed25519.Ed25519PrivateKey.generate(), ()),
    ],
    ids=["p384", "p521", "rsa3072", "ed25519"],
)
def test_cosign_accepts_every_kind_of_key(
    subject: Subject, cosign: Cosign, tmp_path: Path, made: object, flags: tuple[str, ...]
) -> None:
    key = PrivateKey.of(made)
    (tmp_path / "key.pub").write_bytes(key.public_key.pem)
    sign(subject.store, subject.image, key, CREATED)
    assert cosign.verify(subject.called(subject.image), tmp_path / "key.pub", *flags)
    assert bool(cosign.refuses(subject.called(subject.image), tmp_path / "key.pub")) == bool(key.public_key.warnings)


def test_a_signature_in_the_older_format_is_accepted(subject: Subject, keys: Keys, cosign: Cosign) -> None:
    cosign.sign_older(subject.called(subject.image), keys.private_path)
    spec = attach_spec(subject.store, subject.image)
    sign(subject.store, spec, keys.private, CREATED)
    found = verify(subject.store, subject.image, [keys.private.public_key], strict=True)
    assert [one.format for one in found.image_signatures] == [Format.LEGACY]
    # The specification's own signature hides nothing: the image still verifies for everybody.
    assert cosign.verify(subject.called(subject.image), keys.public_path)
    assert cosign.verify(subject.called(spec), keys.public_path)


def test_the_older_format_as_a_referrer_is_accepted(subject: Subject, keys: Keys, cosign: Cosign) -> None:
    mode = ("--registry-referrers-mode", "oci-1-1")
    cosign.sign_older(subject.called(subject.image), keys.private_path, *mode, COSIGN_EXPERIMENTAL="1")
    (found,) = find(subject.store, subject.image, [keys.private.public_key])
    assert (found.format, found.reason) == (Format.LEGACY, "")


def test_a_bundle_hides_the_older_format_from_cosign(subject: Subject, keys: Keys, cosign: Cosign) -> None:
    """Why we refuse to put one there unasked."""
    cosign.sign_older(subject.called(subject.image), keys.private_path)
    assert cosign.verify(subject.called(subject.image), keys.public_path)
    other = keyfiles.load_private_key(keys.stranger.with_suffix(".key"), cosign.password.encode())
    sign(subject.store, subject.image, other, CREATED, force=True)
    assert cosign.refuses(subject.called(subject.image), keys.public_path)
    assert cosign.verify(subject.called(subject.image), keys.public_path, "--new-bundle-format=false")
    # We look at both always.
    assert any(one.counts for one in find(subject.store, subject.image, [keys.private.public_key]))


def test_cosign_takes_an_attestation_for_a_signature_and_we_do_not(
    subject: Subject, keys: Keys, cosign: Cosign
) -> None:
    hang_bundle(
        subject.store, subject.image, attestation(subject.image.digest, keys.private, "https://example.com/scan/v1")
    )
    assert cosign.verify(subject.called(subject.image), keys.public_path)
    (found,) = find(subject.store, subject.image, [keys.private.public_key])
    assert "attestation" in found.reason


def copy(source: str, target: str, *flags: str) -> None:
    """Copy an image with all that hangs on it."""
    subprocess.run([peer("oras"), "cp", "--recursive", *flags, source, target], capture_output=True, check=True)


def test_a_copy_with_its_referrers_verifies(subject: Subject, keys: Keys, cosign: Cosign) -> None:
    publish(subject.store, subject.image, keys.private)
    target = replace(subject, name=f"{subject.name}-copy", store=subject.place.store(f"{subject.name}-copy"))
    copy(
        subject.called(subject.image),
        f"{subject.place.address}/{target.name}:v1",
        "--from-plain-http",
        "--to-plain-http",
    )
    assert verify(target.store, subject.image, [keys.private.public_key], strict=True).content == SPEC_TEXT
    assert cosign.verify(target.called(subject.image), keys.public_path)


def test_what_was_signed_in_a_directory_verifies_in_a_registry(
    subject: Subject, keys: Keys, cosign: Cosign, tmp_path: Path
) -> None:
    layout = empty_layout(tmp_path / "layout")
    image = push_image(layout, "v1", mark="from a directory")
    spec = publish(layout, image, keys.private)
    copy(f"{tmp_path}/layout:v1", f"{subject.place.address}/{subject.name}:v2", "--from-oci-layout", "--to-plain-http")
    for signed in (image, spec):
        assert cosign.verify(subject.called(signed), keys.public_path)
    assert verify(subject.store, image, [keys.private.public_key], strict=True).content == SPEC_TEXT


def test_what_cosign_signed_in_a_registry_verifies_in_a_directory(
    subject: Subject, keys: Keys, cosign: Cosign, tmp_path: Path
) -> None:
    for signed in (subject.image, attach_spec(subject.store, subject.image)):
        cosign.sign(subject.called(signed), keys.private_path)
    copy(subject.called(subject.image), f"{tmp_path}/layout:v1", "--from-plain-http", "--to-oci-layout")
    layout = LayoutStore(tmp_path / "layout")
    assert verify(layout, subject.image, [keys.private.public_key], strict=True).content == SPEC_TEXT


def test_the_wire_notices_a_cosign_that_leaves_the_machine(subject: Subject, keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="tried to reach"), cut_off(tmp_path) as program:
        program.run("verify", "--key", keys.public_path, subject.called(subject.image), check=False)
