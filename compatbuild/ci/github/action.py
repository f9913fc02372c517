"""The whole run of the action: inputs, images, verdicts; then outputs, files, summary and annotations."""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from compatbuild import api
from compatbuild.ci.github import judging, places, signing
from compatbuild.ci.github.commands import Annotation, add_summary, annotate, commands_stopped, set_outputs
from compatbuild.ci.github.comment import comment, mark_of
from compatbuild.ci.github.event import Event, read_event
from compatbuild.ci.github.images import Gathered, Image, inferred, parsed, published, verified, write
from compatbuild.ci.github.images import template as template_of
from compatbuild.ci.github.inputs import INCOMPATIBLE, OPEN, SECRETS, Inputs, read_inputs, variable
from compatbuild.ci.github.judging import Judged
from compatbuild.ci.github.summary import summary
from compatbuild.cli import app, settings
from compatbuild.cli.output import show_error, tell, write_file
from compatbuild.errors import CompatError, SpecError
from compatbuild.image.steps import lines_of_layers
from compatbuild.inference.sides import Compared
from compatbuild.refine.settings import SETTINGS_NAME
from compatbuild.report import issues_sarif
from compatbuild.report.cells import cell
from compatbuild.report.documents import to_json
from compatbuild.report.sarif import Result, sarif

EXIT_CHANGED = EXIT_INCOMPATIBLE = 10
EXIT_OPEN = 11


@dataclass
class Run:
    """One run, filled as it goes: what is known when it fails is still told."""

    environ: Mapping[str, str]
    inputs: Inputs
    event: Event
    scratch: Path
    outputs: dict[str, str] = field(default_factory=dict)
    annotations: list[Annotation] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    summary: str = ""

    def command(self, *arguments: str) -> Any:
        """Run a command of ours in this process and return its JSON result; errors are raised."""
        file = self.scratch / "result.json"
        options = (f"--output=json={file}",)
        settings.settings.cache_clear()
        app.app([arguments[0], *options, *arguments[1:]], prog_name=app.NAME, standalone_mode=False)
        return parsed(file)


def main() -> int:
    """Run the action with this process's environment, and return the step's exit code."""
    environ = dict(os.environ)
    for name in SECRETS:
        os.environ.pop(variable(name), None)
    run: Run | None = None
    failure: CompatError | None = None
    code = 0
    with commands_stopped(sys.stdout):
        try:
            inputs = read_inputs(environ)
            os.chdir(inputs.directory)
            base = environ.get("RUNNER_TEMP") or None
            run = Run(environ, inputs, read_event(environ), Path(tempfile.mkdtemp(prefix="compatbuild-", dir=base)))
            code = _run(run)
        except CompatError as error:
            failure = error
        except OSError as error:
            why = str(error)
            failure = CompatError("the operating system refused", why=why, remedy="mend that, then run it again")
        if failure:
            show_error(failure, as_json=False)
    return _tell(run, failure, code)


def _run(run: Run) -> int:
    run.inputs = inputs = replace(run.inputs, image=settings.image(run.inputs.image))
    _validate(run)
    gathered = _gather(run)
    spec, report = write(gathered, run.scratch)
    first = gathered.images[0]
    run.outputs |= {
        "spec-path": spec,
        "report-path": report,
        "artifact-digest": gathered.artifact,
        "artifact-ref": f"{gathered.repository}@{gathered.artifact}" if gathered.artifact else "",
        "digest": first.digest,
        "findings-count": str(sum(len(one.report.findings) for one in gathered.images if one.report)),
    }
    judged = [judging.judge(inputs, image, tell) for image in gathered.images]
    drift = judging.drift(inputs, gathered, tell)
    run.outputs["compatible"] = judging.compatible(judged)
    run.outputs["drift"] = _direction(drift)
    run.summary = summary(gathered, judged, drift)
    _annotate(run, judged, drift)
    if inputs.comment:
        _comment(run)
    return _code(inputs, run.outputs["compatible"], [compared for _, compared in drift])


def _validate(run: Run) -> None:
    """Validate the author's specification first: a mistake in it is told with its line, whatever the image needs."""
    if run.inputs.spec is None:
        return
    file = places.named(run.inputs.spec, run.inputs.workspace)
    issues = [issue.model_copy(update={"name": file}) for issue in api.validate(run.inputs.spec)]
    run.annotations += [judging.of_issue(issue, file) for issue in issues]
    run.results += issues_sarif.results(issues)
    if any(issue.severity.value == "error" for issue in issues):
        first = next(issue for issue in issues if issue.severity.value == "error")
        raise SpecError(f"{file} is invalid", why=f"line {first.line}: {first.message}", remedy=first.remedy)


def _gather(run: Run) -> Gathered:
    inputs = run.inputs
    if inputs.verify:
        return verified(inputs, run.command, run.scratch)
    if inputs.push and run.event.from_fork:
        tell("note: nothing is published of a pull request from a fork")
    elif inputs.push:
        settled = os.environ.get("COMPATBUILD_SIGN") or settings.sign()
        with signing.chosen(inputs.sign, run.environ, settled, run.scratch) as sign:
            if sign is None:
                tell("note: nothing is signed: there is no key, and the job has no `id-token: write`")
            return published(inputs, sign, run.command, tell)
    return inferred(inputs, tell)


def _direction(drift: Sequence[tuple[Image, Compared]]) -> str:
    """Return the output ``drift``: the direction of all platforms together, empty when nothing was compared."""
    found = {compared.diff.direction for _, compared in drift}
    if len(found) > 1:
        found.discard("same")
    return found.pop() if len(found) == 1 else "mixed" if found else ""


def _places(inputs: Inputs, images: Sequence[Image]) -> places.Places:
    template = inputs.directory / (template_of(inputs) or api.TEMPLATE_FILE)
    dockerfile = places.read_text(inputs.dockerfile, inputs.workspace)
    configs = [image.config for image in images if image.config]
    layers = [lines_of_layers("\n".join(dockerfile.lines), config) for config in configs] if dockerfile else []
    return places.Places(
        None if inputs.spec else places.read_text(template, inputs.workspace),
        dockerfile,
        {layer: line for found in layers for layer, line in found.items()},
    )


def _annotate(run: Run, judged: Sequence[Judged], drift: Sequence[tuple[Image, Compared]]) -> None:
    inputs = run.inputs
    known = _places(inputs, [one.image for one in judged])
    for one in judged:
        run.annotations += judging.of_verdicts(one, inputs, known)
        run.results += judging.results(one, inputs, known)
    for image, compared in drift:
        run.annotations += judging.of_changes(compared, image.report, inputs, known)


def _comment(run: Run) -> None:
    try:
        directory = places.named(run.inputs.directory, run.inputs.workspace)
        comment(run.summary, mark_of(run.environ, directory), run.event, run.environ)
    except CompatError as error:
        why = ": ".join(filter(None, (error.what, error.why)))
        run.annotations.append(Annotation("notice", "No comment was written", f"{why}\nTry: {error.remedy}"))


def _code(inputs: Inputs, compatible: str, drift: Sequence[Compared]) -> int:
    """Return the exit code that `fail-on` asks for."""
    if compatible == "false" and INCOMPATIBLE in inputs.fail_on_hosts:
        return EXIT_INCOMPATIBLE
    if any(compared.diff.fails(inputs.fail_on_changes) for compared in drift):
        return EXIT_CHANGED
    if compatible in {"unknown", "false"} and OPEN in inputs.fail_on_hosts:
        return EXIT_OPEN
    return 0


def _tell(run: Run | None, failure: CompatError | None, code: int) -> int:
    """Write everything that the runner reads, whether the run failed or not, and return the exit code."""
    try:
        if run is None:
            annotate([_of_failure(failure, None)] if failure else [], sys.stdout)
        else:
            _write(run, failure, failure.exit_code if failure else code)
    except CompatError as error:
        show_error(error, as_json=False)
        failure = failure or error
    return failure.exit_code if failure else code


def _write(run: Run, failure: CompatError | None, code: int) -> None:
    inputs = run.inputs
    told = [one for one in run.annotations if one.level == "error"]
    if failure and not (told and isinstance(failure, SpecError)):
        run.annotations.insert(0, _of_failure(failure, inputs))
    file = inputs.sarif or run.scratch / "compatbuild.sarif"
    write_file(file, to_json(sarif(run.results)).encode())
    set_outputs(
        run.environ.get("GITHUB_OUTPUT", ""),
        {**run.outputs, "sarif-path": str(file), "directory": str(run.scratch), "exit-code": str(code)},
    )
    shown = run.annotations if inputs.annotations else run.annotations[:1] if failure else []
    annotate(shown, sys.stdout)
    if inputs.summary:
        add_summary(run.environ.get("GITHUB_STEP_SUMMARY", ""), run.summary or _failed(failure))


def _failed(failure: CompatError | None) -> str:
    if failure is None:
        return ""
    told = f"**Failed:** {cell(failure.what)}\n\n{cell(failure.why)}\n\nTry: {cell(failure.remedy)}"
    return f"## Image compatibility\n\n{told}\n"


def _of_failure(failure: CompatError, inputs: Inputs | None) -> Annotation:
    """Return the annotation of an error, at the line that it names, if it is one of the author's files."""
    message = "\n".join(filter(None, (failure.what, failure.why, f"Try: {failure.remedy}" if failure.remedy else "")))
    one = Annotation("error", "compatbuild", message)
    if inputs is None:
        return one
    names = (template_of(inputs) or api.TEMPLATE_FILE, SETTINGS_NAME)
    files = [inputs.directory / name for name in names]
    place = places.of_error(failure, inputs.workspace, [path for path in files if path.is_file()])
    return replace(one, file=place.file, line=place.line) if place else one
