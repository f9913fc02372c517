"""A key that never leaves its token: SoftHSM as the token, by PKCS#11, and the real cosign as the verifier."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from pkcs11.util.ec import encode_named_curve_parameters

from compatbuild.errors import SigningError
from compatbuild.registry import referrers
from compatbuild.registry.descriptor import Descriptor
from compatbuild.signing.services import ServiceKey, open_key
from compatbuild.signing.sign import SignOptions, sign
from compatbuild.signing.signatures import Format
from compatbuild.signing.verify import verify
from tests.builders.cosign import Cosign, cut_off
from tests.builders.signing import CREATED, SPEC_TEXT, attach_spec, empty_layout, push_image
from tests.builders.stores import place
from tests.integration.shell import shell
from tests.peers import require

pytestmark = pytest.mark.peer
DRIVER = "/usr/lib/softhsm/libsofthsm2.so"
LABEL, PIN = "the token", "1234"
COUNT = itertools.count()


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A token of SoftHSM's with a P-256 key of number 7; it lies where only this module looks."""
    program = require("softhsm2-util")
    home = tmp_path_factory.mktemp("token")
    (home / "tokens").mkdir()
    configuration = home / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {home}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(configuration))
        patch.setenv("PYKCS11LIB", DRIVER)
        flags = ("--init-token", "--free", "--label", LABEL, "--pin", PIN, "--so-pin", PIN)
        subprocess.run([program, *flags], capture_output=True, check=True)
        _make_key()
        yield configuration


def _make_key() -> None:
    with pkcs11.lib(DRIVER).get_token(token_label=LABEL).open(user_pin=PIN, rw=True) as session:
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC, {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}, local=True
        )
        parameters.generate_keypair(store=True, id=b"\x07", label="key", mechanism=pkcs11.Mechanism.EC_KEY_PAIR_GEN)


@pytest.fixture(scope="module")
def key(token: Path) -> ServiceKey:
    return open_key("hsm:7?label=the+token", lambda _: PIN)


@pytest.fixture(scope="module")
def cosign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cosign]:
    with cut_off(tmp_path_factory.mktemp("cosign")) as program:
        yield program


@pytest.mark.parametrize("form", Format)
def test_cosign_accepts_what_a_token_signs(
    key: ServiceKey, cosign: Cosign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format
) -> None:
    monkeypatch.setattr(referrers, "SETTLE_PAUSE", (0.001, 0.002))
    public = tmp_path / "token.pub"
    public.write_bytes(key.public_key.pem)
    with place("api", tmp_path) as registry:
        store = registry.store("app")
        image = push_image(store, "v1")
        spec = attach_spec(store, image)
        for subject in (image, spec):
            sign(store, subject, key, CREATED, SignOptions((form,)))
            assert cosign.verify(registry.reference("app", subject), public)
        assert verify(store, image, [key.public_key], strict=True).content == SPEC_TEXT


def test_the_command_line_asks_the_token(token: Path, key: ServiceKey, tmp_path: Path) -> None:
    run = shell(tmp_path)
    image: Descriptor = push_image(layout := empty_layout(run.directory / "image"), "v1")
    attach_spec(layout, image)
    there: dict[str, Any] = {"PYKCS11LIB": DRIVER, "SOFTHSM2_CONF": str(token)}
    command = ("sign", "oci-dir:image:v1", "--sign", "kms:hsm:7?label=the+token")
    wrong = run.run(*command, stdin=b"", **{**there, "COSIGN_PASSWORD": "4321"})
    assert wrong.code == 1
    assert "PinIncorrect" in wrong.err
    right = run.run(*command, stdin=b"", **{**there, "COSIGN_PASSWORD": PIN})
    assert right.code == 0, right.err
    (run.directory / "token.pub").write_bytes(key.public_key.pem)
    assert run.run("verify", "oci-dir:image:v1", "--key", "token.pub", "--strict").code == 0


@pytest.mark.parametrize("uri", ["hsm:8?label=the+token", "hsm:7?label=another", "hsm:x"])
def test_a_key_that_is_not_there(token: Path, uri: str) -> None:
    with pytest.raises(SigningError, match="cannot be had"):
        open_key(uri, lambda _: PIN)


def test_a_wrong_pin_signs_nothing(token: Path) -> None:
    key = open_key("hsm:7?label=the+token", lambda _: "4321")
    with pytest.raises(SigningError, match="did not sign"):
        key.sign(b"data")
