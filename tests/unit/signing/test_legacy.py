import json
from typing import Any

import pytest

from compatbuild.errors import VerificationError
from compatbuild.registry.descriptor import Descriptor
from compatbuild.signing import legacy

DIGEST = "sha256:" + "ab" * 32
# As 'cosign sign --new-bundle-format=false' of version 3.1.3 wrote it.
PAYLOAD = (
    '{"critical":{"identity":{"docker-reference":"127.0.0.1:5000/app"},"image":{"docker-manifest-digest":"'
    + DIGEST
    + '"},"type":"cosign container image signature"},"optional":null}'
)


def layer(signature: str | None = "AAAA", media_type: str = legacy.MEDIA_TYPE) -> Descriptor:
    annotations = {} if signature is None else {legacy.SIGNATURE: signature}
    return Descriptor(media_type, DIGEST, len(PAYLOAD), annotations=annotations)


def test_the_tag_is_not_the_one_of_the_referrers() -> None:
    assert legacy.tag(DIGEST) == f"sha256-{'ab' * 32}.sig"


def test_the_payload_names_the_image() -> None:
    assert legacy.parse(PAYLOAD.encode()).digest == DIGEST


def changed(**changes: Any) -> bytes:
    document = json.loads(PAYLOAD)
    document["critical"] |= changes
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        changed(type="atomic container signature"),
        changed(type=None),
        changed(image={}),
        changed(image={"docker-manifest-digest": 5}),
        PAYLOAD.replace('"image":', '"image":{},"image":').encode(),
    ],
)
def test_any_other_text_is_no_payload(payload: bytes) -> None:
    with pytest.raises(VerificationError, match="not cosign's payload") as caught:
        legacy.parse(payload)
    assert caught.value.why


def test_the_signature_is_in_an_annotation() -> None:
    assert legacy.signature(layer("AQID")) == b"\x01\x02\x03"


@pytest.mark.parametrize(
    "other",
    [layer(None), layer(""), layer("AQI"), layer("é"), layer("A" * 4096), layer(media_type="text/plain\x1b[31m")],
    ids=["none", "empty", "cut", "letters", "long", "type"],
)
def test_a_layer_without_a_signature_is_refused(other: Descriptor) -> None:
    with pytest.raises(VerificationError, match="no signature") as caught:
        legacy.signature(other)
    assert caught.value.why.isprintable()
