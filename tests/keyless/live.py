"""Keyless signing from end to end, against real services: ``make keyless`` builds and runs them, cut off from the world.

With ``COMPATBUILD_RECORD=DIRECTORY`` what was signed is kept there, for the tests that run without services.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compatbuild.registry.descriptor import Descriptor, Manifest
from compatbuild.registry.store import Store
from compatbuild.signing import bundle, keyfiles
from tests.builders.cosign import Cosign, cut_off
from tests.builders.signing import push_image
from tests.builders.stores import REGISTRIES, Place, place
from tests.integration.shell import PASSWORD, Ended, Shell, shell
from tests.keyless.stack import IDENTITY, Stack, stack

pytestmark = pytest.mark.peer
SPEC = b"""version: "v1alpha1"
compatibilities:
  - tag: "required"
    rules:
      - name: "required"
        matchFeatures:
          - feature: "cpu.cpuid"
            matchExpressions:
              AVX2: {op: "Exists"}
"""


@pytest.fixture(scope="module")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cosign]:
    with cut_off(tmp_path_factory.mktemp("cosign")) as program:
        yield program


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory, cosign: Cosign) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("services"), cosign) as running:
        yield running


@pytest.fixture(scope="module", params=REGISTRIES)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("registry")) as running:
        yield running


@dataclass(frozen=True)
class Work:
    """An image with a specification, and a shell to sign and verify it in."""

    run: Shell
    registry: Place
    services: Stack
    name: str
    store: Store
    image: Descriptor

    @property
    def reference(self) -> str:
        return f"{self.registry.address}/{self.name}:v1"

    @property
    def named(self) -> tuple[str, ...]:
        return ("--identity", IDENTITY, "--issuer", f"{self.services.issuer}/github")

    def sign(self, *flags: str | Path) -> Ended:
        root = ("--signing-config", self.services.signing_config, "--trusted-root", self.services.trusted_root)
        return self.run.run(
            "sign", self.reference, "--sign", "keyless", *root, *flags, stdin=b"", **self.services.github()
        )

    def verify(self, *flags: str | Path) -> Ended:
        return self.run.run("verify", self.reference, "--trusted-root", self.services.trusted_root, *flags)

    def spec(self) -> Descriptor:
        (row,) = json.loads(self.run.ok("attach", self.reference, "spec.yaml", "-o", "json"))["attached"]
        return self.store.manifest(row["digest"]).descriptor


@pytest.fixture
def work(registry: Place, services: Stack, tmp_path: Path, request: pytest.FixtureRequest) -> Work:
    name = "".join(filter(str.isalnum, request.node.name.partition("[")[0])).lower()
    store = registry.store(name)
    made = Work(shell(tmp_path), registry, services, name, store, push_image(store, "v1"))
    (made.run.directory / "spec.yaml").write_bytes(SPEC)
    made.spec()
    return made


def cosign_verifies(cosign: Cosign, work: Work, subject: Descriptor, *flags: str) -> bool:
    reference = work.registry.reference(work.name, subject)
    root = ("--trusted-root", work.services.trusted_root)
    done = cosign.run("verify", "--use-signed-timestamps", *root, *flags, reference, check=False)
    return done.returncode == 0


def certificate(identity: str, issuer: str) -> tuple[str, ...]:
    return ("--certificate-identity", identity, "--certificate-oidc-issuer", issuer)


def test_signed_in_a_workflow_and_verified_by_everybody(work: Work, cosign: Cosign) -> None:
    signed = work.sign("-o", "json")
    assert signed.code == 0, signed.err
    assert [row["state"] for row in signed.value["signed"]] == ["created", "created"]
    issuer = f"{work.services.issuer}/github"
    for subject in (work.image, work.spec()):
        assert cosign_verifies(cosign, work, subject, *certificate(IDENTITY, issuer))
        assert not cosign_verifies(cosign, work, subject, *certificate(f"{IDENTITY}s", issuer))
        assert not cosign_verifies(cosign, work, subject, *certificate(IDENTITY, f"{issuer}s"))
    verified = work.verify(*work.named, "--strict", "-o", "json")
    assert verified.code == 0, verified.err
    (one,) = verified.value["verified"]
    assert one["notes"] == []  # it is in a log, so nothing has to be said about that
    (signature,) = one["image_signatures"]
    assert (signature["identity"], signature["issuer"]) == (IDENTITY, issuer)
    assert signature["logged"] is True
    assert signature["time"]
    record(work)


def test_signing_again_changes_nothing(work: Work) -> None:
    assert work.sign().code == 0
    again = work.sign("-o", "json")
    assert {row["state"] for row in again.value["signed"]} == {"unchanged"}


def test_another_identity_or_issuer_is_refused(work: Work) -> None:
    assert work.sign().code == 0
    issuer = f"{work.services.issuer}/github"
    assert work.verify("--identity", IDENTITY, "--issuer", f"{work.services.issuer}/gitlab").code == 13
    other = work.verify("--identity", "https://github.com/evil/app", "--issuer", issuer)
    assert other.code == 13
    assert f"it says it was made by '{IDENTITY}'" in other.err
    assert work.verify("--identity", IDENTITY).code == 2
    assert work.verify("--issuer", issuer).code == 2


def test_patterns(work: Work, cosign: Cosign) -> None:
    assert work.sign().code == 0
    for pattern, code in ((r"^https://github\.com/example/", 0), (r"^https://github\.com/other/", 13)):
        flags = ("--identity-regexp", pattern, "--issuer-regexp", r"^http://127\.0\.0\.1:\d+/github$")
        assert work.verify(*flags).code == code
        theirs = ("--certificate-identity-regexp", pattern, "--certificate-oidc-issuer-regexp", flags[-1])
        assert cosign_verifies(cosign, work, work.image, *theirs) == (code == 0)


def test_the_token_of_another_ci_system(work: Work) -> None:
    root = ("--signing-config", work.services.signing_config, "--trusted-root", work.services.trusted_root)
    token = work.services.standin.token("gitlab")
    signed = work.run.run(
        "sign", work.reference, "--sign", "keyless", *root, stdin=b"", GITLAB_CI="true", SIGSTORE_ID_TOKEN=token
    )
    assert signed.code == 0, signed.err
    assert token not in signed.out + signed.err
    identity = "https://gitlab.com/example/app//.gitlab-ci.yml@refs/heads/main"
    assert work.verify("--identity", identity, "--issuer", f"{work.services.issuer}/gitlab").code == 0


def test_what_cosign_signs_keyless_we_accept(work: Work, cosign: Cosign) -> None:
    root = ("--signing-config", work.services.signing_config, "--trusted-root", work.services.trusted_root)
    for subject in (work.image, work.spec()):
        token = work.services.standin.token("github")
        cosign.run("sign", "-y", "--identity-token", token, *root, work.registry.reference(work.name, subject))
    verified = work.verify(*work.named, "--strict")
    assert verified.code == 0, verified.err


def test_a_key_with_a_time_stamp_and_a_log_entry(work: Work, cosign: Cosign) -> None:
    pair = keyfiles.write_pair(work.run.directory / "k.key", work.run.directory / "k.pub", PASSWORD.encode())
    witnesses = ("--timestamp-url", work.services.tsa, "--rekor-url", work.services.rekor)
    work.run.ok("sign", work.reference, "--sign", "key:k.key", *witnesses)
    reference = work.registry.reference(work.name, work.image)
    root = ("--trusted-root", work.services.trusted_root)
    for flags in (
        ("--insecure-ignore-tlog",),
        root,
        ("--insecure-ignore-tlog", "--use-signed-timestamps", *root),
        ("--use-signed-timestamps", *root),
    ):
        cosign.run("verify", "--key", pair.public_path, *flags, reference)
    assert work.run.run("verify", work.reference, "--key", "k.pub", "--strict").code == 0


def test_the_time_that_is_vouched_for_bounds_how_old_a_specification_may_be(work: Work) -> None:
    assert work.sign().code == 0
    assert work.verify(*work.named, "--not-before", "2020-01-01").code == 0
    late = work.verify(*work.named, "--not-before", "2090-01-01")
    assert late.code == 13
    assert "too old" in late.err


def test_the_policy_of_the_project(work: Work) -> None:
    policy = {"identity": IDENTITY, "issuer": f"{work.services.issuer}/github"}
    settings = {"verify": {"identities": [policy], "trusted_root": str(work.services.trusted_root)}}
    (work.run.directory / ".compatbuild.yaml").write_text(json.dumps(settings))
    assert work.sign().code == 0
    assert work.run.run("verify", work.reference).code == 0
    checked = work.run.run("check", work.reference, "--os", "rhel-9")
    assert "signed as demanded" in checked.err
    settings["verify"]["identities"] = [policy | {"identity": "https://github.com/other"}]
    (work.run.directory / ".compatbuild.yaml").write_text(json.dumps(settings))
    assert work.run.run("verify", work.reference).code == 13
    assert work.run.run("check", work.reference, "--os", "rhel-9").code == 13


def record(work: Work) -> None:
    """Keep the bundle on the image, and the roots of trust, where somebody asked for that."""
    directory = os.environ.get("COMPATBUILD_RECORD")
    if not directory or work.registry.kind != "api":
        return
    carriers = [one for one in work.store.referrers(work.image.digest) if one.artifact_type == bundle.MEDIA_TYPE]
    manifest = work.store.manifest(carriers[0].digest).parse()
    assert isinstance(manifest, Manifest)
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    (target / "bundle.json").write_bytes(work.store.blob(manifest.layers[0], bundle.LIMIT))
    shutil.copy(work.services.trusted_root, target / "trusted-root.json")
    (target / "about.json").write_text(
        json.dumps({"image": work.image.digest, "identity": IDENTITY, "issuer": f"{work.services.issuer}/github"})
    )
