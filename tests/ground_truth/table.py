"""The tables that the program prints."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.ground_truth.cases import Case
from tests.ground_truth.judges import Tally
from tests.ground_truth.verdict import Verdict


@dataclass
class Result:
    """How one case went; without a verdict it was not run, and ``problem`` says why."""

    case: Case
    verdict: Verdict | None = None
    problem: str = ""
    seconds: float = 0.0
    tallies: list[Tally] = field(default_factory=list)

    @property
    def row(self) -> tuple[str, ...]:
        """Return the line about this case."""
        if self.verdict is None:
            return (self.case.name, self.case.kind, "not run", "", "", "", "")
        verdict = self.verdict
        agreeing = [(t.judge.split()[0], t.files - len(t.disagreements + t.unread), t.files) for t in self.tallies]
        judges = " ".join(f"{judge} {files}/{whole}" for judge, files, whole in agreeing if whole)
        return (
            self.case.name,
            self.case.kind,
            "ok" if verdict.passed else "WRONG",
            f"{len(verdict.found)}/{len(self.case.must)}",
            str(len(verdict.broken)),
            f"{self.seconds:.1f}",
            judges,
        )

    @property
    def details(self) -> list[str]:
        """Return a line for everything that is not as it should be."""
        if self.verdict is None:
            return [f"not run: {self.problem}"]
        lines = [f"missing: {pattern}" for pattern in self.verdict.missing]
        lines += [f"must not be: {text}" for text in self.verdict.broken]
        lines += [
            f"unexpected: {text}" for text in self.verdict.surprises if f"requires {text}" not in self.verdict.broken
        ]
        lines += [f"only {tally.judge} can read {text}" for tally in self.tallies for text in tally.unread]
        return lines + [f"{tally.judge} disagrees: {text}" for tally in self.tallies for text in tally.disagreements]


def results(every: Sequence[Result]) -> str:
    """Return the table of cases, and under each what is wrong with it."""
    heading = ("case", "class", "result", "must", "wrong", "s", "agrees with")
    widths = [max(len(row[i]) for row in (heading, *(result.row for result in every))) for i in range(len(heading))]
    lines = [_line(heading, widths)]
    for result in every:
        lines.append(_line(result.row, widths))
        lines += [f"    {detail}" for detail in result.details]
    return "\n".join(lines)


def scores(every: Iterable[Result]) -> str:
    """Return precision and recall of each class.

    Recall is the share of what must be said that is said. Precision is the share of correct claims: what was rightly
    said, over that and every requirement that nobody expected and everything that must not be said.
    """
    must, found, right, wrong = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for result in every:
        if result.verdict is not None:
            kind = result.case.kind
            must[kind] += len(result.case.must)
            found[kind] += len(result.verdict.found)
            right[kind] += sum(bool(p.fact or p.finding or p.hint) for p in result.verdict.found)
            wrong[kind] += len(result.verdict.broken)
            for claimed, expected in result.verdict.claims:
                right[claimed] += expected
                wrong[claimed] += not expected
    rows = [("class", "must", "found", "recall", "claims", "wrong", "precision")]
    for kind in sorted(must.keys() | right.keys() | wrong.keys()):
        claims = right[kind] + wrong[kind]
        recall, precision = _share(found[kind], must[kind]), _share(right[kind], claims)
        rows.append((kind, str(must[kind]), str(found[kind]), recall, str(claims), str(wrong[kind]), precision))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else "–"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
