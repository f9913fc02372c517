"""Key pairs: files that are never overwritten, a password from the environment or from a prompt that shows nothing."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from compatbuild.signing import keyfiles
from tests.unit.cli.conftest import ON_A_TERMINAL, ROOT, Cli


def test_a_pair_is_written_once(cli: Cli) -> None:
    result = cli("key", "generate", "-o", "release")
    assert (result.code, result.out) == (0, "")
    assert stat.S_IMODE(Path("release.key").stat().st_mode) == 0o600
    before = Path("release.key").read_bytes()
    again = cli("key", "generate", "-o", "release")
    assert again.code == 1
    assert "release.key exists already" in again.err
    assert Path("release.key").read_bytes() == before
    Path("release.key").unlink()
    assert cli("key", "generate", "-o", "release").code == 1  # the public half is there
    assert not Path("release.key").exists()


def test_a_wrong_password_is_told_and_never_shown(
    cli: Cli, image: str, keys: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("publish", image)
    monkeypatch.setenv("COSIGN_PASSWORD", "no-such-secret")
    result = cli("sign", image, "--sign", f"key:{keys[0]}")
    assert result.code == 1
    assert "the password does not open the key file" in result.err
    assert "no-such-secret" not in result.err


def test_what_is_no_key_is_told(cli: Cli, image: str, keys: tuple[Path, Path]) -> None:
    private, public = keys
    Path("text").write_text("text")
    for arguments in (
        ["verify", image, "--key", private],
        ["verify", image, "--key", "text"],
        ["verify", image, "--key", "none.pub"],
        ["publish", image, "--sign", f"key:{public}"],
        ["publish", image, "--sign", "key:none.key"],
    ):
        result = cli(*arguments)
        assert result.code in {1, 3}
        assert (result.out, len(result.err.splitlines())) == ("", 3)
    assert cli("show", image).code == 3


@pytest.mark.parametrize("arguments", [["key", "generate", "-o", "mine"], ["sign", "oci-dir:image:v1"]], ids=" ".join)
def test_where_nobody_can_be_asked_the_password_must_be_set(
    cli: Cli, image: str, keys: tuple[Path, Path], arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPATBUILD_SIGN", f"key:{keys[0]}")
    monkeypatch.delenv("COSIGN_PASSWORD")
    result = cli(*arguments, stdin=b"a secret\na secret\n")
    assert (result.code, result.out) == (2, "")
    assert "COSIGN_PASSWORD is not set, and there is no terminal to ask at" in result.err
    assert not Path("mine.key").exists()


def test_a_key_without_a_password_asks_for_none(cli: Cli, image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    Path("plain.pem").write_bytes(plain)
    monkeypatch.delenv("COSIGN_PASSWORD")
    assert cli("publish", image, "--sign", "key:plain.pem").code == 0


class Terminal:
    """A program on a terminal of its own, as a person uses it."""

    def __init__(self, *command: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "COSIGN_PASSWORD"}
        self.shown = b""
        self.process = subprocess.Popen(
            [sys.executable, "-c", ON_A_TERMINAL, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**environment, "PYTHONPATH": str(ROOT)},
        )

    def answer(self, prompt: bytes, text: bytes) -> None:
        """Wait for a prompt, then type a line."""
        assert self.process.stdout is not None
        assert self.process.stdin is not None
        while not self.shown.endswith(prompt):
            byte = self.process.stdout.read(1)
            assert byte, self.shown
            self.shown += byte
        self.process.stdin.write(text + b"\n")
        self.process.stdin.flush()

    def end(self) -> int:
        self.shown += self.process.communicate()[0]
        return self.process.returncode


def test_the_password_is_asked_for_twice_and_not_shown(elsewhere: Path) -> None:
    terminal = Terminal(sys.executable, "-m", "compatbuild", "key", "generate")
    terminal.answer(b"Password for the private key: ", b"secret-of-mine")
    terminal.answer(b"Repeat for confirmation: ", b"secret-of-mine")
    assert terminal.end() == 0
    assert b"secret-of-mine" not in terminal.shown
    assert keyfiles.load_private_key(Path("cosign.key"), b"secret-of-mine").public_key == keyfiles.load_public_key(
        Path("cosign.pub")
    )
