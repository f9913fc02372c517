"""The seeds, what failed before, and some mutations of them: nothing but an error of ours comes out."""

from __future__ import annotations

from contextlib import suppress
from random import Random

import pytest

from compatbuild.errors import CompatError
from tests.fuzz.mutation import mutated
from tests.fuzz.seeds import seeds
from tests.fuzz.targets import TARGETS

MUTATIONS = 150


@pytest.mark.parametrize("target", TARGETS)
def test_seeds_and_what_failed_before(target: str) -> None:
    assert seeds(target)
    for data in seeds(target):
        with suppress(CompatError):
            TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_mutations(target: str) -> None:
    good = seeds(target)
    for number in range(MUTATIONS):
        luck = Random(f"test {target}{number}")
        with suppress(CompatError):
            TARGETS[target](mutated(luck.choice(good), good, luck))
