"""The canonical text of a specification: the same specification gives the same bytes, on every machine.

Every value that NFD reads as text is in double quotes, since an unquoted ``y`` or ``5.10`` is something else to NFD;
keys are plain where NFD reads them as they stand. Elements are sorted by name, comments stand above the terms they
belong to, and nothing in a text or a comment can end the line it is on.
"""

import re
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence

from compatbuild.errors import SpecError
from compatbuild.nfd.scalars import resolve
from compatbuild.nfd.spec import Branch, Compatibility, Expression, Rule, Spec, Term

COMMENT_WIDTH = 80  # characters behind the mark
MAX_SIMPLE_KEY = 500  # characters; YAML lets a key on one line have 1,024 bytes

_INDENT = "  "
_PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*", re.ASCII)
# Never written as they are: controls, YAML's line breaks, what YAML cannot hold, what is invisible or turns the
# direction of the text around it. Fixed here, as Python's own tables grow from release to release.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\xa0\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164"
    "\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U0010ffff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_SHORT_ESCAPES = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def dump(spec: Spec) -> bytes:
    """Give the canonical YAML of a specification, UTF-8 with a newline at its end; NFD decodes it to the same object.

    Raises SpecError when a text holds a lone surrogate, which no YAML can.
    """
    return "".join(f"{line}\n" for line in _spec(spec)).encode()


def dump_rule(rule: Rule) -> str:
    """Give the terms of a rule, as they stand in a specification, without the rule's name."""
    lines = [line for line in _rule(rule) if not line.startswith("name: ")]
    return "".join(f"{line}\n" for line in lines)


def quoted(text: str) -> str:
    """Give a text as a double-quoted YAML scalar on one line; SpecError when it holds a lone surrogate."""
    if _SURROGATE.search(text):
        raise SpecError(
            "The specification cannot be written",
            why=f"{text[:100]!r} holds half of a surrogate pair",
            remedy="replace that character",
        )
    return f'"{_visible(text.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34)))}"'


def _spec(spec: Spec) -> Iterator[str]:
    yield f"version: {quoted(spec.version)}"
    yield from _list("compatibilities", map(_set, spec.compatibilities))


def _set(item: Compatibility) -> Iterator[str]:
    yield from _texts(tag=item.tag, description=item.description)
    if item.weight:
        yield f"weight: {item.weight}"
    yield from _list("rules", map(_rule, item.rules))


def _rule(rule: Rule) -> Iterator[str]:
    yield f"name: {quoted(rule.name)}"
    if rule.vars:
        yield "vars:"
        yield from (f"{_INDENT}{line}" for name in sorted(rule.vars) for line in pair(name, quoted(rule.vars[name])))
    yield from _texts(varsTemplate=rule.varsTemplate)
    if rule.matchFeatures:
        yield from _list("matchFeatures", map(_term, rule.matchFeatures), _comments(rule.matchFeatures))
    if rule.matchAny:
        yield from _list("matchAny", map(_branch, rule.matchAny))


def _branch(branch: Branch) -> Iterator[str]:
    yield from _list("matchFeatures", map(_term, branch.matchFeatures), _comments(branch.matchFeatures))


def _term(term: Term) -> Iterator[str]:
    yield f"feature: {quoted(term.feature)}"
    if term.matchExpressions is not None:
        yield from _expressions(term.matchExpressions)
    if term.matchName is not None:
        yield "matchName:"
        yield from _indented(_expression(term.matchName))


def _expressions(expressions: Mapping[str, Expression]) -> Iterator[str]:
    if not expressions:
        yield "matchExpressions: {}"
        return
    yield "matchExpressions:"
    for name in sorted(expressions):
        yield from _indented(pair(name, ""))
        yield from _indented(_indented(_expression(expressions[name])))


def _expression(expression: Expression) -> Iterator[str]:
    yield f"op: {quoted(expression.op)}"
    if expression.value:
        yield f"value: [{', '.join(map(quoted, expression.value))}]"
    yield from _texts(type=expression.type)


def _texts(**fields: str) -> Iterator[str]:
    return (f"{name}: {quoted(text)}" for name, text in fields.items() if text)


def pair(key: str, value: str) -> Iterator[str]:
    """Give the lines of a key that an author chose, and its value, which of a long key is on a line below."""
    text = key if _PLAIN_KEY.fullmatch(key) and isinstance(resolve(key), str) else quoted(key)
    if len(text) > MAX_SIMPLE_KEY:
        yield f"? {text}"
        yield f": {value}".rstrip()
    else:
        yield f"{text}: {value}".rstrip()


def _list(name: str, items: Iterable[Iterator[str]], comments: Sequence[str] = ()) -> Iterator[str]:
    """Give a field that is a list of mappings, each with its comment above it."""
    entries = [list(item) for item in items]
    yield f"{name}:" if entries else f"{name}: []"
    for at, (first, *rest) in enumerate(entries):
        if comments:
            yield from _indented(iter(comment(comments[at])))
        yield f"{_INDENT}- {first}"
        yield from (f"{_INDENT * 2}{line}" for line in rest)


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (f"{_INDENT}{line}" for line in lines)


def _comments(terms: Sequence[Term]) -> list[str]:
    return [term.comment for term in terms]


def comment(text: str) -> list[str]:
    """Give the lines of a comment, wrapped; whatever could end a line is escaped, so that none can be left early."""
    wrapper = textwrap.TextWrapper(COMMENT_WIDTH, break_long_words=False, break_on_hyphens=False)
    lines = [line for part in text.split("\n") for line in wrapper.wrap(_visible(part)) or [""]] if text else []
    return [f"# {line}".rstrip() for line in lines]


def _visible(text: str) -> str:
    return _UNSAFE.sub(lambda match: _escaped(match[0]), text)


def _escaped(character: str) -> str:
    code = ord(character)
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    return f"\\x{code:02X}" if code < 0x100 else f"\\u{code:04X}" if code < 0x10000 else f"\\U{code:08X}"
