"""Write what a comparison of two usual reports looks like: ``python -m tests.golden.compared``."""

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from compatbuild.inference.sides import Compared, Side, compare
from compatbuild.model.report import Report, Skipped
from compatbuild.model.requirement import AnyRequirement
from compatbuild.report.changes import as_value, markdown, table
from compatbuild.report.console import to_text
from compatbuild.report.documents import to_json
from tests.builders.reports import report_of

DIRECTORY = Path(__file__).parent / "comparison"
ADAPTER: TypeAdapter[AnyRequirement] = TypeAdapter(AnyRequirement)


def needs(*fields: dict[str, Any]) -> list[AnyRequirement]:
    """Return requirements given as in a document."""
    return [ADAPTER.validate_python(one) for one in fields]


OLD = report_of(
    *needs(
        {"id": "cpu.level", "cpu": "x86-64-v2"},
        {"id": "cuda.driver-min", "driver": ">=525.60.13"},
        {"id": "kernel.fuse", "facility": ["FUSE_FS"], "modules": ["fuse"]},
        {"id": "author.kernel", "kernel": ">=5.10,<6.8"},
        {"id": "author.module", "module": ["i915"]},
    ),
    facts={"cpu.level": "x86-64-v2", "cuda.sass": ["75", "90"], "os.version": "12"},
    reference="app:1.1",
    knowledge="2026-09-01",
)
NEW = report_of(
    *needs(
        {"id": "cpu.level", "cpu": "x86-64-v3"},
        {"id": "cuda.driver-min", "driver": ">=580.65.06"},
        {"id": "kernel.tun", "facility": ["TUN"]},
        {"id": "author.kernel", "kernel": ">=5.4"},
        {"id": "author.module", "module": ["i915", "xe"]},
    ),
    facts={"cpu.level": "x86-64-v3", "cuda.sass": ["90"], "cuda.compute.gaps": ["8.x"], "os.version": "13"},
    skipped=[Skipped(what="packages", why="/var/lib/rpm/Packages cannot be read: it is cut short")],
    reference="app:1.2",
)


def compared(old: Report = OLD, new: Report = NEW) -> Compared:
    """Return the comparison of two reports."""
    before, after = (Side("report", f"{report.image.reference}.json", report) for report in (old, new))
    return compare(before, after, lambda _: b"")


def texts() -> dict[Path, str]:
    """Return what each file must hold."""
    return {
        DIRECTORY / "diff.json": to_json(as_value(compared())),
        DIRECTORY / "diff.md": markdown(compared()),
        DIRECTORY / "diff.txt": to_text(table(compared())),
    }


if __name__ == "__main__":
    DIRECTORY.mkdir(exist_ok=True)
    for path, text in texts().items():
        path.write_text(text, encoding="utf-8")
