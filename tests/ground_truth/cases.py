"""Cases: what goes into an image, and what must, may and must not be said of it.

A file ``*.yaml`` of this directory is a list of cases. What a case says was established by other means than this
project's code (``how``): readelf, cuobjdump, ``go version -m``, running the program on an emulated CPU, or by hand.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, model_validator

from compatbuild.model.base import Model

DIRECTORY = Path(__file__).parent
KINDS = ("cpu", "nvidia", "rocm", "intel", "accelerator", "mpi", "fabric", "kernel", "plain")


class Pattern(Model):
    """Something a report may say; exactly one of the first five fields is set.

    ``requires`` is a requirement that must always hold: each key must be there, a value equal, a list included.
    ``offers`` is one within alternatives, ``hint`` one that is told and not required, ``finding`` the id of a finding.
    ``fact`` is the name of a fact, and ``equals``, ``includes`` (of a list) or ``above`` (by its numbers) what it is.
    """

    requires: dict[str, Any] | None = None
    offers: dict[str, Any] | None = None
    hint: dict[str, Any] | None = None
    finding: str = ""
    fact: str = ""
    equals: Any = None
    includes: Any = None
    above: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> "Pattern":
        kinds = [self.requires, self.offers, self.hint, self.finding or None, self.fact or None]
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("a pattern is exactly one of requires, offers, hint, finding and fact")
        return self

    def __str__(self) -> str:
        told = self.model_dump(exclude_defaults=True)
        return ", ".join(f"{key} {value}" for key, value in told.items())


class Case(Model):
    """One image.

    Its content: ``wheels`` (file name to SHA-256), ``debs`` (``name=version``; another version is taken where that one
    is gone) and ``built`` (a name of ``built.RECIPES``); its config: ``architecture``, ``env``, ``argv``. ``closed``
    means that nothing may be required beyond what ``must`` and ``may`` name and the architecture; ``plain`` that nothing
    may even be told beyond architecture, C library and CPU level. ``quick`` cases are a part of the tests.
    """

    name: str
    kind: str
    how: str
    quick: bool = False
    wheels: Mapping[str, str] = Field(default_factory=dict)
    debs: tuple[str, ...] = ()
    built: str = ""
    architecture: str = "amd64"
    env: Mapping[str, str] = Field(default_factory=dict)
    argv: tuple[str, ...] = ()
    must: tuple[Pattern, ...] = ()
    may: tuple[Pattern, ...] = ()
    must_not: tuple[Pattern, ...] = ()
    closed: bool = False
    plain: bool = False

    @model_validator(mode="after")
    def _known_kind(self) -> "Case":
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind} is none of {', '.join(KINDS)}")
        return self


def cases() -> Iterator[Case]:
    """Yield all cases, in the order of the files' names."""
    for file in sorted(DIRECTORY.glob("*.yaml")):
        yield from (Case.model_validate(one) for one in yaml.safe_load(file.read_text("utf-8")))
