"""The jinja environment: few filters, fields instead of methods, every loop, call and print counted.

jinja's own sandbox keeps a template away from Python's internals; it does not keep it from endless loops or from
filling the memory. The tree of the template is rewritten before it is compiled so that every loop, every literal text
and every concatenation goes through the meter.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateSyntaxError, Undefined, nodes, pass_context
from jinja2.environment import TemplateModule
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

from compatbuild.errors import TemplateError
from compatbuild.model.base import Model
from compatbuild.model.requirement import Requirement
from compatbuild.refine import requirement_filters
from compatbuild.refine.meter import Meter
from compatbuild.refine.parameters import Parameters
from compatbuild.refine.quoting import block, flow, quote

_KEPT_FILTERS = frozenset(
    "abs capitalize d default dictsort first float int items last length list lower map max min reject rejectattr "
    "reverse select selectattr sort string trim unique upper".split()
)
"""Of jinja's own filters those that cannot make much of little."""

_METHODS: Mapping[type, frozenset[str]] = {
    str: frozenset(
        "endswith isdigit lower lstrip removeprefix removesuffix rstrip split startswith strip upper".split()
    ),
    dict: frozenset({"get", "items", "keys", "values"}),
    list: frozenset({"count", "index"}),
    tuple: frozenset({"count", "index"}),
}


_COUNTED = "_counted"  # a filter that the rewritten tree uses; no harm in a template that does too

MAX_TEMPLATES = 50
"""Compiled templates kept; one that includes more compiles some twice."""


class Sandbox(ImmutableSandboxedEnvironment):
    """An environment for one rendering."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})

    def __init__(self, loader: BaseLoader) -> None:
        super().__init__(
            loader=loader,
            undefined=StrictUndefined,
            # Text that the template itself says is Markup; whatever else is printed is a value.
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            finalize=self._finalize,
            cache_size=MAX_TEMPLATES,
        )
        self.meter = Meter()
        self.parameters = Parameters()
        self.filters = {name: self.filters[name] for name in sorted(_KEPT_FILTERS)} | self._own_filters()
        self.globals = {name: self.globals[name] for name in ("range", "dict", "namespace")}

    def _own_filters(self) -> dict[str, Callable[..., Any]]:
        names = ("has", "only", "without", "replace", "add")
        return {name: getattr(requirement_filters, name) for name in names} | {
            "yaml": lambda value: _own(quote(value) if isinstance(value, str) else flow(value)),
            "yaml_list": self._yaml_list,
            "join": self._join,
            _COUNTED: pass_context(lambda _context, items: self.meter.counted(items)),
        }

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree: nodes.Template = _Metered().visit(super()._parse(source, name, filename))
        return tree

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Allow fields of models and a few methods of texts, lists and mappings."""
        if isinstance(obj, Model):
            return attr in type(obj).model_fields
        if isinstance(obj, LoopContext | Macro | Namespace | TemplateModule):
            return bool(super().is_safe_attribute(obj, attr, value))
        return any(attr in methods for kind, methods in _METHODS.items() if isinstance(obj, kind))

    def wrap_str_format(self, value: Any) -> None:
        """Let ``str.format`` be judged like any other method: jinja would let it through, and it pads without limit."""

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Count every call."""
        self.meter.step()
        return self.meter.sized(super().call(context, obj, *args, **kwargs))

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Do arithmetic on small numbers, and join texts and lists with ``+``; nothing else."""
        self.meter.step()
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return self._join((left, right))
        if operator == "+" and isinstance(left, list | tuple) and isinstance(right, list | tuple):
            return self.meter.sized([*left, *right])
        if operator == "**" or not all(isinstance(side, int | float) for side in (left, right)):
            kinds = f"{type(left).__name__} {operator} {type(right).__name__}"
            raise TemplateError(f"templates do not compute {kinds}", remedy="use ~ to join texts")
        return self.meter.sized(super().call_binop(context, operator, left, right))

    def _join(self, parts: Iterable[Any], between: str = "") -> str:
        """Join texts; the result is the template's own text only when all of them are."""
        texts = [part if isinstance(part, str) else flow(part) for part in parts]
        self.meter.length(sum(map(len, texts)) + len(between) * len(texts))
        joined = str(between).join(map(str, texts))
        own = all(isinstance(part, Markup) for part in (*parts, between or Markup()))
        return _own(joined) if own else joined

    def _yaml_list(self, requirements: Iterable[Requirement]) -> Markup:
        """Return requirements as list items, indented as the expression is; it must be alone on its line."""
        return _own(self.parameters.block(self.meter.printed(block(requirements))))

    @pass_context
    def _finalize(self, _context: Context, value: Any) -> Markup:
        """Return what is printed for an expression: YAML of the template's own, or a mark for a text."""
        if isinstance(value, Undefined):
            return _own(str(value))  # raises, and names the variable
        if isinstance(value, Markup):
            return _own(self.meter.printed(value))
        if isinstance(value, str):
            return _own(self.parameters.value(self.meter.printed(value)))
        return _own(self.meter.printed(flow(value)))


def _own(text: str) -> Markup:
    """Mark a text as the template's own: printed as it is. Nothing from outside may come here unquoted."""
    return Markup(text)  # noqa: S704 - the one place where it is done


class _Metered(NodeTransformer):
    """Rewrites a template's tree so that the meter sees what jinja alone would not show it."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802 - jinja's name
        """Count the turns of a loop."""
        if node.recursive:
            raise TemplateSyntaxError("recursive loops are not allowed", node.lineno)
        self.generic_visit(node)
        node.iter = nodes.Filter(node.iter, _COUNTED, [], [], None, None, lineno=node.lineno)
        return node

    def visit_TemplateData(self, node: nodes.TemplateData) -> nodes.Expr:  # noqa: N802 - jinja's name
        """Print literal text as any other value, so that it is counted."""
        return nodes.MarkSafe(nodes.Const(node.data), lineno=node.lineno)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802 - jinja's name
        """Join with ``~`` through our own filter, which looks at the length first."""
        self.generic_visit(node)
        return nodes.Filter(nodes.List(node.nodes), "join", [], [], None, None, lineno=node.lineno)
