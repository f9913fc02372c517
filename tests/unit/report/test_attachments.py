"""The tree of what is attached to an image."""

from compatbuild.registry.artifact import CREATED, REPORT, SPEC
from compatbuild.registry.candidates import Referrer
from compatbuild.registry.overview import Attachment, Overview
from compatbuild.registry.platform import Platform
from compatbuild.registry.subject import Subject
from compatbuild.report.attachments import as_tree, as_value
from tests.unit.report.building import DIGEST, HOSTILE, OTHER, descriptor, harmless

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
IMAGE = Subject(descriptor(), is_index=False)


def attachment(*inner: Attachment, kind: str = SPEC.artifact_type, rejected: str = "", created: str = "") -> Attachment:
    annotations = {CREATED: created} if created else {}
    return Attachment(Referrer(descriptor(OTHER, artifact_type=kind, annotations=annotations), None, rejected), inner)


def test_the_tree_shows_what_is_on_what() -> None:
    signed = attachment(attachment(kind=BUNDLE), created="2026-11-23T10:00:00Z")
    assert as_tree("app:v1", [Overview(IMAGE, (attachment(kind=REPORT.artifact_type), signed))]) == (
        "app:v1\n"
        f"  image  {DIGEST}\n"
        f"    report  {OTHER}\n"
        f"    specification  {OTHER}  2026-11-23T10:00:00Z\n"
        f"      signature  {OTHER}\n"
    )


def test_an_index_its_platforms_and_what_has_nothing() -> None:
    index = Overview(Subject(descriptor(), is_index=True), ())
    amd = Overview(Subject(descriptor(), is_index=False, platform=Platform("linux", "amd64")), (attachment(),))
    told = as_tree("app:v1", [index, amd])
    assert f"  index  {DIGEST}\n    nothing attached\n" in told
    assert f"  linux/amd64  {DIGEST}\n    specification" in told


def test_what_is_not_used_says_why() -> None:
    assert "not used: it is about another subject" in as_tree(
        "x", [Overview(IMAGE, (attachment(rejected="it is about another subject"),))]
    )


def test_foreign_types_are_shown_and_none_can_do_harm() -> None:
    foreign = attachment(kind="application/spdx+json")
    assert f"application/spdx+json  {OTHER}" in as_tree("x", [Overview(IMAGE, (foreign,))])
    untyped = attachment(kind="")
    assert "artifact without a type" in as_tree("x", [Overview(IMAGE, (untyped,))])
    hostile = attachment(kind=HOSTILE, rejected=HOSTILE, created=HOSTILE)
    told = as_tree(HOSTILE, [Overview(IMAGE, (hostile,))])
    assert harmless(told)
    assert len(told.splitlines()) == 4


def test_the_same_for_programs() -> None:
    signed = attachment(attachment(kind=BUNDLE), created="2026-11-23T10:00:00Z")
    bundle = {
        "digest": OTHER,
        "artifact_type": BUNDLE,
        "created": "",
        "rejected": "",
        "signed": "unsigned",
        "attachments": [],
    }
    assert as_value("app:v1", [Overview(IMAGE, (signed,), {OTHER: "unsigned"}, OTHER)]) == {
        "schema": "compatbuild.attachments/v1",
        "reference": "app:v1",
        "subjects": [
            {
                "digest": DIGEST,
                "kind": "image",
                "platform": "",
                "signed": "",
                "nfd_takes": OTHER,
                "attachments": [
                    {
                        "digest": OTHER,
                        "artifact_type": SPEC.artifact_type,
                        "created": "2026-11-23T10:00:00Z",
                        "rejected": "",
                        "signed": "unsigned",
                        "attachments": [bundle],
                    }
                ],
            }
        ],
    }


def test_how_each_is_signed_and_which_one_nfd_takes() -> None:
    found = Overview(IMAGE, (attachment(),), {DIGEST: "signature present, not verified", OTHER: HOSTILE}, OTHER)
    told = as_tree("app:v1", [found])
    assert f"  image  {DIGEST}  (signature present, not verified)\n" in told
    assert "; NFD's client takes this one)\n" in told
    assert harmless(told)
