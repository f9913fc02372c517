"""Every rule: its section of the documentation, the examples there, and near misses."""

import pkgutil
from importlib import import_module

import pytest

from compatbuild.validation import semantics
from compatbuild.validation.issue import Rule
from compatbuild.validation.schema import MISSING_KEY, WRONG_TYPE, WRONG_VALUE
from compatbuild.validation.semantics import rules
from compatbuild.validation.spelling import RULE_ID as UNKNOWN_KEY
from compatbuild.validation.validate import NOT_YAML
from tests.unit.validation.cases import BROKEN, SOUND
from tests.unit.validation.documents import issues, rule_ids, sections

SECTIONS = sections()
OF_THE_SCHEMA = {NOT_YAML, UNKNOWN_KEY, MISSING_KEY, WRONG_TYPE, WRONG_VALUE}


def test_every_module_defines_one_rule_named_after_it() -> None:
    for module in pkgutil.iter_modules(semantics.__path__):
        rule = import_module(f"compatbuild.validation.semantics.{module.name}").RULE
        assert rule.id == module.name.replace("_", "-")
    assert len({rule.id for rule in rules()}) == len(rules())


def test_the_page_has_a_section_for_each_rule_and_no_other() -> None:
    assert set(SECTIONS) == {rule.id for rule in rules()} | OF_THE_SCHEMA


def test_every_rule_has_cases_on_both_sides() -> None:
    ids = {rule.id for rule in rules()}
    assert ids == set(BROKEN) & ids == set(SOUND) & ids


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_the_section_says_what_the_rule_says(rule: Rule) -> None:
    section = SECTIONS[rule.id]
    assert (section.title, section.severity, section.remedy) == (rule.title, rule.severity, rule.remedy)


@pytest.mark.parametrize("name", SECTIONS)
def test_before_breaks_the_rule_and_nothing_else(name: str) -> None:
    found = issues(SECTIONS[name].before)
    assert {issue.rule for issue in found} == {name}
    assert all(issue.docs == f"docs/validation.md#{name}" for issue in found)
    assert all(issue.message and issue.remedy for issue in found)
    assert {issue.severity for issue in found} <= {SECTIONS[name].severity, "error"}


@pytest.mark.parametrize("name", SECTIONS)
def test_after_breaks_no_rule(name: str) -> None:
    assert issues(SECTIONS[name].after) == ()


@pytest.mark.parametrize(("rule", "example"), [(rule, each) for rule, those in BROKEN.items() for each in those])
def test_broken(rule: str, example: str) -> None:
    assert rule in rule_ids(example)


@pytest.mark.parametrize(("rule", "example"), [(rule, each) for rule, those in SOUND.items() for each in those])
def test_sound(rule: str, example: str) -> None:
    assert rule not in rule_ids(example)
