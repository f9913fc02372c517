"""Whom a verifier trusts and what it demands: options, the settings of the project, and which of them counts."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from compatbuild.signing import keyfiles
from tests.unit.cli.conftest import Cli

ISSUER = "https://token.actions.githubusercontent.com"


@pytest.fixture
def published(cli: Cli, image: str, keys: tuple[Path, Path]) -> str:
    private, _ = keys
    assert cli("publish", image, "--sign", f"key:{private}", "-a", "channel=stable").code == 0
    return image


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    return keyfiles.write_pair(tmp_path / "stranger.key", tmp_path / "stranger.pub", b"").public_path


def settings(**verify: object) -> None:
    Path(".compatbuild.yaml").write_text(json.dumps({"verify": verify}))


def test_any_of_several_keys_will_do(cli: Cli, published: str, keys: tuple[Path, Path], stranger: Path) -> None:
    assert cli("verify", published, "--key", stranger).code == 13
    assert cli("verify", published, "--key", stranger, "--key", keys[1]).code == 0
    settings(keys=[str(stranger), str(keys[1])])
    assert cli("verify", published).code == 0


def test_the_policy_of_the_project_counts_until_somebody_is_named(
    cli: Cli, published: str, keys: tuple[Path, Path], stranger: Path
) -> None:
    settings(key=str(stranger))
    assert cli("verify", published).code == 13
    assert cli("verify", published, "--key", keys[1]).code == 0
    assert cli("verify", published, "--identity", "me", "--issuer", ISSUER).code == 13


def test_check_verifies_first_where_there_is_a_policy(
    cli: Cli, published: str, keys: tuple[Path, Path], stranger: Path
) -> None:
    assert "signature not looked at" in cli("check", published, "--os", "rhel-9").err
    settings(key=str(stranger))
    assert cli("check", published, "--os", "rhel-9").code == 13
    assert cli("check", published, "--os", "rhel-9", "--key", keys[1]).code in {0, 10}


def test_what_is_published_has_to_pass_the_policy(
    cli: Cli, image: str, keys: tuple[Path, Path], stranger: Path
) -> None:
    settings(key=str(stranger))
    assert cli("publish", image, "--sign", f"key:{keys[0]}").code == 13
    settings(key=str(keys[1]), annotations={"channel": "stable"})
    assert cli("publish", image, "--sign", f"key:{keys[0]}").code == 13
    assert cli("publish", image, "--sign", f"key:{keys[0]}", "-a", "channel=stable").code == 0
    assert cli("publish", image).code == 0  # nothing was signed, so nothing is promised


def test_annotations_are_demanded(cli: Cli, published: str, keys: tuple[Path, Path]) -> None:
    assert cli("verify", published, "--key", keys[1], "-a", "channel=stable").code == 0
    refused = cli("verify", published, "--key", keys[1], "-a", "channel=beta")
    assert refused.code == 13
    assert "it does not carry the annotation channel=beta" in refused.err
    settings(key=str(keys[1]), annotations={"channel": "beta"})
    assert cli("verify", published).code == 13
    assert cli("verify", published, "-a", "channel=stable").code == 0


@pytest.mark.parametrize("typed", ["channel", "=stable", "channel=a -a channel=b"])
def test_an_annotation_that_is_none(cli: Cli, published: str, keys: tuple[Path, Path], typed: str) -> None:
    assert cli("verify", published, "--key", keys[1], "-a", *typed.split()).code == 2


@pytest.mark.parametrize(
    ("date", "code"),
    [
        ("2020-01-01", 0),
        ("2090-01-01", 13),
        ("2090-01-01T00:00:00Z", 13),
        ("2090-01-01T00:00:00+02:00", 13),
        ("2090-01-01T00:00:00", 2),
        ("yesterday", 2),
    ],
)
def test_not_before(cli: Cli, published: str, keys: tuple[Path, Path], date: str, code: int) -> None:
    assert cli("verify", published, "--key", keys[1], "--not-before", date).code == code


def test_a_refusal_shows_every_candidate_too(cli: Cli, published: str, keys: tuple[Path, Path], stranger: Path) -> None:
    table = cli("verify", published, "--key", stranger)
    assert table.code == 13
    assert "not verified " in table.out
    assert "made by none of the given keys" in table.out
    assert "foreign" in table.out
    value = cli("verify", published, "--key", stranger, "-o", "json").value
    assert value["verified"] == []
    (refused,) = value["refused"]
    assert refused["error"]["exit_code"] == 13
    assert [row["standing"] for row in refused["candidates"]] == ["foreign"]
    assert cli("verify", published, "--key", stranger, "-o", "spec").out == ""


@pytest.mark.parametrize(
    "flags",
    [
        ("--identity", "me"),
        ("--issuer", ISSUER),
        ("--identity-regexp", "me"),
        ("--identity", "me", "--identity-regexp", "me", "--issuer", ISSUER),
        ("--identity-regexp", "(", "--issuer", ISSUER),
    ],
)
def test_never_a_bare_certificate(cli: Cli, published: str, flags: tuple[str, ...]) -> None:
    assert cli("verify", published, *flags).code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("verify: {keyz: [a.pub]}", "unknown key `keyz`"),
        ("verify:\n  identities:\n  - {identity: me, isuer: x}", "unknown key `isuer`"),
        ("verify: {not_before: tomorrow}", "not_before"),
        ("verify: {strict: maybe}", "strict"),
        ("sign: kms", "sign"),
        ("sign: 'keyless:me'", "sign"),
    ],
)
def test_a_policy_is_read_strictly(cli: Cli, published: str, text: str, said: str) -> None:
    Path(".compatbuild.yaml").write_text(text)
    result = cli("verify", published)
    assert result.code == 2
    assert said in result.err


def test_an_identity_in_the_settings_needs_its_issuer(cli: Cli, published: str) -> None:
    settings(identities=[{"identity": "me"}])
    assert cli("verify", published).code == 2


def test_strict_in_the_settings(cli: Cli, published: str, keys: tuple[Path, Path]) -> None:
    Path("other.yaml").write_text(cli("pull", published).out.replace('"required"', '"other"'))
    assert cli("attach", published, "other.yaml").code == 0
    settings(key=str(keys[1]))
    assert cli("verify", published).code == 0
    settings(key=str(keys[1]), strict="true")
    assert cli("verify", published).code == 13


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--signature-format", "pgp"), "no signature format"),
        (("--timestamp-url", "tsa.example"), "no address of a service"),
        (("--rekor-url", "file:///etc/passwd"), "no address of a service"),
        (("-a", "x"), "is no annotation"),
        (("-a", "x=" + "y" * 5000), "too long"),
    ],
)
def test_ways_to_sign_that_there_are_not(
    cli: Cli, image: str, keys: tuple[Path, Path], flags: tuple[str, ...], said: str
) -> None:
    result = cli("publish", image, "--sign", f"key:{keys[0]}", *flags)
    assert result.code == 2
    assert said in result.err


def test_both_formats_and_an_attestation(cli: Cli, image: str, keys: tuple[Path, Path]) -> None:
    command = ("publish", image, "--sign", f"key:{keys[0]}", "--signature-format", "both", "--attest", "-o", "json")
    made = cli(*command).value["published"]
    assert [row["what"] for row in made][-5:] == [
        "signature of the specification",
        "signature of the specification",
        "signature of the image",
        "signature of the image",
        "attestation of the image",
    ]
    assert cli(*command).value["changed"] is False
    (one,) = cli("verify", image, "--key", keys[1], "--strict", "-o", "json").value["verified"]
    assert sorted((row["format"], row["counts"]) for row in one["image_signatures"]) == [
        ("bundle", False),  # the attestation, which is no signature
        ("bundle", True),
        ("legacy", True),
    ]


def test_a_key_that_cosign_verifies_with_a_flag_only_is_told_when_signing(cli: Cli, image: str) -> None:
    pem = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    Path("p384.pem").write_bytes(pem)
    result = cli("publish", image, "--sign", "key:p384.pem")
    assert result.code == 0
    assert "warning: 'cosign verify' refuses signatures of a P-384 key without" in result.err
