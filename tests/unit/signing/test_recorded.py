"""What cosign 3.1.3 wrote (its key file, a signature in each of its two formats), read without cosign."""

import base64
import json
from pathlib import Path

from compatbuild.signing import bundle, keyfiles, legacy, statement
from compatbuild.signing.dsse import pae

RECORDED = Path(__file__).parent / "recorded"
PASSWORD = b"recorded"
IMAGE = "sha256:bd14dd0c4f7c81a421a70bb84fb74586bbddafeaa9a69c9c63061feccdc7673e"
LEGACY_IMAGE = "sha256:500195ad2ab2a1cef817be494c94ed5d0c778209decbc3cbc4af0f1fbad03bdb"


def test_the_key_file_opens_and_is_the_public_key_s_other_half() -> None:
    private = keyfiles.load_private_key(RECORDED / "cosign.key", PASSWORD)
    public = keyfiles.load_public_key(RECORDED / "cosign.pub")
    assert private.public_key == public
    assert public.verifies(private.sign(b"data"), b"data")
    assert public.pem == (RECORDED / "cosign.pub").read_bytes()


def test_the_bundle_holds() -> None:
    raw = (RECORDED / "bundle.json").read_bytes()
    public = keyfiles.load_public_key(RECORDED / "cosign.pub")
    read = bundle.parse(raw)
    assert read.signed_by(public)
    assert statement.parse(read.payload) == statement.Statement(statement.SIGN, frozenset({IMAGE}))
    assert json.loads(raw)["verificationMaterial"]["publicKey"]["hint"] == public.hint


def test_the_bundle_does_not_hold_when_one_bit_of_the_payload_differs() -> None:
    read = bundle.parse((RECORDED / "bundle.json").read_bytes())
    public = keyfiles.load_public_key(RECORDED / "cosign.pub")
    for place in range(len(read.payload)):
        payload = bytearray(read.payload)
        payload[place] ^= 1
        assert not public.verifies(read.signature, pae(read.payload_type, bytes(payload)))


def test_the_legacy_signature_holds() -> None:
    payload = (RECORDED / "legacy-payload.json").read_bytes()
    signature = base64.b64decode((RECORDED / "legacy-signature.txt").read_text())
    assert legacy.parse(payload).digest == LEGACY_IMAGE
    assert keyfiles.load_public_key(RECORDED / "cosign.pub").verifies(signature, payload)
