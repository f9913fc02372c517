"""From a case to the report about it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from compatbuild.detectors import Detector, discover
from compatbuild.image.build import build_view
from compatbuild.image.view import ImageConfig, ImageView
from compatbuild.inference import engine
from compatbuild.knowledge import load
from compatbuild.model.report import ImageIdentity, Report
from compatbuild.sources.directory import TreeLayer
from tests.ground_truth.cases import Case
from tests.ground_truth.sources import unpack


@dataclass(frozen=True)
class Inferred:
    """An image of a case: its root directory, what was read of it, and what is inferred from that."""

    root: Path
    view: ImageView
    report: Report


@contextmanager
def inferred(case: Case) -> Iterator[Inferred]:
    """Make an image of a case, and infer from it; UnavailableError when its content cannot be had."""
    with tempfile.TemporaryDirectory(prefix="ground-truth-") as directory:
        root = Path(directory, "root")
        root.mkdir()
        unpack(case, root)
        config = ImageConfig(
            architecture=case.architecture,
            env=tuple(f"{key}={value}" for key, value in case.env.items()),
            entrypoint=case.argv,
        )
        view = build_view(config, [TreeLayer(root)], engine.interests(_detectors()))
        identity = ImageIdentity(source="dir", reference=case.name, platform=config.platform)
        yield Inferred(root, view, engine.infer(view, identity, _detectors(), load()))


@cache
def _detectors() -> tuple[Detector, ...]:
    return discover()
