"""What the commands do, as functions: the public Python surface behind ``compatbuild.infer`` and its siblings.

Every function takes plain values and returns frozen records; nothing is printed. ``say`` is told, in one line, what is
being done; ``progress`` how far reading an image is. Errors are subclasses of ``compatbuild.errors.CompatError``.
"""

from compatbuild.api.artifacts import attach, detach, pull, show
from compatbuild.api.checks import check, load_target
from compatbuild.api.copying import copy
from compatbuild.api.exports import export
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
    "Published",
    "Reading",
    "Refined",
    "SignedPair",
    "Target",
    "attach",
    "check",
    "copy",
    "creation_date",
    "detach",
    "diff",
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
    "refine",
    "require_valid",
    "select",
    "show",
    "sign",
    "validate",
    "verify",
]
