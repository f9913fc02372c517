"""All cases, by name."""

from tests.hostile import (
    compressions,
    databases,
    manifests,
    programs,
    tables,
    tar_names,
    tar_numbers,
    texts,
    whiteouts,
)
from tests.hostile.case import Case

FAMILIES = (tar_names, tar_numbers, compressions, whiteouts, manifests, programs, databases, texts, tables)
CASES: dict[str, Case] = {case.name: case for family in FAMILIES for case in family.CASES}
