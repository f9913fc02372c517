"""What stands on the page: images, rows of cells, and the explanations that the cells lead to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from compatbuild.checking.deciding import MAX_VALUES
from compatbuild.checking.verdicts import Checked, ExpressionVerdict, HostVerdict, Subject, Verdict
from compatbuild.report.counts import counted, kind_of, told
from compatbuild.report.page.stories import Story, story
from compatbuild.report.text import short_digest

BAR = 1000
"""Units of a bar from end to end; each verdict has its share of them."""


@dataclass(frozen=True, slots=True)
class Share:
    """One verdict's share of an image's bar: where it begins, and how long it is."""

    verdict: Verdict
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Image:
    """One image: ``number`` from 1, ``origin`` where its specification is from, in words."""

    number: int
    name: str
    origin: str
    counts: str
    bar: tuple[Share, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """The verdict on one image on one host, and the number of the story that explains it."""

    verdict: Verdict
    because: str
    story: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where facts about a host are from, and the facts: a feature, with name and value where one was found."""

    text: str
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """One host, with a cell for each image in their order; ``number`` from 1."""

    number: int
    name: str
    fidelity: str
    cells: tuple[Cell, ...]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """A story with its number, and whom it is about: images by number, and rows, in groups that have rows in common."""

    number: int
    story: Story
    about: tuple[tuple[tuple[int, ...], tuple[Row, ...]], ...]

    @property
    def size(self) -> int:
        """The number of verdicts that it explains."""
        return sum(len(images) * len(rows) for images, rows in self.about)


@dataclass(frozen=True, slots=True)
class Contents:
    """The whole page; ``host`` and ``hosts`` are what the hosts are called."""

    images: tuple[Image, ...]
    rows: tuple[Row, ...]
    stories: tuple[Told, ...]
    host: str
    hosts: str


@dataclass
class _Stories:
    """Numbers stories from 1 in the order in which they first occur."""

    numbers: dict[Story, int] = field(default_factory=dict)

    def number(self, one: Story) -> int:
        return self.numbers.setdefault(one, len(self.numbers) + 1)


def contents(checked: Sequence[Checked]) -> Contents:
    """Return what the page of these verdicts shows; all of them are about the same hosts in the same order."""
    stories = _Stories()
    rows = []
    for number, hosts in enumerate(zip(*(one.hosts for one in checked), strict=True), 1):
        told_of = [story(host) for host in hosts]
        cells = tuple(Cell(one.verdict, one.because, stories.number(one)) for one in told_of)
        rows.append(Row(number, hosts[0].name, hosts[0].fidelity, cells, _sources(hosts)))
    images = tuple(_image(number, one) for number, one in enumerate(checked, 1))
    host, hosts_word = kind_of(host for one in checked for host in one.hosts)
    return Contents(images, tuple(rows), _told(stories.numbers, rows), host, hosts_word)


def _sources(verdicts: Sequence[HostVerdict]) -> tuple[Source, ...]:
    """Return what the verdicts on one host rest on, each fact once."""
    facts: dict[str, dict[str, None]] = {}  # the inner one is an ordered set
    for one in verdicts:
        for row in _expressions(one):
            facts.setdefault(row.source, {})[_fact(row)] = None
        for need in one.needs:
            facts.setdefault(need.source, {})[f"{need.id} {need.found}".rstrip()] = None
    facts.pop("", None)
    return tuple(Source(text, tuple(named)) for text, named in facts.items())


def _fact(row: ExpressionVerdict) -> str:
    found = ", ".join(row.found[:MAX_VALUES])
    return f"{row.feature} {row.name}={found}" if row.name and found else f"{row.feature} {found}".rstrip()


def _expressions(one: HostVerdict) -> Iterator[ExpressionVerdict]:
    for rule in (rule for item in one.sets for rule in item.rules):
        yield from rule.expressions
        yield from (row for branch in rule.branches for row in branch)


def _image(number: int, one: Checked) -> Image:
    counts = counted(one.hosts)
    ends = list(accumulate(counts.values()))
    places = [round(BAR * end / ends[-1]) for end in ends]
    shares = (
        Share(verdict, start, end - start) for verdict, start, end in zip(counts, [0, *places], places, strict=False)
    )
    name, notes = one.subject.name, one.subject.information
    return Image(number, name, _origin(one.subject), told(counts), tuple(shares), notes)


def _origin(subject: Subject) -> str:
    """Say what was checked, as far as it is known: which artifact of which image, and whether it was signed."""
    what = {
        "reference": f"specification attached to the {'index' if subject.level == 'index' else 'image'}",
        "spec": "specification in a file",
        "report": "report in a file",
        "source": "image read for this",
    }.get(subject.kind, subject.kind)
    signed = "signed by the key" if subject.verified else ""
    return ", ".join(filter(None, (what, short_digest(subject.digest), signed)))


def _told(numbers: dict[Story, int], rows: Sequence[Row]) -> tuple[Told, ...]:
    """Return the stories, the worst verdicts first and of equals those that are about the most."""
    about: dict[int, dict[int, list[Row]]] = {}
    for row in rows:
        for image, cell in enumerate(row.cells, 1):
            about.setdefault(cell.story, {}).setdefault(image, []).append(row)
    stories = [Told(number, one, _groups(about[number].items())) for one, number in numbers.items()]
    return tuple(sorted(stories, key=lambda one: (one.story.verdict.rank, -one.size, one.number)))


def _groups(by_image: Iterable[tuple[int, list[Row]]]) -> tuple[tuple[tuple[int, ...], tuple[Row, ...]], ...]:
    groups: dict[tuple[Row, ...], list[int]] = {}
    for image, rows in by_image:
        groups.setdefault(tuple(rows), []).append(image)
    return tuple((tuple(images), rows) for rows, images in groups.items())
