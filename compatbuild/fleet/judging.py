"""From a specification to what a row says of every host: pure functions of their arguments, for any process."""

import hashlib
import zlib
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pickle import dumps, loads
from threading import Lock

from pydantic import ValidationError

from compatbuild.checking.check import check
from compatbuild.checking.deciding import decided
from compatbuild.checking.gpus import gpus as parse_gpus
from compatbuild.checking.loading import UNREADABLE_REPORT, Loaded
from compatbuild.checking.verdicts import Checked, Subject, Verdict
from compatbuild.errors import CompatError
from compatbuild.fleet.rows import Group, Problem, Word
from compatbuild.hosts.host import Host
from compatbuild.model.report import Report
from compatbuild.nfd.decode import decode
from compatbuild.registry.retry import ExhaustedError

BUSY = "busy"
"""Code of a problem with a registry that wants to be left alone."""
MAX_REASON = 300
"""Characters of a text in a row."""
REMEMBERED = 256
"""Answers a process keeps: images of one family share a specification."""
WORDS: dict[Verdict, Word] = {
    Verdict.COMPATIBLE: "compatible",
    Verdict.DEPENDS: "depends",
    Verdict.UNKNOWN: "unknown",
    Verdict.INCOMPATIBLE: "incompatible",
}


@dataclass(frozen=True, slots=True)
class Question:
    """Hosts, packed to travel, and GPUs that an image's code must run on; ``key`` is a digest over both."""

    hosts: bytes
    gpus: str
    key: str

    @classmethod
    def of(cls, hosts: Sequence[Host], gpus: str = "") -> "Question":
        """Pack hosts; UsageError for GPUs that nobody knows."""
        parse_gpus(gpus)
        packed = zlib.compress(dumps(tuple(hosts)), 1)
        return cls(packed, gpus, hashlib.sha256(gpus.encode() + b"\0" + packed).hexdigest())


@dataclass(frozen=True, slots=True)
class Answer:
    """What a row says of the hosts."""

    verdict: Word
    requirement: str
    counts: dict[Word, int]
    groups: tuple[Group, ...]
    notes: tuple[str, ...] = ()


class _Memory:
    """The last answers of this process."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Answer | Problem] = OrderedDict()
        self._lock = Lock()

    def get(self, key: bytes) -> Answer | Problem | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: bytes, answer: Answer | Problem) -> None:
        with self._lock:
            self._kept[key] = answer
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)


_memory = _Memory()
_questions: dict[str, Question] = {}


def keep(question: Question) -> None:
    """Let this process know a question by its key: where thousands of images are asked it, it travels once."""
    _questions[question.key] = question


def judge(question: Question | str, spec: bytes, report: bytes | None) -> Answer | Problem:
    """Return the verdicts on a specification, and a report where there is one; what is wrong with it is no exception.

    ``question`` may be the key of one that this process keeps. The result is the same in every process of the same
    version.
    """
    if isinstance(question, str):
        question = _questions[question]
    parts = (question.key.encode(), spec, report or b"")
    key = hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
    found = _memory.get(key)
    if found is None:
        found = _judge(question, spec, report)
        _memory.put(key, found)
    return found


def problem_of(error: CompatError) -> Problem:
    """Return an error as a row has it."""
    texts = (text.replace("\n", " ")[: 4 * MAX_REASON] for text in (error.what, error.why, error.remedy))
    busy = isinstance(error, ExhaustedError) and error.asked
    return Problem(code=BUSY if busy else error.code, **dict(zip(("what", "why", "remedy"), texts, strict=True)))


def open_answer(hosts: Sequence[str], why: str) -> Answer:
    """Return the answer where nothing is known of an image: nobody can tell, of any host."""
    group = Group(verdict="unknown", requirement=why, hosts=tuple(hosts))
    return Answer("unknown", why, {"unknown": len(hosts)}, (group,))


def _judge(question: Question, spec: bytes, report: bytes | None) -> Answer | Problem:
    notes: tuple[str, ...] = ()
    parsed = None
    if report is not None:
        try:
            parsed = Report.model_validate_json(report)
        except ValidationError:
            notes = (UNREADABLE_REPORT,)
    try:
        loaded = Loaded(Subject("", "reference", information=notes), decode(spec), parsed)
        return _answer(check(loaded, _hosts(question.hosts), parse_gpus(question.gpus)))
    except CompatError as error:
        return problem_of(error)


@lru_cache(maxsize=2)
def _hosts(packed: bytes) -> tuple[Host, ...]:
    found: tuple[Host, ...] = loads(zlib.decompress(packed))  # noqa: S301 - what this program packed itself
    return found


def _answer(checked: Checked) -> Answer:
    members: dict[tuple[Verdict, str, str, str], list[str]] = {}
    for host in checked.hosts:
        what, how = decided(host)
        remedy = getattr(host.deciding, "remedy", "")  # a rule that could not be evaluated has none
        texts = (text[:MAX_REASON] for text in (what, how, remedy))
        members.setdefault((host.verdict, *texts), []).append(host.name)  # type: ignore[arg-type]  # three texts
    ordered = sorted(members.items(), key=lambda one: (one[0][0].rank, -len(one[1]), one[0]))
    groups = tuple(
        Group(verdict=WORDS[verdict], requirement=what, reason=how, remedy=remedy, hosts=tuple(names))
        for (verdict, what, how, remedy), names in ordered
    )
    worst = min((host.verdict for host in checked.hosts), key=lambda one: one.rank, default=Verdict.COMPATIBLE)
    deciding: Counter[str] = Counter()
    for (verdict, what, _, _), names in ordered:
        if verdict is worst and verdict is not Verdict.COMPATIBLE:
            deciding[what] += len(names)
    counts = Counter(WORDS[host.verdict] for host in checked.hosts)
    told = {WORDS[verdict]: counts[WORDS[verdict]] for verdict in Verdict if counts[WORDS[verdict]]}
    requirement = max(deciding, key=lambda what: (deciding[what], what), default="")
    return Answer(WORDS[worst], requirement, told, groups, checked.subject.information)
