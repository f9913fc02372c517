"""The verdict, with everything that was looked at and why it counts or does not."""

import json

from compatbuild.registry.candidates import Candidate
from compatbuild.report.documents import to_json
from compatbuild.report.verification import as_table, as_value
from compatbuild.signing.signatures import Format, Signature
from compatbuild.signing.standing import Judged, Standing
from compatbuild.signing.verify import Examination, Verdict, Verified
from tests.unit.report.building import DIGEST, HOSTILE, OTHER, descriptor, harmless


def verified(reason: str = "it has no signature") -> Verdict:
    good = Candidate(descriptor(OTHER), layer=descriptor())
    candidates = (
        Judged(good, Standing.IN_FORCE, "the newest that is signed"),
        Judged(Candidate(descriptor()), Standing.UNSIGNED, reason),
    )
    signature = Signature(Format.BUNDLE, descriptor(OTHER), reason=reason)
    found = Examination(descriptor(), (signature,), candidates, None)
    return Verdict(found, Verified(found, good, b"", (reason,)))


def test_what_was_verified_and_how_each_stands() -> None:
    assert as_table([verified()]) == (
        f"verified       {DIGEST}\n"
        f"specification  {OTHER}\n"
        "\n"
        "KIND           ARTIFACT             STANDING  REASON\n"
        "signature      sha256:fedcba987654  not used  it has no signature\n"
        "specification  sha256:fedcba987654  in force  the newest that is signed\n"
        "specification  sha256:0123456789ab  unsigned  it has no signature\n"
    )


def test_one_paragraph_a_manifest() -> None:
    assert as_table([verified(), verified()]).count("\n\nKIND") == 2


def test_reasons_do_no_harm() -> None:
    assert harmless(as_table([verified(HOSTILE)]))
    assert harmless(to_json(as_value(HOSTILE, [verified(HOSTILE)])))


def test_the_same_for_programs() -> None:
    value = json.loads(to_json(as_value("app:v1", [verified()])))
    assert list(value) == ["schema", "reference", "verified", "refused"]
    assert (value["schema"], value["reference"]) == ("compatbuild.verification/v1", "app:v1")
    (one,) = value["verified"]
    assert one["spec"] == OTHER
    assert one["subject"] == DIGEST
    assert [row["standing"] for row in one["candidates"]] == ["in force", "unsigned"]
