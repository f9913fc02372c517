"""What the commands do, as functions: the public Python surface behind ``compatbuild.infer`` and its siblings.

Every function takes plain values and returns frozen records; nothing is printed. ``say`` is told, in one line, what is
being done; ``progress`` how far reading an image is. Errors are subclasses of ``compatbuild.errors.CompatError``.
"""

from compatbuild.api.artifacts import attach, detach, pull, repair, show
from compatbuild.api.checks import check, check_loaded, load_target
from compatbuild.api.copying import copy
from compatbuild.api.exports import export
from compatbuild.api.fleet import Engines, FleetRun, check_fleet, diff_fleet, read_fleet
from compatbuild.api.publishing import Published, publish
from compatbuild.api.reading import (
    TEMPLATE_FILE,
    Reading,
    Refined,
    diff,
    expressions,
    infer,
    infer_all,
    read,
    refine,
    require_valid,
    validate,
)
from compatbuild.api.selection import select
from compatbuild.api.signatures import SignedPair, judge, sign, verify
from compatbuild.api.targets import DEFAULT_OPTIONS, Target, creation_date, open_target, provenance, read_file

__all__ = [
    "DEFAULT_OPTIONS",
    "TEMPLATE_FILE",
    "Engines",
    "FleetRun",
    "Published",
    "Reading",
    "Refined",
    "SignedPair",
    "Target",
    "attach",
    "check",
    "check_fleet",
    "check_loaded",
    "copy",
    "creation_date",
    "detach",
    "diff",
    "diff_fleet",
    "export",
    "expressions",
    "infer",
    "infer_all",
    "judge",
    "load_target",
    "open_target",
    "provenance",
    "publish",
    "pull",
    "read",
    "read_file",
    "read_fleet",
    "refine",
    "repair",
    "require_valid",
    "select",
    "show",
    "sign",
    "validate",
    "verify",
]
