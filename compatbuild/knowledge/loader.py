"""Read the knowledge files that ship with the package, and refuse what breaks their rules.

A file ``<subject>.yaml`` is a mapping of blocks. A block is one table: ``rows`` (key to value), ``src`` (a grade),
``source`` and ``retrieved`` (a date), which must all be there, and optionally ``grades`` (the rows whose grade differs
from ``src``) and ``about`` (a sentence for the reader of the file). Its blocks are exactly the fields of the subject's
class in ``subjects``, whose annotations say what keys and values must be.

``knowledge.json`` holds the same documents in a form that is read in a fraction of the time; ``python -m
tests.golden.knowledge`` writes it from the YAML files.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Any, TypeVar, get_args, get_type_hints

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from compatbuild.errors import KnowledgeError
from compatbuild.knowledge.rows import Grade, Row, Table
from compatbuild.knowledge.subjects import SUBJECTS, Knowledge
from compatbuild.model.base import Model

S = TypeVar("S")
REMEDY = "correct the file; every block needs rows, src, source and retrieved"
COMPILED = "knowledge.json"
_TABLES = ("rows", "grades")
"""Parts of a block whose keys may be numbers, so that JSON holds them as pairs."""


class Block(Model):
    """One table as it stands in a file."""

    rows: Mapping[Any, Any] = Field(min_length=1)
    src: Grade
    source: str = Field(min_length=1)
    retrieved: date
    grades: Mapping[Any, Grade] = Field(default_factory=dict)
    about: str = ""


@cache
def load() -> Knowledge:
    """Return the knowledge that ships with the package; it is read once."""
    text = (resources.files("compatbuild.knowledge") / COMPILED).read_text("utf-8")
    documents = json.loads(text)
    for document in documents.values():
        for block in document.values():
            block.update({name: dict(block[name]) for name in _TABLES if name in block})
    return _knowledge(documents)


def load_directory(directory: Traversable) -> Knowledge:
    """Read one file a subject from a directory.

    Raises KnowledgeError, naming file and block, for a block without its source, an unknown grade, an unknown or
    missing block, or a row of the wrong type.
    """
    return _knowledge({name: _document(directory / f"{name}.yaml") for name in SUBJECTS})


def _knowledge(documents: Mapping[str, dict[Any, Any]]) -> Knowledge:
    read: dict[str, Any] = {name: _subject(kind, documents[name], name) for name, kind in SUBJECTS.items()}
    dates = [row.retrieved for subject in read.values() for table in _tables(subject) for row in table.values()]
    return Knowledge(as_of=max(dates).isoformat(), **read)


def _tables(subject: Any) -> list[Table[Any, Any]]:
    return [getattr(subject, field.name) for field in fields(subject)]


def _subject(kind: type[S], document: dict[Any, Any], name: str) -> S:
    hints = get_type_hints(kind)
    if document.keys() != hints.keys():
        wrong = ", ".join(sorted(str(name) for name in document.keys() ^ hints.keys()))
        raise KnowledgeError(f"{name}.yaml has unknown or missing blocks: {wrong}", remedy=REMEDY)
    return kind(**{block: _table(document[block], hints[block], f"{name}.yaml, {block}") for block in hints})


def _document(file: Traversable) -> dict[Any, Any]:
    import yaml  # noqa: PLC0415 - only when knowledge is needed

    try:
        document = yaml.load(file.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except (OSError, yaml.YAMLError) as error:
        raise KnowledgeError(f"{file.name} cannot be read", why=str(error), remedy=REMEDY) from error
    if not isinstance(document, dict):
        raise KnowledgeError(f"{file.name} is not a mapping of blocks", remedy=REMEDY)
    return document


def _table(text: Any, hint: Any, where: str) -> Table[Any, Any]:
    """Turn one block into rows, each checked against the types that ``hint`` (a ``Table``) names."""
    key_type, row_type = get_args(hint)
    (value_type,) = get_args(row_type)
    try:
        block = Block.model_validate(text)
        keys = TypeAdapter(key_type, config=ConfigDict(strict=True))
        values = TypeAdapter(value_type)
        rows = {keys.validate_python(key): values.validate_python(value) for key, value in block.rows.items()}
    except ValidationError as error:
        raise KnowledgeError(f"{where} breaks the rules of knowledge", why=str(error), remedy=REMEDY) from error
    if stray := block.grades.keys() - rows.keys():
        raise KnowledgeError(f"{where} grades rows it does not have: {sorted(map(str, stray))}", remedy=REMEDY)
    return MappingProxyType(
        {
            key: Row(value, block.grades.get(key, block.src), block.source, block.retrieved)
            for key, value in rows.items()
        }
    )


def compiled() -> str:
    """Return the text of ``knowledge.json``, made from the YAML files: one line a block."""
    lines = []
    for name in SUBJECTS:
        document = _document(resources.files("compatbuild.knowledge") / f"{name}.yaml")
        blocks = (f"{json.dumps(key)}: {_compact(block)}" for key, block in document.items())
        lines.append(f"{json.dumps(name)}: {{\n" + ",\n".join(blocks) + "\n}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _compact(block: dict[str, Any]) -> str:
    paired = {key: list(value.items()) if key in _TABLES else value for key, value in block.items()}
    return json.dumps(paired, separators=(",", ":"), default=date.isoformat)
