"""What commands cost that read next to nothing: starting is all they do."""

import sys
import tempfile
from pathlib import Path

from bench.images import tool
from bench.measure import Command, Cost, in_turn, medians

SPEC = """version: "v1alpha1"
compatibilities:
- tag: "required"
  rules:
  - name: "required"
    matchFeatures:
    - feature: "kernel.config"
      matchExpressions:
        "FUSE_FS":
          op: "In"
          value: ["y", "m"]
"""
MOST_SECONDS = {"--help": 0.2, "validate": 0.4}
"""The aims, of wall time on a machine with nothing else to do."""


def measured(runs: int) -> dict[str, Cost]:
    """Return the medians by command, with those of a Python that does nothing."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        place = Path(directory)
        (place / "spec.yaml").write_text(SPEC)
        (place / "root" / "etc").mkdir(parents=True)
        (place / "root" / "etc" / "os-release").write_text("ID=debian\n")
        commands = {
            "python -c ''": [sys.executable, "-c", ""],
            "--help": tool("--help"),
            "version": tool("version"),
            "validate": tool("validate", str(place / "spec.yaml")),
            "infer": tool("infer", f"dir:{place / 'root'}", "-o", "json"),
            "check": tool("check", str(place / "spec.yaml"), "--os", "debian-12", "-o", "json"),
        }
        costs = in_turn({name: Command(argv) for name, argv in commands.items()}, runs + 1)
    return medians({name: list_[1:] for name, list_ in costs.items()})  # the first one reads from disk
