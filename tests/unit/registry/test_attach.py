"""Attaching, reading back and taking off, on a layout: no server needed to see that the rules hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from compatbuild.errors import NotFoundError, ReferrersError, RegistryError
from compatbuild.nfd.spec import SPEC_ARTIFACT_TYPE, SPEC_LAYER_MEDIA_TYPE
from compatbuild.registry import candidates as candidates_module
from compatbuild.registry.artifact import CREATED as CREATED_KEY
from compatbuild.registry.artifact import REPORT, SPEC, build_artifact, format_created
from compatbuild.registry.attach import attach, attach_report, detach, pull, push_artifact, specs
from compatbuild.registry.descriptor import OCI_EMPTY, OCI_MANIFEST, Descriptor, describe
from compatbuild.registry.layout import LayoutStore
from compatbuild.registry.store import Via
from tests.unit.registry.building import (
    CREATED,
    LATER,
    SPEC_TEXT,
    empty_layout,
    index_entries,
    manifest,
    push_image,
    push_index,
)

OTHER_TEXT = SPEC_TEXT + b"# other\n"


@pytest.fixture
def layout(tmp_path: Path) -> LayoutStore:
    return empty_layout(tmp_path / "out")


@pytest.fixture
def subject(layout: LayoutStore) -> Descriptor:
    return push_image(layout, "v1")


def files(layout: LayoutStore, root: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}


def forged(layout: LayoutStore, subject: Descriptor, /, **fields: Any) -> Descriptor:
    """List an artifact that is a specification but for some fields."""
    layer = layout.push_blob(SPEC_TEXT, SPEC_LAYER_MEDIA_TYPE)
    config = layout.push_blob(b"{}", OCI_EMPTY)
    defaults = {"artifactType": SPEC_ARTIFACT_TYPE, "subject": subject.as_json(), "annotations": {CREATED_KEY: LATER}}
    config = fields.pop("config", config)
    raw = manifest(config, fields.pop("layers", [layer]), **(defaults | fields))
    written = layout.push_manifest(raw, OCI_MANIFEST)
    listed = Descriptor(OCI_MANIFEST, written.digest, written.size, SPEC_ARTIFACT_TYPE)
    entries = [one.as_json() for one in layout.referrers(subject.digest)]
    push_index(layout, subject.digest.replace(":", "-"), *entries, listed.as_json())
    return listed


def test_attach_and_pull(layout: LayoutStore, subject: Descriptor) -> None:
    done = attach(layout, subject, SPEC_TEXT, {"a": "1"}, CREATED)
    assert (done.state, done.via, done.subject, done.superseded) == ("created", Via.LAYOUT, subject, ())
    text, candidate = pull(layout, subject)
    assert text == SPEC_TEXT
    assert candidate.descriptor == done.descriptor
    assert candidate.descriptor.annotations == {"a": "1", CREATED_KEY: CREATED}
    assert [one.rejected for one in specs(layout, subject)] == [""]


def test_the_same_again_changes_nothing(layout: LayoutStore, subject: Descriptor, tmp_path: Path) -> None:
    first = attach(layout, subject, SPEC_TEXT, {"a": "1"}, CREATED)
    before = files(layout, tmp_path)
    for created in (CREATED, LATER, "2020-01-01T00:00:00Z"):
        again = attach(layout, subject, SPEC_TEXT, {"a": "another commit"}, created)
        assert (again.state, again.descriptor) == ("unchanged", first.descriptor)
    assert files(layout, tmp_path) == before


def test_something_new_supersedes(layout: LayoutStore, subject: Descriptor) -> None:
    first = attach(layout, subject, SPEC_TEXT, {}, CREATED)
    second = attach(layout, subject, OTHER_TEXT, {}, LATER)
    third = attach(layout, subject, OTHER_TEXT + b"# third\n", {}, LATER, derived=True)
    assert second.superseded == (first.descriptor.digest,)
    assert third.superseded == (second.descriptor.digest, first.descriptor.digest)
    assert pull(layout, subject)[1].descriptor == third.descriptor
    assert third.descriptor.annotations[CREATED_KEY] == "2026-11-23T11:00:01Z"


def test_going_back_to_an_older_text_puts_it_in_force(layout: LayoutStore, subject: Descriptor) -> None:
    first = attach(layout, subject, SPEC_TEXT, {}, CREATED)
    attach(layout, subject, OTHER_TEXT, {}, LATER)
    back = attach(layout, subject, SPEC_TEXT, {}, CREATED, derived=True)
    assert back.state == "created"
    assert back.descriptor.digest != first.descriptor.digest
    assert pull(layout, subject)[0] == SPEC_TEXT


@pytest.mark.parametrize("created", [CREATED, "2026-11-23T09:59:59Z"])
def test_a_chosen_date_that_is_not_newer_is_refused(layout: LayoutStore, subject: Descriptor, created: str) -> None:
    attach(layout, subject, SPEC_TEXT, {}, CREATED)
    with pytest.raises(RegistryError, match="not older"):
        attach(layout, subject, OTHER_TEXT, {}, created)
    assert pull(layout, subject)[0] == SPEC_TEXT


def test_a_date_in_the_future_is_not_outbid(layout: LayoutStore, subject: Descriptor) -> None:
    soon = format_created(datetime.now(UTC) + timedelta(minutes=2))
    attach(layout, subject, SPEC_TEXT, {}, soon)
    assert attach(layout, subject, OTHER_TEXT, {}, CREATED, derived=True).state == "created"
    attach(layout, subject, SPEC_TEXT, {}, "2090-01-01T00:00:00Z")
    with pytest.raises(RegistryError, match="in the future"):
        attach(layout, subject, OTHER_TEXT, {}, CREATED, derived=True)


def test_a_report_and_a_specification_do_not_meet(layout: LayoutStore, subject: Descriptor) -> None:
    attach(layout, subject, SPEC_TEXT, {}, CREATED)
    report = attach_report(layout, subject, b'{"a": 1}', {}, CREATED)
    assert pull(layout, subject)[0] == SPEC_TEXT
    assert pull(layout, subject, REPORT) == (b'{"a": 1}', pull(layout, subject, REPORT)[1])
    assert pull(layout, subject, REPORT)[1].descriptor == report.descriptor


def test_each_subject_has_its_own(layout: LayoutStore, subject: Descriptor) -> None:
    other = push_image(layout, "v2", mark="other")
    attach(layout, subject, SPEC_TEXT, {}, CREATED)
    with pytest.raises(NotFoundError):
        pull(layout, other)
    attach(layout, other, OTHER_TEXT, {}, CREATED)
    assert pull(layout, subject)[0] == SPEC_TEXT
    assert pull(layout, other)[0] == OTHER_TEXT


def test_an_undated_artifact_is_the_oldest(layout: LayoutStore, subject: Descriptor) -> None:
    forged(layout, subject, annotations={})
    done = attach(layout, subject, OTHER_TEXT, {}, "2001-01-01T00:00:00Z")
    assert pull(layout, subject)[1].descriptor == done.descriptor


def test_two_of_one_date_are_ambiguous(layout: LayoutStore, subject: Descriptor) -> None:
    for text in (SPEC_TEXT, OTHER_TEXT):
        push_artifact(layout, build_artifact(SPEC, text, subject, {}, CREATED), subject)
    with pytest.raises(RegistryError, match="same date"):
        pull(layout, subject)
    attach(layout, subject, OTHER_TEXT, {}, LATER)
    assert pull(layout, subject)[0] == OTHER_TEXT


def rejections(layout: LayoutStore, subject: Descriptor) -> dict[str, str]:
    return {one.descriptor.digest: one.rejected for one in specs(layout, subject) if one.rejected}


def test_what_does_not_count_is_told(layout: LayoutStore, subject: Descriptor) -> None:
    good = attach(layout, subject, OTHER_TEXT, {}, CREATED)
    other = push_image(layout, "v2", mark="other")
    layer = describe(SPEC_TEXT, SPEC_LAYER_MEDIA_TYPE)
    huge = Descriptor(SPEC_LAYER_MEDIA_TYPE, layer.digest, 2 << 20)
    reasons = {
        forged(layout, subject, subject=other.as_json()).digest: "another subject",
        forged(layout, subject, subject=subject.as_json() | {"size": 1}).digest: "another subject",
        forged(layout, subject, subject=subject.as_json() | {"mediaType": "x/y"}).digest: "another subject",
        forged(layout, subject, subject=None).digest: "another subject",
        forged(layout, subject, layers=[]).digest: "0 layers",
        forged(layout, subject, layers=[layer, layer]).digest: "2 layers",
        forged(layout, subject, layers=[describe(SPEC_TEXT, "text/yaml")]).digest: "'text/yaml'",
        forged(layout, subject, layers=[huge]).digest: "more than 1048576",
        forged(layout, subject, mediaType="x/y").digest: "malformed",
    }
    gone = forged(layout, subject, annotations={"gone": "soon"})
    layout._blob(gone.digest).unlink()
    reasons[gone.digest] = "gone"
    found = rejections(layout, subject)
    assert found.keys() == reasons.keys()
    for digest, reason in reasons.items():
        assert reason in found[digest]
    assert pull(layout, subject)[1].descriptor == good.descriptor


def test_another_type_is_nobodys_business(layout: LayoutStore, subject: Descriptor) -> None:
    forged(layout, subject, artifactType="application/other")
    assert specs(layout, subject) == []


def test_a_type_in_the_config_counts(layout: LayoutStore, subject: Descriptor) -> None:
    forged(layout, subject, artifactType="", config=describe(b"{}", SPEC_ARTIFACT_TYPE))
    assert pull(layout, subject)[0] == SPEC_TEXT


def test_too_many_referrers_are_told(layout: LayoutStore, subject: Descriptor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates_module, "MAX_CANDIDATES", 1)
    attach(layout, subject, SPEC_TEXT, {}, CREATED)
    attach(layout, subject, OTHER_TEXT, {}, LATER)
    with pytest.raises(ReferrersError, match="2 referrers"):
        specs(layout, subject)


def test_detach_takes_the_signatures_along(layout: LayoutStore, subject: Descriptor, tmp_path: Path) -> None:
    done = attach(layout, subject, SPEC_TEXT, {}, CREATED)
    report = attach_report(layout, subject, b"{}", {}, CREATED)
    config = layout.push_blob(b"{}", OCI_EMPTY)
    signature = layout.push_manifest(manifest(config, [], subject=done.descriptor.bare().as_json()), OCI_MANIFEST)
    layout.add_referrer(signature, done.descriptor.digest)
    assert detach(layout, subject, done.descriptor.digest) == (done.descriptor.digest,)
    assert [entry["digest"] for entry in index_entries(tmp_path / "out")] == [subject.digest, report.descriptor.digest]
    assert detach(layout, subject) == (report.descriptor.digest,)
    with pytest.raises(NotFoundError):
        detach(layout, subject)


def test_detach_never_deletes_what_a_forged_list_names(layout: LayoutStore, subject: Descriptor) -> None:
    other = push_image(layout, "v2", mark="other")
    done = attach(layout, subject, SPEC_TEXT, {}, CREATED)
    push_index(layout, subject.digest.replace(":", "-"), done.descriptor.as_json(), other.as_json())
    push_index(layout, done.descriptor.digest.replace(":", "-"), other.as_json(), subject.as_json())
    with pytest.raises(NotFoundError):
        detach(layout, subject, other.digest)
    detach(layout, subject)
    assert layout.resolve("v1").descriptor == subject
    assert layout.resolve("v2").descriptor == other
