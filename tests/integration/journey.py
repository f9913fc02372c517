"""The journey from an image to a signed specification, wherever the image is: what must hold on each step of it."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compatbuild.signing import keyfiles
from tests.integration.shell import PASSWORD, Shell

PUBLISHED = ["specification", "report", "signature of the specification", "signature of the image"]
OTHER_SPEC = """version: "v1alpha1"
compatibilities:
  - tag: "required"
    rules:
      - name: "required"
        matchFeatures:
          - feature: "cpu.cpuid"
            matchExpressions:
              AVX512F:
                op: "Exists"
"""


@dataclass(frozen=True)
class Journey:
    """An image somewhere, and a shell with the author's keys (cosign.*) and a stranger's (stranger.*)."""

    run: Shell
    reference: str

    def publish(self, *flags: str) -> dict[str, Any]:
        """Publish it, signed by the author."""
        value: dict[str, Any] = self.run.json("publish", self.reference, "--sign", "key:cosign.key", *flags)
        return value

    def verified(self) -> list[dict[str, Any]]:
        """Verify it with the author's key, and return the verdict on each manifest."""
        value = self.run.json("verify", self.reference, "--key", "cosign.pub")
        return list(value["verified"])

    def attached(self) -> dict[str, list[str]]:
        """Return the digests of all that is attached, at any depth, by the digest of the image's manifest."""
        value = self.run.json("show", self.reference)
        return {one["digest"]: sorted(_digests(one["attachments"])) for one in value["subjects"]}

    def attach_other(self) -> str:
        """Attach another specification, without a signature, and return its digest."""
        (self.run.directory / "other.yaml").write_text(OTHER_SPEC)
        (row, *_) = self.run.json("attach", self.reference, "other.yaml")["attached"]
        return str(row["digest"])


def make_keys(directory: Path) -> Path:
    """Make the keys of journeys: sealing one takes as long as a whole step."""
    for name in ("cosign", "stranger"):
        keyfiles.write_pair(directory / f"{name}.key", directory / f"{name}.pub", PASSWORD.encode())
    return directory


def begin(run: Shell, reference: str, keys: Path) -> Journey:
    """Begin a journey with these keys in its directory."""
    for key in keys.iterdir():
        shutil.copy(key, run.directory)
    return Journey(run, reference)


def _digests(attachments: list[dict[str, Any]]) -> list[str]:
    return [digest for one in attachments for digest in (one["digest"], *_digests(one["attachments"]))]


def everything_is_attached_and_signed(journey: Journey) -> None:
    published = journey.publish()
    assert published["changed"] is True
    assert [row["what"] for row in published["published"]] == PUBLISHED
    assert {row["state"] for row in published["published"]} == {"created"}
    (digests,) = journey.attached().values()
    assert digests == sorted(row["digest"] for row in published["published"])
    (verdict,) = journey.verified()
    assert verdict["spec"] == published["published"][0]["digest"]


def publishing_again_changes_nothing(journey: Journey) -> None:
    first = journey.publish()
    before = journey.attached()
    again = journey.publish()
    assert again["changed"] is False
    assert [row["digest"] for row in again["published"]] == [row["digest"] for row in first["published"]]
    assert journey.attached() == before


def what_is_pulled_is_what_was_attached(journey: Journey) -> None:
    run = journey.run
    run.ok("infer", journey.reference, "-o", "spec=compat.yaml", "-o", "json=report.json")
    run.ok("attach", journey.reference, "compat.yaml")
    run.ok("pull", journey.reference, "-o", "spec=pulled.yaml")
    spec = (run.directory / "compat.yaml").read_bytes()
    assert (run.directory / "pulled.yaml").read_bytes() == spec
    published = journey.publish()
    assert published["published"][0]["state"] == "unchanged"  # the same content, whoever attached it
    assert run.ok("pull", journey.reference).encode() == spec
    run.ok("verify", journey.reference, "--key", "cosign.pub", "-o", "spec=verified.yaml")
    assert (run.directory / "verified.yaml").read_bytes() == spec


def an_unsigned_specification_is_ignored(journey: Journey) -> None:
    published = journey.publish()
    good = journey.run.ok("pull", journey.reference)
    other = journey.attach_other()
    assert journey.run.ok("pull", journey.reference) == OTHER_SPEC  # pull looks at no signature
    ended = journey.run.run("verify", journey.reference, "--key", "cosign.pub", "-o", "spec")
    assert (ended.code, ended.out) == (0, good)
    assert f"{other} is attached as well and was ignored (unsigned)" in ended.err
    (verdict,) = journey.verified()
    assert verdict["spec"] == published["published"][0]["digest"]
    strict = journey.run.run("verify", journey.reference, "--key", "cosign.pub", "--strict")
    assert strict.code == 13


def a_specification_signed_by_somebody_else_is_ignored(journey: Journey) -> None:
    published = journey.publish()
    good = journey.run.ok("pull", journey.reference)
    other = journey.attach_other()
    journey.run.ok("sign", journey.reference, "--sign", "key:stranger.key")
    ended = journey.run.run("verify", journey.reference, "--key", "cosign.pub", "-o", "spec")
    assert (ended.code, ended.out) == (0, good)
    assert f"{other} is attached as well and was ignored (foreign)" in ended.err
    (verdict,) = journey.verified()
    assert {row["digest"]: row["standing"] for row in verdict["candidates"]} == {
        published["published"][0]["digest"]: "in force",
        other: "foreign",
    }
    theirs = journey.run.run("verify", journey.reference, "--key", "stranger.pub", "-o", "spec")
    assert (theirs.code, theirs.out) == (0, OTHER_SPEC)


def detaching_takes_all_of_ours_off(journey: Journey) -> None:
    published = journey.publish()
    spec, report, _, of_image = (row["digest"] for row in published["published"])
    gone = journey.run.json("detach", journey.reference)["detached"]
    assert sorted(gone) == sorted([spec, report])
    assert list(journey.attached().values()) == [[of_image]]  # a signature on the image is not ours to take
    assert journey.run.run("pull", journey.reference).code == 3
    assert journey.run.run("verify", journey.reference, "--key", "cosign.pub").code == 3
    assert journey.publish()["changed"] is True  # and it can all be attached again
    assert len(journey.verified()) == 1


def an_index_and_its_platforms_each_have_their_own(journey: Journey) -> None:
    published = journey.publish()
    names = [re.findall(r"\((.*)\)", row["what"]) for row in published["published"]]
    assert names == [["index"]] * 3 + [["linux/amd64"]] * 4 + [["linux/arm64"]] * 4  # an index has no report
    assert journey.publish()["changed"] is False
    assert len(journey.attached()) == len(journey.verified()) == 3
    index, amd, arm = (
        journey.run.ok("pull", journey.reference, *flags)
        for flags in ((), ("--platform", "linux/amd64"), ("--platform", "linux/arm64"))
    )
    assert ("AVX2" in amd, "AVX2" in arm, "AVX2" in index) == (True, False, False)
    assert ("ASIMD" in amd, "ASIMD" in arm, "ASIMD" in index) == (False, True, True)
    assert all("525.60.13" in text for text in (index, amd, arm))
    assert len(journey.run.json("detach", journey.reference, "--platform", "linux/arm64")["detached"]) == 2
    assert [len(digests) for digests in journey.attached().values()] == [3, 4, 1]


def several_images_at_once(journey: Journey, *others: str) -> None:
    run = journey.run
    run.ok("infer", journey.reference, "-o", "spec=compat.yaml")
    rows = run.json("attach", journey.reference, *others, "compat.yaml")["attached"]
    assert [row["state"] for row in rows] == ["created"] * (1 + len(others))
    assert len({row["subject"] for row in rows}) == 1 + len(others)
    spec = Path(run.directory / "compat.yaml").read_text()
    for reference in (journey.reference, *others):
        assert run.ok("pull", reference) == spec


STEPS = (
    everything_is_attached_and_signed,
    publishing_again_changes_nothing,
    what_is_pulled_is_what_was_attached,
    an_unsigned_specification_is_ignored,
    a_specification_signed_by_somebody_else_is_ignored,
    detaching_takes_all_of_ours_off,
)
"""What must hold for any image of one platform."""
