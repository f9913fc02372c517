"""Semantic rules, one module each: what NFD reads without complaint and decides otherwise than its author meant.

A module defines one ``RULE``; its file name is the rule's id with underscores.
"""

import pkgutil
from functools import cache
from importlib import import_module

from compatbuild.validation.issue import Rule


@cache
def rules() -> tuple[Rule, ...]:
    """Return every rule, in the order of their ids."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return tuple(import_module(f"{__name__}.{name}").RULE for name in names)
