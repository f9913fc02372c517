"""What people read: the summary of a step, and the comment on a pull request."""

from collections.abc import Iterator, Sequence

from compatbuild.ci.github.images import Gathered, Image
from compatbuild.ci.github.judging import Judged
from compatbuild.inference.sides import Compared
from compatbuild.report import changes, findings, matrix
from compatbuild.report.cells import cell, code
from compatbuild.report.counts import counted, told

MAX_OPEN = 12  # hosts of a table that is shown unfolded


def summary(gathered: Gathered, judged: Sequence[Judged], drift: Sequence[tuple[Image, Compared]]) -> str:
    """Return the summary: what was done, what changed, what is needed with its evidence, and where it runs."""
    parts = ["## Image compatibility", "", *_done(gathered), ""]
    for _, compared in drift:
        parts += [changes.markdown(compared), ""]
    for one in judged:
        parts += [*_image(one), ""]
    return "\n".join(parts).rstrip("\n") + "\n\n"


def _done(gathered: Gathered) -> Iterator[str]:
    yield gathered.did
    if gathered.artifact:
        signed = f", signed ({cell(gathered.signed.partition(':')[0])})" if gathered.signed else ", **not signed**"
        state = signed if gathered.rows else ""
        yield f"Specification {code(f'{gathered.repository}@{gathered.artifact}')}{state}."
    for image in gathered.images:
        yield from (f"- note: {cell(note)}" for note in image.notes)


def _image(judged: Judged) -> Iterator[str]:
    image, checked = judged.image, judged.checked
    if image.report:
        yield findings.markdown(image.report)
        yield from (f"- not looked at: {cell(one.what)}: {cell(one.why)}" for one in image.report.skipped)
    elif not image.spec:
        yield f"{code(image.name)} needs nothing that a specification could say."
    if checked is None:
        return
    where = image.platform or ("the index" if image.digest else "the image")
    yield ""
    yield f"### Where {cell(where)} runs: {told(counted(checked.hosts))}"
    yield ""
    folded = len(checked.hosts) > MAX_OPEN
    if folded:
        yield f"<details><summary>{len(checked.hosts)} hosts</summary>\n"
    yield matrix.markdown([checked])
    if folded:
        yield "</details>"
