"""The bytes a DSSE signature covers (secure-systems-lab/dsse, protocol.md, version 1.0.2)."""

PAYLOAD_TYPE = "application/vnd.in-toto+json"  # in-toto attestation framework, spec/v1/envelope.md


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: what is signed, so that type and payload cannot be shifted.

    Lengths are those of the UTF-8 bytes, in decimal.
    """
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
