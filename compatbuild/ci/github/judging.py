"""What is judged: the images on hosts, and against what the base branch's image needed."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from compatbuild import api
from compatbuild.api.targets import Say
from compatbuild.checking.check import check
from compatbuild.checking.gather import Wish, gather
from compatbuild.checking.loading import Loaded
from compatbuild.checking.verdicts import Checked, HostVerdict, Subject, Verdict
from compatbuild.ci.github.commands import Annotation, Level
from compatbuild.ci.github.images import Gathered, Image, bare, registry
from compatbuild.ci.github.inputs import INCOMPATIBLE, OPEN, Inputs
from compatbuild.ci.github.places import Place, Places, named
from compatbuild.errors import NotFoundError, UsageError
from compatbuild.inference.changes import Change
from compatbuild.inference.sides import Compared, Side, compare
from compatbuild.model.report import Report
from compatbuild.nfd.decode import decode
from compatbuild.report import findings_sarif, verdicts_sarif
from compatbuild.report.sarif import Location, Result
from compatbuild.report.verdicts import decided
from compatbuild.validation.issue import Issue

MAX_NAMES = 8  # hosts that an annotation names


@dataclass(frozen=True, slots=True)
class Judged:
    """An image with its verdicts, None where none were asked for or there is nothing to ask of a host."""

    image: Image
    checked: Checked | None = None


def judge(inputs: Inputs, image: Image, say: Say) -> Judged:
    """Check an image on the profiles that were asked for, those of its architecture."""
    if not inputs.profiles or not image.spec:
        return Judged(image)
    try:
        hosts = gather(Wish(systems=inputs.profiles, platform=image.platform))
    except UsageError as error:
        if not image.platform:
            raise
        say(f"note: {image.platform} is not checked: {error.what}")
        return Judged(image)
    name = os.path.relpath(inputs.spec, inputs.directory) if inputs.spec else image.name
    subject = Subject(name, "spec" if inputs.spec else "reference", image.digest, report=image.report is not None)
    return Judged(image, check(Loaded(subject, decode(image.spec), image.report, image.spec), hosts))


def compatible(judged: Sequence[Judged]) -> str:
    """Return the output ``compatible``: true, false, or unknown where it is open; empty when nothing was checked."""
    found = {host.verdict for one in judged if one.checked for host in one.checked.hosts}
    if not found:
        return ""
    if Verdict.INCOMPATIBLE in found:
        return "false"
    return "true" if found == {Verdict.COMPATIBLE} else "unknown"


def drift(inputs: Inputs, gathered: Gathered, say: Say) -> list[tuple[Image, Compared]]:
    """Compare each image with the specification attached to the base branch's image, platform by platform.

    Where nothing is attached yet there is nothing to compare with, and that is said: the first pull request must pass.
    """
    found = []
    for image in gathered.images if inputs.compare_with else ():
        try:
            old, _ = api.pull(bare(inputs.compare_with), platform=image.platform or None, options=registry())
        except NotFoundError as error:
            say(f"note: nothing to compare {image.platform or 'the index'} with: {error.what}")
            continue
        sides = Side("spec", inputs.compare_with, spec=old), Side("spec", image.name, spec=image.spec)
        found.append((image, compare(*sides, lambda _: b"")))
    return found


def results(judged: Judged, inputs: Inputs, places: Places) -> Iterator[Result]:
    """Yield the results for SARIF: the needs of an image and the verdicts, each at a line that its author can edit."""
    if judged.image.report:
        yield from findings_sarif.results(
            judged.image.report, lambda one: _location(places.of_finding(one), judged.image.name, one.id)
        )
    yield from (result for _, result in of_hosts(judged, inputs, places))


def of_hosts(judged: Judged, inputs: Inputs, places: Places) -> Iterator[tuple[HostVerdict, Result]]:
    """Yield each host that is not compatible, with its result for SARIF."""
    if judged.checked is None:
        return
    bad = [host for host in judged.checked.hosts if host.verdict is not Verdict.COMPATIBLE]
    told = verdicts_sarif.results([judged.checked], lambda _: judged.image.spec)
    for host, result in zip(bad, told, strict=True):
        at = result.location
        if inputs.spec and at.file:
            place = Place(named(inputs.spec, inputs.workspace), at.line, at.column)
        else:
            place = places.of_deciding(host.deciding, judged.image.report) or Place("")
        yield host, replace(result, location=Location(place.file, place.line, place.column, at.names))


def _location(place: Place | None, *names: str) -> Location:
    return Location(place.file, place.line, place.column, names) if place else Location(names=names)


def of_verdicts(judged: Judged, inputs: Inputs, places: Places) -> Iterator[Annotation]:
    """Yield an annotation for each thing that keeps an image from hosts, if that fails the run."""
    words = {Verdict.INCOMPATIBLE: INCOMPATIBLE, Verdict.UNKNOWN: OPEN, Verdict.DEPENDS: OPEN}
    groups: dict[tuple[Verdict, str, Location], list[tuple[str, str]]] = {}
    for host, result in of_hosts(judged, inputs, places):
        if words[host.verdict] in inputs.fail_on_hosts:
            what, reason = decided(host)
            groups.setdefault((host.verdict, what, result.location), []).append((host.name, reason))
    for (verdict, what, at), members in groups.items():
        names = ", ".join(name for name, _ in members[:MAX_NAMES])
        more = f" and {len(members) - MAX_NAMES} more" if len(members) > MAX_NAMES else ""
        why = f"\n{members[0][1]}" if members[0][1] else ""
        message = f"{judged.image.name} on {names}{more}: {what}{why}"
        yield Annotation("error", f"{verdict.capitalize()}: {what}", message, at.file, at.line, at.column)


def of_changes(compared: Compared, report: Report | None, inputs: Inputs, places: Places) -> Iterator[Annotation]:
    """Yield an annotation for each need that is new or tighter than on the base branch."""
    level: Level = "error" if compared.diff.fails(inputs.fail_on_changes) else "warning"
    for need in compared.diff.needs:
        if need.change in {Change.ADDED, Change.TIGHTENED, Change.CHANGED}:
            place = places.of_change(need, report) or Place("")
            before = f"Before: {need.old}" if need.old else "Before, nothing was asked"
            message = f"{before}. Now: {need.new}.\nCompared with {compared.old.name}."
            title = f"Requirement {need.change}: {need.subject}"
            yield Annotation(level, title, message, place.file, place.line, place.column)


def of_issue(issue: Issue, file: str) -> Annotation:
    """Return the annotation of a mistake in a specification."""
    level: Level = "error" if issue.severity.value == "error" else "warning"
    message = f"{issue.message}\nTry: {issue.remedy}"
    return Annotation(level, issue.rule, message, file, issue.line, issue.column)
