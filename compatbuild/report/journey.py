"""What was attached and signed, one row an artifact, for people and programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from compatbuild.registry.attach import Attached
from compatbuild.registry.store import Via
from compatbuild.report.text import plain
from compatbuild.signing.sign import Signed

FOUND_BY = {
    Via.API.value: "the referrers API",
    Via.FALLBACK.value: "the fallback tag",
    Via.LAYOUT.value: "the layout's index",
    Via.TAG.value: "the tag of cosign's older format",
}


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


def signatures(
    spec: Sequence[Signed], image: Sequence[Signed], attestation: Signed | None, name: str = ""
) -> tuple[Row, ...]:
    """Describe the signatures on an image and its specification; ``name`` tells which of several it was."""
    return (
        *(Row.of(f"signature of the specification{name}", one) for one in spec),
        *(Row.of(f"signature of the image{name}", one) for one in image),
        *((Row.of(f"attestation of the image{name}", attestation),) if attestation else ()),
    )


def as_table(rows: Sequence[Row]) -> str:
    """Return two lines an artifact, in the order of work; the second is its digest, whole, to be copied."""
    width = max((len(row.state) for row in rows), default=0)
    return "".join(
        f"{row.state:{width}}  {plain(row.what)}, found by {FOUND_BY[row.via]}\n{'':{width}}  {row.digest}\n"
        for row in rows
    )


def as_value(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the rows as a JSON value."""
    return [asdict(row) for row in rows]
