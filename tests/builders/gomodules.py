"""Files of Go modules, pinned by the sum that a go.sum would hold and cached where Go keeps modules."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.peers import missing, require


@dataclass(frozen=True)
class Module:
    """A module with its version, and the hash of its content (golang.org/x/mod/sumdb/dirhash, Hash1)."""

    name: str
    sum: str


SYFT = Module("github.com/anchore/syft@v1.57.0", "h1:H/UHtf0KbIlD12dXsfklFMjZ2+erj2an3h/jBHoX/zE=")
KUBECONFORM = Module("github.com/yannh/kubeconform@v0.8.0", "h1:loDYd3a3spjIFrauqW67CDKF55Oo9R6uvC8AvpVd4ug=")


def module_file(module: Module, path: str) -> bytes:
    """Return one file of a module; the test that asks is skipped, or fails, when it cannot be had."""
    return (_directory(module) / path).read_bytes()


@cache
def _directory(module: Module) -> Path:
    command = [str(require("go")), "mod", "download", "-json", module.name]
    environment = {**os.environ, "GOSUMDB": "off", "GOFLAGS": "-mod=mod", "GOWORK": "off"}  # compared here instead
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    told = json.loads(done.stdout or "{}")
    if done.returncode or "Dir" not in told:
        missing(f"{module.name} cannot be downloaded: {told.get('Error') or done.stderr.strip()[-500:]}")
    assert told["Sum"] == module.sum, f"{module.name} is not what was pinned"
    return Path(told["Dir"])
