"""What was attached and signed, one row an artifact, for people and programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from compatbuild.registry.attach import Attached
from compatbuild.report.simple import columns
from compatbuild.signing.sign import Signed


@dataclass(frozen=True)
class Row:
    """One artifact: what it is, whether this call made it, how readers find it, its digest and its subject's."""

    what: str
    state: str
    via: str
    digest: str
    subject: str

    @classmethod
    def of(cls, what: str, done: Attached | Signed) -> Self:
        """Describe one step that was done."""
        return cls(what, done.state, done.via.value, done.descriptor.digest, done.subject.digest)


def as_table(rows: Sequence[Row]) -> str:
    """Return the rows as a table, grouped by nothing: the order is the order of work."""
    return columns(
        ("artifact", "state", "found by", "digest"),
        [(row.what, row.state, row.via, row.digest) for row in rows],
    )


def as_value(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows as a JSON value."""
    return [asdict(row) for row in rows]
