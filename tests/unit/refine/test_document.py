"""Requirements documents: what is read, and how what is wrong with one is told."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.errors import TemplateError
from compatbuild.model.requirement import SUBJECTS
from compatbuild.refine.document import RequirementsDocument, parse
from compatbuild.refine.quoting import flow
from compatbuild.refine.schemas import schema_documents
from compatbuild.refine.yaml_model import MAX_PROBLEMS
from compatbuild.validation.schema import load
from tests.golden.schemas import texts

ONE_OF_EACH = """\
version: compatbuild/v1
tag: required
description: one of each
requirements:
  - {architecture: amd64}
  - {cpu: x86-64-v3}
  - {cpu: [AVX2]}
  - {id: kernel.range, kernel: ">=5.10,<6.8", comment: why}
  - {kernel_release: [5.14.0-427.el9.x86_64]}
  - {facility: [FUSE_FS], modules: [fuse]}
  - {config: {HZ: ["250"], PREEMPT_RT: [], BPF: [y, m]}}
  - {module: [vfio_pci], state: enabled}
  - {pci: ["10de"], classes: ["03"], devices: ["2330"]}
  - {driver: ">=525.60.13", when: always}
  - {compute: ">=7.5"}
  - {hugepages: any}
  - {hugepages: {2Mi: ">=1024"}}
  - {nfd: system.osrelease, name: ID, op: In, value: [debian]}
  - {any: [[{module: [i915]}], [{module: [xe]}]]}
preferences:
  - {tag: fast, weight: 50, description: x, requirements: [{module: [mlx5_ib]}]}
"""


def test_one_of_each_subject() -> None:
    document = parse(ONE_OF_EACH)
    assert {subject for one in document.requirements for subject in SUBJECTS if hasattr(one, subject)} == set(SUBJECTS)
    assert document.preferences[0].weight == 50


def test_it_survives_being_written_and_read() -> None:
    assert parse(flow(parse(ONE_OF_EACH))) == parse(ONE_OF_EACH)


def test_a_text_is_never_taken_for_something_else() -> None:
    document = parse("version: compatbuild/v1\nrequirements:\n  - {config: {y: [y, n, 0200, 5.10, on]}}\n")
    assert document.requirements[0].model_dump()["config"] == {"y": ("y", "n", "0200", "5.10", "on")}


def test_no_requirements() -> None:
    assert parse("version: compatbuild/v1\nrequirements:\n").requirements == ()
    assert parse("version: compatbuild/v1\n").requirements == ()


WRONG = {
    "an unknown key": (
        "version: compatbuild/v1\nrequirement: []",
        "line 2: unknown key `requirement` (did you mean `requirements`?)",
    ),
    "an unknown subject": (
        'version: compatbuild/v1\nrequirements:\n- {kernal: ">=5"}',
        "line 3: unknown subject `kernal` (did you mean `kernel`?)",
    ),
    "an unknown key of a subject": (
        'version: compatbuild/v1\nrequirements:\n- driver: ">=5"\n  whenn: always',
        "line 4: unknown key `whenn` (did you mean `when`?)",
    ),
    "two subjects": (
        'version: compatbuild/v1\nrequirements:\n- {kernel: ">=5", module: [x]}',
        "line 3: a requirement has one subject",
    ),
    "no subject": (
        "version: compatbuild/v1\nrequirements:\n- {comment: x}",
        "line 3: a requirement has one of the keys",
    ),
    "a text for a requirement": (
        "version: compatbuild/v1\nrequirements:\n- kernel",
        "line 3: a requirement is a mapping",
    ),
    "a list for a requirement": (
        "version: compatbuild/v1\nrequirements:\n- [kernel]",
        "line 3: a requirement is a mapping",
    ),
    "a text for a list": (
        "version: compatbuild/v1\nrequirements:\n- comment: x\n  module: fuse",
        "line 4: `module` must be a list, as in `module: [fuse]`",
    ),
    "a list for a text": ("version: compatbuild/v1\nrequirements:\n- kernel: []", "line 3: `kernel` must be text"),
    "no version": ("requirements: []", "line 1: the key `version` is missing"),
    "another version": ("version: compatbuild/v2", "line 1: `version` is `compatbuild/v2`"),
    "a bad level": ("version: compatbuild/v1\nrequirements:\n- {cpu: x86-64-v9}", "line 3: `cpu` is `x86-64-v9`"),
    "a bad id": ("version: compatbuild/v1\nrequirements:\n- {id: A B, cpu: x86-64-v2}", "line 3: `id` is `A B`"),
    "a bad tag": ("version: compatbuild/v1\ntag: a,b", "line 2: `tag` is `a,b`"),
    "a bad weight": (
        "version: compatbuild/v1\npreferences:\n- tag: x\n  weight: 500\n  requirements: [{module: [x]}]",
        "line 4: `weight` is `500`",
    ),
    "no range": (
        'version: compatbuild/v1\nrequirements:\n- {kernel: "5.10"}',
        "line 3: '5.10' is not a range of versions",
    ),
    "an empty range": (
        'version: compatbuild/v1\nrequirements:\n- comment: x\n  driver: ">5,<4"',
        "line 4: no version satisfies",
    ),
    "a bad range in a branch": (
        'version: compatbuild/v1\nrequirements:\n- any:\n  - - module: [x]\n    - kernel: "5"',
        "line 5: '5' is not a range",
    ),
    "a bad range in a preference": (
        'version: compatbuild/v1\npreferences:\n- tag: x\n  requirements:\n  - compute: "7"',
        "line 5: '7' is not a range",
    ),
    "a bad count": ("version: compatbuild/v1\nrequirements:\n- hugepages:\n    2Mi: x", "line 4: 'x' is not a range"),
    "a key twice": ("version: compatbuild/v1\ntag: a\ntag: b", "line 3: the key `tag` stands twice"),
    "an empty value": ("version: compatbuild/v1\ntag:", "line 2: `tag`"),
    "no YAML": ("version: [", "did not find expected"),
    "nothing": ("", "it should be a requirements document"),
    "a list": ("- kernel", "line 1:"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(text, "compat.yaml.j2")
    assert said in caught.value.why
    assert caught.value.what.startswith("compat.yaml.j2")
    assert caught.value.remedy


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(TemplateError) as caught:
        parse(
            'version: compatbuild/v1\nrequirements:\n- {kernal: ">=5"}\n- {module: fuse}\n- {driver: ">=5", wen: always}'
        )
    assert "3 problems" in caught.value.what
    assert all(f"line {line}:" in caught.value.why for line in (3, 4, 5))


def test_the_line_of_a_rendered_document_is_shown() -> None:
    with pytest.raises(TemplateError) as caught:
        parse("version: compatbuild/v1\nrequirements:\n  - {module: fuse}", "compat.yaml.j2", rendered=True)
    assert caught.value.what == "what compat.yaml.j2 prints is not a requirements document"
    assert caught.value.why.startswith("line 3, `- {module: fuse}`: `module` must be a list")


def test_not_more_than_a_page_of_problems_is_told() -> None:
    with pytest.raises(TemplateError) as caught:
        parse("version: compatbuild/v1\nrequirements:\n" + "- {kernal: x}\n" * 50)
    assert caught.value.why.count("line ") == MAX_PROBLEMS
    assert "and 40 more" in caught.value.why


@given(
    st.lists(st.sampled_from([*ONE_OF_EACH.split(), "\n", "- ", "&a", "*a", "<<:", "{", "}", "[", "~"]), max_size=40)
)
def test_any_text_is_a_document_or_a_template_error(pieces: list[str]) -> None:
    try:
        document = parse(" ".join(pieces))
    except TemplateError:
        return
    assert isinstance(document, RequirementsDocument)


def test_the_schema_files_are_those_of_the_models() -> None:
    for path, text in texts().items():
        assert path.read_text(encoding="utf-8") == text, "python -m tests.golden.schemas writes it anew"


@pytest.mark.parametrize("name", schema_documents())
def test_the_schemas_ship_with_the_package(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(load(name))
    assert json.dumps(load(name)) == json.dumps(schema_documents()[name])


def test_the_schema_takes_what_is_read() -> None:
    jsonschema.validate(
        yaml.safe_load(ONE_OF_EACH.replace("[y, m]", '["y", "m"]')), load("compat-requirements-v1.schema.json")
    )


def test_the_page_shows_documents_that_are_read() -> None:
    page = (Path(__file__).parents[3] / "docs" / "refine.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    assert parse(example).preferences
    rows = re.findall(r"^\| (`[a-z_]+: .*?) \|", page, re.MULTILINE)
    shown = [code for row in rows for code in re.findall(r"`([^`]+)`", row) if "…" not in code]
    items = "".join(f"  - {code}\n" for code in shown).replace(
        "nfd: system.osrelease", "{nfd: system.osrelease, op: Exists}"
    )
    subjects = {
        key
        for one in parse(f"version: compatbuild/v1\nrequirements:\n{items}").requirements
        for key in SUBJECTS
        if hasattr(one, key)
    }
    assert subjects | {"any"} == set(SUBJECTS)
