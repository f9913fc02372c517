from compatbuild.registry.artifact import CREATED, SPEC
from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor
from compatbuild.signing.nfdchoice import nfd_choice


def listed(mark: str, created: str | None, artifact_type: str = SPEC.artifact_type) -> Descriptor:
    annotations = {} if created is None else {CREATED: created}
    return Descriptor(OCI_MANIFEST, f"sha256:{mark * 64}", 1, artifact_type=artifact_type, annotations=annotations)


def test_the_latest_date_wins_whatever_its_zone() -> None:
    early, late = listed("a", "2026-11-23T10:00:00Z"), listed("b", "2026-11-23T09:00:00-05:00")
    assert nfd_choice([early, late]) == nfd_choice([late, early]) == late.digest


def test_without_a_readable_date_it_is_the_oldest() -> None:
    dated = listed("a", "1999-01-01T00:00:00Z")
    assert nfd_choice([listed("b", None), dated, listed("c", "tomorrow")]) == dated.digest


def test_of_equal_ones_the_last_listed_wins() -> None:
    assert nfd_choice([listed("b", None), listed("a", None)]) == "sha256:" + "a" * 64


def test_other_types_are_not_seen() -> None:
    config_type = listed("a", "2090-01-01T00:00:00Z", "application/vnd.oci.empty.v1+json")
    assert nfd_choice([config_type]) == nfd_choice([]) == ""
