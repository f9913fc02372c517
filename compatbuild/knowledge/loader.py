"""Read the knowledge files that ship with the package, and refuse what breaks their rules.

A file ``<subject>.yaml`` is a mapping of blocks. A block is one table: ``rows`` (key to value), ``src`` (a grade),
``source`` and ``retrieved`` (a date), which must all be there, and optionally ``grades`` (the rows whose grade differs
from ``src``) and ``about`` (a sentence for the reader of the file). Its blocks are exactly the fields of the subject's
class in ``subjects``, whose annotations say what keys and values must be.
"""

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
    return load_directory(resources.files("compatbuild.knowledge"))


def load_directory(directory: Traversable) -> Knowledge:
    """Read one file a subject from a directory.

    Raises KnowledgeError, naming file and block, for a block without its source, an unknown grade, an unknown or
    missing block, or a row of the wrong type.
    """
    read: dict[str, Any] = {name: _subject(kind, directory / f"{name}.yaml") for name, kind in SUBJECTS.items()}
    dates = [row.retrieved for subject in read.values() for table in _tables(subject) for row in table.values()]
    return Knowledge(as_of=max(dates).isoformat(), **read)


def _tables(subject: Any) -> list[Table[Any, Any]]:
    return [getattr(subject, field.name) for field in fields(subject)]


def _subject(kind: type[S], file: Traversable) -> S:
    document = _document(file)
    hints = get_type_hints(kind)
    if document.keys() != hints.keys():
        wrong = ", ".join(sorted(str(name) for name in document.keys() ^ hints.keys()))
        raise KnowledgeError(f"{file.name} has unknown or missing blocks: {wrong}", remedy=REMEDY)
    return kind(**{name: _table(document[name], hints[name], f"{file.name}, {name}") for name in hints})


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
