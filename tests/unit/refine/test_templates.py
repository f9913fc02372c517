"""The templates that ship, and what a template can do."""

import re
from pathlib import Path

import pytest
import yaml

from compatbuild.errors import TemplateError
from compatbuild.model.requirement import KernelRequirement
from compatbuild.refine.document import RequirementsDocument, parse
from compatbuild.refine.render import render
from compatbuild.refine.shipped import shipped_directory, shipped_names
from tests.golden.rendered import texts
from tests.unit.refine.reports import GIT, USUAL, context, finding, report

NAMES = ("default", "dpdk", "gpu", "hpc-mpi", "minimal")
MANY = report(
    *USUAL.findings,
    finding("dpdk.hugepages", {"hugepages": "any"}),
    finding("alt", {"any": [[{"module": ["i915"]}], [{"module": ["xe"]}]]}),
)


def made(tmp_path: Path, text: str, **over: object) -> RequirementsDocument:
    """Render a template given as text and parse what it prints."""
    return parse(printed(tmp_path, text, **over))


def printed(tmp_path: Path, text: str, **over: object) -> str:
    """Render a template given as text."""
    path = tmp_path / "compat.yaml.j2"
    path.write_text(text, encoding="utf-8")
    return render(path, {**context(), **over})


def document(lines: str) -> str:
    """Return a template with these lines above the requirements."""
    return f"{lines}\nversion: compatbuild/v1\nrequirements:\n  {{{{ requirements | yaml_list }}}}\n"


def test_the_shipped_templates_are_the_documented_ones() -> None:
    assert shipped_names() == NAMES
    readme = (shipped_directory() / "README.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in readme for name in NAMES)


def test_shipped_templates_print_what_they_did() -> None:
    for path, text in texts().items():
        assert path.read_text(encoding="utf-8") == text, "python -m tests.golden.rendered writes it anew"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("of", [USUAL, MANY, report()], ids=["usual", "many", "nothing"])
def test_shipped_templates_print_a_document(name: str, of: object) -> None:
    found = parse(render(name, context(of)), name)  # type: ignore[arg-type]  # a Report, given by parametrize
    inferred = {one.id for one in context(of)["requirements"]}  # type: ignore[arg-type]  # as above
    assert inferred <= {one.id for one in found.requirements}


@pytest.mark.parametrize("name", NAMES)
def test_every_commented_line_of_a_shipped_template_works(name: str, tmp_path: Path) -> None:
    text = (shipped_directory() / f"{name}.yaml.j2").read_text(encoding="utf-8")
    examples = re.findall(r"^\{# ?((?:\{%|  - |description:|preferences:).*?) #\}$", text, re.MULTILINE)
    assert len(examples) == text.count("{# {%") + text.count("{#  - ") + text.count("{# description:") + text.count(
        "{# preferences:"
    )
    for example in examples:
        changed = text.replace(f"{{# {example} #}}", example).replace(f"{{#{example} #}}", example)
        assert changed != text
        assert made(tmp_path, changed, **context(MANY)) != parse(render(name, context(MANY)))


def test_gpu_makes_the_driver_a_need_of_every_host() -> None:
    (driver,) = (one for one in parse(render("gpu", context())).requirements if one.id == "cuda.driver-min")
    assert driver.model_dump()["when"] == "always"


def test_dpdk_asks_for_huge_pages_once() -> None:
    for of in (USUAL, MANY):
        pages = [one for one in parse(render("dpdk", context(of))).requirements if hasattr(one, "hugepages")]
        assert len(pages) == 1


def test_hints_are_no_requirements() -> None:
    assert [one.id for one in context()["requirements"]] == ["cuda.driver-min", "gpu.compute", "kernel.min"]


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ('{% set requirements = requirements | without("cuda.driver-min") %}', ["gpu.compute", "kernel.min"]),
        ('{% set requirements = requirements | without("driver", "kernel") %}', ["gpu.compute"]),
        (
            '{% set requirements = requirements | without("nothing") %}',
            ["cuda.driver-min", "gpu.compute", "kernel.min"],
        ),
        ('{% set requirements = requirements | only("cuda.*", "gpu.*") %}', ["cuda.driver-min", "gpu.compute"]),
        ('{% set requirements = requirements | only("driver") | add(module=["x"]) %}', ["cuda.driver-min", "author"]),
        (
            "{% set requirements = requirements | rejectattr('id', 'eq', 'kernel.min') %}",
            ["cuda.driver-min", "gpu.compute"],
        ),
        ("{% set requirements = requirements + [] %}", ["cuda.driver-min", "gpu.compute", "kernel.min"]),
        (
            '{% if requirements | has("pci") %}{% set requirements = [] %}{% endif %}',
            ["cuda.driver-min", "gpu.compute", "kernel.min"],
        ),
    ],
)
def test_picking(tmp_path: Path, line: str, ids: list[str]) -> None:
    assert [one.id for one in made(tmp_path, document(line)).requirements] == ids


def test_replacing_keys_keeps_the_others(tmp_path: Path) -> None:
    line = '{% set requirements = requirements | only("kernel") | replace("kernel", kernel=">=5.10,<6.8", comment="tested") %}'
    (kernel,) = made(tmp_path, document(line)).requirements
    assert kernel == KernelRequirement(id="kernel.min", kernel=">=5.10,<6.8", comment="tested")


def test_replacing_the_subject_drops_its_other_keys(tmp_path: Path) -> None:
    line = '{% set requirements = requirements | only("driver") | replace("driver", when="always") | replace("driver", module=["x"]) %}'
    (module,) = made(tmp_path, document(line)).requirements
    assert module.model_dump(exclude_defaults=True) == {
        "id": "cuda.driver-min",
        "module": ("x",),
        "comment": "NVIDIA driver (/opt/app)",
    }


def test_a_list_of_requirements_takes_the_indentation_of_its_line(tmp_path: Path) -> None:
    for indent in ("", "  ", "      "):
        text = f"version: compatbuild/v1\nrequirements:\n{indent}{{{{ requirements | yaml_list }}}}\n{indent}- {{kernel: '>=5'}}\n"
        assert len(made(tmp_path, text).requirements) == 4


def test_requirements_can_be_printed_one_by_one(tmp_path: Path) -> None:
    text = "version: compatbuild/v1\nrequirements:\n{% for one in requirements %}\n  - {{ one }}\n{% endfor %}\n"
    assert made(tmp_path, text).requirements == context()["requirements"]


def test_requirements_survive_printing(tmp_path: Path) -> None:
    assert made(tmp_path, document(""), **context(MANY)).requirements == context(MANY)["requirements"]


def test_variables(tmp_path: Path) -> None:
    text = (
        "reference: {{ image.reference }}\nplatform: {{ image.platform }}\ncommit: {{ git.commit }}\ndirty: {{ git.dirty }}\n"
        'driver: {{ facts["cuda.driver.min"] }}\nnone: {{ facts.get("nothing") }}\n'
        "titles: [{% for one in findings if one.confidence == 'proven' %}{{ one.title }}, {% endfor %}]\n"
        'where: {{ findings[0].evidence[0].path }}\nfamilies: {{ ["MPICH", "Open MPI"] | join(" or ") }}\nlist: {{ ["a: b", 1] }}\n'
    )
    assert yaml.safe_load(printed(tmp_path, text)) == {
        "reference": "my/app:1.2",
        "platform": "linux/amd64",
        "commit": GIT.commit,
        "dirty": False,
        "driver": "525.60.13",
        "none": None,
        "titles": ["NVIDIA driver", "A need"],
        "where": "/opt/app",
        "families": "MPICH or Open MPI",
        "list": ["a: b", 1],
    }


def test_include_extends_and_macros(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "common.j2").write_text(
        "{% macro need(name) %}- {module: [{{ name }}]}{% endmacro %}", encoding="utf-8"
    )
    text = (
        '{% from "sub/common.j2" import need %}\nversion: compatbuild/v1\nrequirements:\n'
        '  {{ need("fuse") }}\n  {{ need("x: y") | upper | lower }}\n'
    )
    with pytest.raises(TemplateError, match="`module` is `x: y`"):
        made(tmp_path, text)  # "x: y" is no module name, and it stays one text
    assert made(tmp_path, text.replace("x: y", "overlay")).requirements[1].model_dump()["module"] == ("overlay",)
    assert made(tmp_path, '{% extends "compatbuild/minimal.yaml.j2" %}') == parse(render("minimal", context()))


def test_the_same_input_prints_the_same(tmp_path: Path) -> None:
    assert render("default", context()) == render("default", context())
