"""Which findings an image has from the image it is built on: those whose evidence is all the base's, unchanged.

A file counts as the base's when the layer it comes from is; a file that an upper layer writes anew is the image's own,
whatever it holds (the package database after an ``apt-get install``). A field of the config counts when the base's
config says the same. So a finding is called inherited too seldom rather than too often.
"""

from compatbuild.errors import UsageError
from compatbuild.image.view import ImageConfig
from compatbuild.model.finding import Evidence, Finding
from compatbuild.model.report import BaseImage, Report

CONFIG = "config."
"""What the path of evidence about the image config begins with."""


def shared_layers(image: ImageConfig, base: ImageConfig, name: str) -> int:
    """Return how many layers a base has, all of which the image begins with; UsageError when it does not."""
    count = len(base.diff_ids)
    if count and image.diff_ids[:count] == base.diff_ids:
        return count
    pairs = zip(base.diff_ids, (*image.diff_ids, *[""] * count), strict=False)
    differs = next((number for number, (own, other) in enumerate(pairs, 1) if own != other), 0)
    raise UsageError(
        f"the image is not built on {name}",
        why=f"their layers differ from layer {differs} on" if differs else f"{name} has no layers to compare with",
        remedy="name the base image at the digest that it was built on; tags move on",
    )


def with_base(report: Report, image: ImageConfig, base: ImageConfig, known: BaseImage) -> Report:
    """Return the report with its base named and the findings marked that come unchanged from it."""
    layers = frozenset(image.diff_ids[: known.layers])

    def inherited(evidence: Evidence) -> bool:
        if evidence.path.startswith(CONFIG):
            return _same_config(image, base, evidence)
        return bool(evidence.layer) and evidence.layer in layers

    def marked(finding: Finding) -> Finding:
        return finding.model_copy(update={"inherited": all(map(inherited, finding.evidence))})

    return report.model_copy(update={"base": known, "findings": tuple(map(marked, report.findings))})


def _same_config(image: ImageConfig, base: ImageConfig, evidence: Evidence) -> bool:
    """Say whether both configs hold the same where the evidence points: a variable, a label, or a whole field."""
    match evidence.path.removeprefix(CONFIG):
        case "Env":
            own, other = image.environment, base.environment
        case "Labels":
            own, other = dict(image.labels), dict(base.labels)
        case "history":
            at = int(evidence.locator or 0) - 1
            return image.history[at : at + 1] == base.history[at : at + 1] != ()
        case name:
            field = _FIELDS.get(name, name)
            return hasattr(image, field) and getattr(image, field) == getattr(base, field)
    return evidence.locator in own and own[evidence.locator] == other.get(evidence.locator)


_FIELDS = {"Entrypoint": "entrypoint", "Cmd": "cmd", "User": "user", "WorkingDir": "working_dir"}
"""Fields of the image config whose names here are others."""
