"""From a requirements document to a specification that our own validation has nothing against."""

from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compatbuild.errors import SpecError
from compatbuild.nfd.decode import decode
from compatbuild.nfd.wire import relaxed
from compatbuild.nfd.write import dump
from compatbuild.refine.compile import SEVERAL_SETS, compile_document
from compatbuild.refine.document import Preference, RequirementsDocument, parse
from compatbuild.validation import Severity, validate
from tests.builders.needs import meets, random_host, random_requirements

DOCUMENT = """\
version: compatbuild/v1
tag: mine
description: what it needs
requirements:
  - {kernel: ">=5.10", comment: why}
preferences:
  - tag: fast
    weight: 50
    description: with RDMA
    requirements:
      - {module: [mlx5_ib]}
"""


@settings(max_examples=200)
@given(st.randoms(use_true_random=False))
def test_what_we_write_is_sound(random: Random) -> None:
    document = RequirementsDocument(version="compatbuild/v1", requirements=tuple(random_requirements(random)))
    assume(document.requirements)
    try:
        spec, _ = compile_document(document)
    except SpecError:
        assume(False)
    text = dump(spec)
    found = validate(text)
    assert {issue.rule for issue in found} <= {"unsatisfiable"}, text.decode()
    assert decode(text) == relaxed(spec)
    if any(issue.severity is Severity.ERROR for issue in found):  # the author's requirements contradict each other
        hosts = [random_host(random) for _ in range(20)]
        assert not any(all(meets(each, host) for each in document.requirements) for host in hosts)


def test_requirements_become_one_set_with_one_rule() -> None:
    spec, notes = compile_document(parse(DOCUMENT.partition("preferences")[0]))
    (only,) = spec.compatibilities
    (rule,) = only.rules
    assert (only.tag, only.description, only.weight, rule.name) == ("mine", "what it needs", 0, "mine")
    assert "why" in rule.matchFeatures[0].comment
    assert notes == ()


def test_a_preference_asks_for_the_requirements_too() -> None:
    spec, notes = compile_document(parse(DOCUMENT))
    required, fast = spec.compatibilities
    assert (fast.tag, fast.weight, fast.description) == ("fast", 50, "with RDMA")
    assert {term.feature for term in required.rules[0].matchFeatures} == {"kernel.version"}
    assert {term.feature for term in fast.rules[0].matchFeatures} == {"kernel.version", "kernel.loadedmodule"}
    assert notes == (SEVERAL_SETS,)
    assert [issue.rule for issue in validate(dump(spec))] == ["several-sets"]


def test_a_preference_that_contradicts_the_requirements_is_refused() -> None:
    document = parse(DOCUMENT)
    hopeless = Preference.model_validate({"tag": "x", "requirements": [{"kernel": "<5"}]})
    with pytest.raises(SpecError, match="No version satisfies"):
        compile_document(document.model_copy(update={"preferences": (hopeless,)}))


def test_the_same_document_gives_the_same_bytes() -> None:
    assert dump(compile_document(parse(DOCUMENT))[0]) == dump(compile_document(parse(DOCUMENT))[0])
