"""Which operators make sense for which elements, by NFD's catalogue."""

from compatbuild.nfd.catalogue import Kind, ValueType, catalogue
from compatbuild.validation.operators import ALL, ORDERING, PRESENCE, TRUTH
from compatbuild.validation.outline import Expression
from compatbuild.validation.words import shown

_WORDS = {
    ValueType.STRING: "text",
    ValueType.BOOL: "`true` or `false`",
    ValueType.HEX2: "two hexadecimal digits",
    ValueType.HEX4: "four hexadecimal digits",
    ValueType.VERSION: "a version",
    ValueType.INT: "a number",
}


def is_instance(feature: str) -> bool:
    """Tell whether a feature lists devices; an unknown one is taken not to."""
    known = catalogue().feature(feature)
    return known is not None and Kind.INSTANCE in known.kinds


def is_flag(expression: Expression) -> bool:
    """Tell whether an expression is on an element that has no value."""
    known = catalogue().feature(expression.feature)
    if known is None or expression.element is None or Kind.FLAG not in known.kinds:
        return False
    others = (elements for kind, elements in known.kinds.items() if kind is not Kind.FLAG)
    return not any(elements.open or expression.element.text in elements.named for elements in others)


def value_type(expression: Expression) -> ValueType | None:
    """Return what the element's value looks like, or None when the catalogue does not say."""
    known = catalogue().feature(expression.feature)
    element = known.element(expression.element.text) if known and expression.element else None
    return element.type if element else None


def misfit(expression: Expression) -> str | None:
    """Return why an operator cannot hold for an element, or makes NFD end the check; None when it fits."""
    operator = expression.operator
    if operator not in ALL:
        return None
    if expression.element is None:
        wrong = operator in ORDERING | TRUTH
        return f"{operator} compares values, and matchName has only names" if wrong else None
    name = shown(expression.element.text)
    if is_flag(expression):
        return None if operator in PRESENCE else f"{name} is a flag without a value, so {operator} is never true"
    kind = value_type(expression)
    if operator in TRUTH and (expression.feature == "kernel.config" or kind not in {None, ValueType.BOOL}):
        held = "`y`, `m` or another text" if kind is None else _WORDS[kind]
        return f"{operator} compares with `true` or `false`, and {name} is {held}"
    numeric = operator in ORDERING and expression.type is None
    if numeric and kind not in {None, ValueType.INT}:
        return f"{operator} compares numbers, and {name} is {_WORDS[kind]}: NFD ends the whole check with an error"
    return None
