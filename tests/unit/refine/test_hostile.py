"""Values are data whatever is in them; templates cannot read, run or exhaust anything."""

import resource
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.errors import TemplateError
from compatbuild.refine.document import parse
from compatbuild.refine.meter import MAX_PRINTED
from compatbuild.refine.quoting import flow, quote
from compatbuild.refine.render import MAX_TEMPLATE_BYTES, render
from tests.unit.refine.reports import context, finding, report
from tests.unit.refine.test_templates import document, printed

WAYS = (
    "key: {{ v }}\n",
    'key: "{{ v }}"\n',
    "key: '{{ v }}'\n",
    "key: {{ v | yaml }}\n",
    "key: |\n  {{ v }}\nother: 1\n",
    "key: >-\n  {{ v }}\n",
    "{key: {{ v }}}\n",
    '{key: "{{ v }}", other: 1}\n',
    "- {{ v }}\n- {key: {{ v }}}\n",
    "# {{ v }}\nkey: 1\n",
    "key: 1 # {{ v }}\n",
    "{{ v }}: 1\n",
    'key: {{ ["a", v] }}\n',
    "{% set w %}{{ v }}{% endset %}key: {{ w }}\n",
    "key: {{ v ~ '' }}\n",
    "key: {{ [v, ''] | join }}\n",
    "{% macro m(x) %}{{ x }}{% endmacro %}key: {{ m(v) }}\n",
    "{% filter upper %}key: {{ v }}{% endfilter %}\n",
)
HOSTILE = (
    'x"\nrequirements: []\n"',
    "x'\nother: 2\n'",
    "a: b",
    "- a",
    "}\nother: 2\n{",
    "# comment",
    " #",
    "*alias",
    "&anchor a",
    "!!python/object:os.system x",
    "<<: {}",
    "%YAML 1.2\n---",
    "---\n...\n---",
    "\n",
    "\u2028other: 2",
    "\x85other: 2",
    "\x00",
    "\x1b[31m",
    "\ud800",
    "\ufeff",
    "{{ 7 * 7 }}",
    "{% for x in range(9) %}",
    "<b>&amp;</b>",
    "yes",
    "0x10",
    "null",
    "",
    "|",
    ">-",
    "\t",
    "\ue0000:0\ue001",
    "é😀",
    "a\\nb\\",
)


def shape(node: yaml.Node | None) -> object:
    """Return the structure of a YAML tree: its kinds of nodes and how many, without the texts of the scalars."""
    if isinstance(node, yaml.MappingNode):
        return [(shape(key), shape(value)) for key, value in node.value]
    if isinstance(node, yaml.SequenceNode):
        return [shape(item) for item in node.value]
    return type(node)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_never_changes_the_structure(tmp_path: Path, way: str, value: str) -> None:
    tame, wild = printed(tmp_path, way, v="tame"), printed(tmp_path, way, v=value)
    assert shape(yaml.compose(wild, yaml.BaseLoader)) == shape(yaml.compose(tame, yaml.BaseLoader)), wild


@pytest.mark.parametrize(
    "way", ["key: {{ v }}\n", 'key: "{{ v }}"\n', "key: '{{ v }}'\n", "key: {{ v | yaml }}\n", "{key: {{ v ~ '' }}}\n"]
)
@settings(max_examples=150)
@given(value=st.text(max_size=40))
def test_a_value_arrives_as_it_is(tmp_path_factory: pytest.TempPathFactory, way: str, value: str) -> None:
    text = printed(tmp_path_factory.getbasetemp(), way, v=value)
    assert yaml.load(text, yaml.BaseLoader) == {"key": value}


@given(st.text(max_size=60))
def test_quoting(value: str) -> None:
    assert yaml.load(quote(value), yaml.BaseLoader) == value
    assert "\n" not in quote(value)


@given(
    st.recursive(
        st.text(max_size=9) | st.booleans() | st.none() | st.integers(-9, 9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=9,
    )
)
def test_flow(value: object) -> None:
    assert yaml.safe_load(flow(value)) == value


def test_a_hostile_image_adds_no_requirement() -> None:
    evil = 'libfoo"}\n  - {module: [evil]}\n# '
    of = report(finding("x.y", {"kernel": ">=5.10"}, title=evil), reference=evil)
    for name in ("default", "minimal", "gpu", "hpc-mpi"):
        found = parse(render(name, context(of)))
        assert [one.id for one in found.requirements] == ["x.y"]
        assert evil in found.requirements[0].comment


REFUSED = {
    "an endless loop": "{% for a in range(20000) %}{% for b in range(20000) %}{% endfor %}{% endfor %}",
    "a nest of loops over a list": "{% set l = [" + "1," * 500 + "] %}" + "{% for a in l %}" * 5 + "{% endfor %}" * 5,
    "a long text": '{{ "a" * 1000000000 }}',
    "a long list": "{{ [1] * 1000000000 }}",
    "a long number": "{{ 9 ** 9 ** 9 }}",
    "a growing number": "{% set ns = namespace(x=9) %}{% for i in range(99) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "doubling": "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "doubling by plus": "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "doubling lists": "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "doubling blocks": "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}{% endfor %}",
    "a long join": "{{ range(9999) | map('string') | join('" + "x" * 999 + "') }}",
    "much text": "{% for i in range(19000) %}" + "x" * 100 + "{% endfor %}",
    "much text in a variable": "{% set x %}{% for i in range(19000) %}" + "x" * 100 + "{% endfor %}{% endset %}",
    "many lists": "{% set r = [requirements[0]] %}{% for i in range(9999) %}\n{{ r | yaml_list }}\n{% endfor %}",
    "a format": '{{ "%999999999d" % 1 }}',
    "str.format": '{{ "{:>999999999}".format(1) }}',
    "ljust": '{{ "a".ljust(999999999) }}',
    "center": '{{ "a" | center(999999999) }}',
    "lipsum": "{{ lipsum(n=99999) }}",
    "recursion": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "doubling calls": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    "itself": '{% include "compat.yaml.j2" %}',
    "a recursive loop": "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "deep nesting": "{{ " + "(" * 9999 + "1" + ")" * 9999 + " }}",
    "a class": "{{ ''.__class__ }}",
    "subclasses": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ requirements.__init__.__globals__ }}",
    "a model's method": "{{ image.model_dump() }}",
    "a model's class": "{{ image.model_config }}",
    "the context": "{{ self._TemplateReference__context }}",
    "attr": "{{ image | attr('model_fields') }}",
    "mutation": "{{ facts.update({'a': 1}) }}",
    "a function": "{{ range }}",
    "a file above": '{% include "../secret" %}',
    "an absolute file": '{% include "/etc/hostname" %}',
    "a link out": '{% include "link" %}',
    "a directory": '{% include "." %}',
    "a shipped file above": '{% include "compatbuild/../../pyproject.toml" %}',
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_refused_soon_and_with_little_memory(tmp_path: Path, text: str) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "secret").write_text("password", encoding="utf-8")
    (tmp_path / "t" / "link").symlink_to(tmp_path / "secret")
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(TemplateError) as caught:
        printed(tmp_path / "t", text)
    assert "password" not in str(caught.value)
    assert time.process_time() - start < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


def test_sizes(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="too large"):
        printed(tmp_path, "#" * (MAX_TEMPLATE_BYTES + 1))
    with pytest.raises(TemplateError, match="stopped"):
        printed(tmp_path, "{{ v }}\n{{ v }}", v="x" * (MAX_PRINTED // 2 + 1))
    assert len(printed(tmp_path, "# {{ v }}\n", v="x" * 1000)) > 1000


ERRORS = {
    "an unknown variable": (
        "\n\n{{ requirement }}",
        "line 3: 'requirement' is undefined (did you mean `requirements`?)",
    ),
    "an unknown field": ("\n{{ image.tag }}", "line 2: "),
    "an unknown fact": ('{{ facts["nothing"] }}', "line 1: "),
    "an unknown filter": ("\n{{ 1 | yamllist }}", "line 2: No filter named 'yamllist'"),
    "bad syntax": ("a\n{% if %}", "line 2: "),
    "an unclosed block": ("{% if 1 %}\n", "line 1: "),
    "nothing to replace": (
        '\n\n\n{{ requirements | replace("pci", pci=["10de"]) }}',
        "line 4: replace: there is no requirement `pci`",
    ),
    "a bad key": ('{{ requirements | add(kernal=">=5") }}', "line 1: not a requirement"),
    "a bad value": ('{{ requirements | replace("driver", when="never") }}', "line 1: not a requirement"),
    "two subjects": (
        '{{ requirements | replace("driver", kernel=">=5", module=["x"]) }}',
        "line 1: replace: one subject",
    ),
    "an operator": ("\n{{ 'a' - 1 }}", "line 2: templates do not compute str - int"),
    "a division": ("{{ 1 / 0 }}", "line 1: division by zero"),
    "a missing file": ('\n{% include "nothing.j2" %}', "line 2: there is no template nothing.j2"),
    "a list inside a line": ("requirements: {{ requirements | yaml_list }}", "must stand on a line of its own"),
    "no YAML": ("a: [\nb: {{ image.reference }}\n", "prints no YAML"),
    "a macro that takes other arguments": ("{% macro m() %}{% endmacro %}\n{{ m(1) }}", "line 2: "),
}


@pytest.mark.parametrize(("text", "said"), ERRORS.values(), ids=ERRORS)
def test_an_error_names_file_line_and_variable(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TemplateError) as caught:
        printed(tmp_path, text)
    assert caught.value.what.startswith("compat.yaml.j2")
    assert said in caught.value.what
    assert caught.value.remedy
    assert caught.value.exit_code == 12


def test_an_error_in_an_included_file_names_that_file(tmp_path: Path) -> None:
    (tmp_path / "common.j2").write_text("\n\n{{ nothing }}", encoding="utf-8")
    with pytest.raises(TemplateError, match=r"^common\.j2, line 3: 'nothing' is undefined"):
        printed(tmp_path, '{% include "common.j2" %}')


def test_the_line_that_is_no_yaml_is_shown(tmp_path: Path) -> None:
    with pytest.raises(TemplateError) as caught:
        printed(tmp_path, "a: 1\nb: [ {{ v }}\nc: 2\n", v="x: y")
    assert "line" in caught.value.why


def test_a_template_must_be_there() -> None:
    with pytest.raises(TemplateError, match="no template gpus") as caught:
        render("gpus", context())
    assert "did you mean `gpu`?" in caught.value.why


def test_binary_is_no_template(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xff")
    with pytest.raises(TemplateError, match="UTF-8"):
        render(tmp_path / "t", context())


def test_a_template_that_is_a_link_out_of_its_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "secret").write_text("password", encoding="utf-8")
    (tmp_path / "d" / "t").symlink_to(tmp_path / "secret")
    with pytest.raises(TemplateError, match="outside"):
        render(tmp_path / "d" / "t", context())


def test_document_template_is_usable(tmp_path: Path) -> None:
    assert parse(printed(tmp_path, document(""))).requirements
