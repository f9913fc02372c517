"""Formats and annotations, with the real cosign: both formats, annotations, attestations, images signed the older way."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compatbuild.errors import SigningError, VerificationError
from compatbuild.registry import referrers
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.store import Store
from compatbuild.signing import attestation, keyfiles, keys
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.sign import SignOptions, attest, sign
from compatbuild.signing.signatures import Format, find
from compatbuild.signing.verify import examine, verify
from tests.builders.cosign import Cosign, cut_off
from tests.builders.signing import CREATED, LATER, SPEC_TEXT, attach_spec, push_image
from tests.builders.stores import REGISTRIES, Place, place
from tests.integration.shell import Shell, shell

pytestmark = pytest.mark.peer
COUNT = itertools.count()  # of repositories: one a test
BOTH = (Format.BUNDLE, Format.LEGACY)
LEGACY = SignOptions((Format.LEGACY,))


@dataclass(frozen=True)
class Subject:
    """An image in a repository of its own, and the author's keys."""

    place: Place
    name: str
    store: Store
    image: Descriptor
    private: PrivateKey
    private_path: Path
    public_path: Path
    stranger: Path

    def called(self, descriptor: Descriptor) -> str:
        return self.place.reference(self.name, descriptor)


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
        program.generate_key_pair()
        program.generate_key_pair("stranger")
        yield program


@pytest.fixture
def subject(registry: Place, cosign: Cosign) -> Subject:
    name = f"test-{next(COUNT)}"
    store, home = registry.store(name), cosign.home
    private = keyfiles.load_private_key(home / "cosign.key", cosign.password.encode())
    image = push_image(store, "v1")
    return Subject(
        registry, name, store, image, private, home / "cosign.key", home / "cosign.pub", home / "stranger.pub"
    )


def test_both_formats_at_once(subject: Subject, cosign: Cosign) -> None:
    first = sign(subject.store, subject.image, subject.private, CREATED, SignOptions(BOTH))
    assert {one.format: one.state for one in first} == dict.fromkeys(BOTH, "created")
    reference = subject.called(subject.image)
    for flags in ((), ("--new-bundle-format=false",)):
        assert len(cosign.verify(reference, subject.public_path, *flags)) == 1
        assert cosign.refuses(reference, subject.stranger, *flags)
    again = sign(subject.store, subject.image, subject.private, LATER, SignOptions(BOTH))
    assert {one.format: one.state for one in again} == dict.fromkeys(BOTH, "unchanged")
    assert sorted(one.descriptor.digest for one in again) == sorted(one.descriptor.digest for one in first)


def test_a_signature_in_the_older_format_joins_those_that_are_there(subject: Subject, cosign: Cosign) -> None:
    reference = subject.called(subject.image)
    cosign.sign_older(reference, cosign.home / "stranger.key")
    sign(subject.store, subject.image, subject.private, CREATED, LEGACY)
    cosign.sign_older(reference, cosign.home / "stranger.key", "-a", "again=yes")
    for key in (subject.public_path, subject.stranger):
        assert cosign.verify(reference, key)
    assert len(find(subject.store, subject.image, [subject.private.public_key])) == 3


def test_several_signers_of_the_older_format_at_once_all_remain(subject: Subject) -> None:
    signers = [keys.generate() for _ in range(5)]
    stores = [subject.place.store(subject.name) for _ in signers]
    threads = [
        threading.Thread(target=sign, args=(store, subject.image, key, CREATED, LEGACY))
        for store, key in zip(stores, signers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    fresh = subject.place.store(subject.name)
    assert [any(one.counts for one in find(fresh, subject.image, [key.public_key])) for key in signers] == [True] * 5


@pytest.mark.parametrize("form", BOTH)
def test_cosign_demands_the_annotations_we_sign(subject: Subject, cosign: Cosign, form: Format) -> None:
    options = SignOptions((form,), {"build": "17", "team": "ümlaut <&>"})
    sign(subject.store, subject.image, subject.private, CREATED, options)
    reference = subject.called(subject.image)
    assert cosign.verify(reference, subject.public_path, "-a", "build=17", "-a", "team=ümlaut <&>")
    assert cosign.refuses(reference, subject.public_path, "-a", "build=18")


@pytest.mark.parametrize("form", BOTH)
def test_we_demand_the_annotations_cosign_signs(subject: Subject, cosign: Cosign, form: Format) -> None:
    for signed in (subject.image, attach_spec(subject.store, subject.image)):
        (cosign.sign if form is Format.BUNDLE else cosign.sign_older)(
            subject.called(signed), subject.private_path, "-a", "build=17"
        )
    trusted = [subject.private.public_key]
    assert verify(subject.store, subject.image, trusted, annotations={"build": "17"}).content == SPEC_TEXT
    with pytest.raises(VerificationError) as caught:
        verify(subject.store, subject.image, trusted, annotations={"build": "18"})
    assert "it does not carry the annotation build=18" in caught.value.why


def test_other_annotations_are_another_signature(subject: Subject) -> None:
    def state(**annotations: str) -> str:
        options = SignOptions(annotations=annotations)
        return sign(subject.store, subject.image, subject.private, CREATED, options)[0].state

    assert [state(build="1"), state(build="1"), state(), state(build="2")] == [
        "created",
        "unchanged",
        "unchanged",
        "created",
    ]


def attest_spec(subject: Subject, options: SignOptions | None = None) -> str:
    spec = attach_spec(subject.store, subject.image)
    examined = examine(subject.store, subject.image, [subject.private.public_key])
    candidate = next(one.candidate for one in examined.candidates if one.descriptor.digest == spec.digest)
    said = attestation.build(subject.store.repository, subject.image.digest, candidate, SPEC_TEXT)
    return attest(subject.store, subject.image, subject.private, CREATED, said=said, options=options).state


def test_cosign_verifies_our_attestation_of_the_specification(subject: Subject, cosign: Cosign) -> None:
    sign(subject.store, subject.image, subject.private, CREATED)
    assert [attest_spec(subject), attest_spec(subject)] == ["created", "unchanged"]
    flags = ("--insecure-ignore-tlog", "--type", attestation.PREDICATE_TYPE)
    reference = subject.called(subject.image)
    done = cosign.run("verify-attestation", "--key", subject.public_path, *flags, reference)
    assert attestation.PREDICATE_TYPE in done.stderr + done.stdout or json.loads(done.stdout.splitlines()[0])
    flags = ("--insecure-ignore-tlog", "--type", "https://slsa.dev/provenance/v1")
    assert cosign.run("verify-attestation", "--key", subject.public_path, *flags, reference, check=False).returncode
    assert cosign.verify(reference, subject.public_path)


def test_an_attestation_is_refused_where_it_would_pass_for_a_signature(subject: Subject, cosign: Cosign) -> None:
    with pytest.raises(SigningError, match="gets no attestation"):
        attest_spec(subject)
    cosign.sign_older(subject.called(subject.image), subject.private_path)
    with pytest.raises(SigningError, match="gets no attestation"):
        attest_spec(subject)
    assert cosign.verify(subject.called(subject.image), subject.public_path)
    assert attest_spec(subject, SignOptions(force=True)) == "created"


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


@pytest.mark.parametrize("signer", ["author", "somebody else"])
def test_an_image_signed_the_older_way_still_verifies_after_we_publish_to_it(
    subject: Subject, cosign: Cosign, run: Shell, signer: str
) -> None:
    """The author's own signature is enough; over somebody else's we refuse, and leave it as it was."""
    reference = f"{subject.place.address}/{subject.name}:v1"
    key = subject.public_path if signer == "author" else subject.stranger
    cosign.sign_older(subject.called(subject.image), key.with_suffix(".key"))
    (run.directory / "spec.yaml").write_bytes(VALID)
    run.ok("attach", reference, "spec.yaml")
    ended = run.run("sign", reference, "--sign", f"key:{subject.private_path}", COSIGN_PASSWORD=cosign.password)
    assert cosign.verify(subject.called(subject.image), key)
    if signer == "author":
        assert ended.code == 0
        assert "unchanged  signature of the image, found by the tag of cosign's older format" in ended.out
        assert run.run("verify", reference, "--key", subject.public_path, "--strict").code == 0
    else:
        assert ended.code == 1
        assert "signed in cosign's older format only" in ended.err
        signed = run.run(
            "sign",
            reference,
            "--sign",
            f"key:{subject.private_path}",
            "--signature-format",
            "legacy",
            COSIGN_PASSWORD=cosign.password,
        )
        assert signed.code == 0, signed.err
        for public in (key, subject.public_path):
            assert cosign.verify(subject.called(subject.image), public)


VALID = b"""version: "v1alpha1"
compatibilities:
  - tag: "required"
    rules:
      - name: "required"
        matchFeatures:
          - feature: "cpu.cpuid"
            matchExpressions:
              AVX2: {op: "Exists"}
"""
