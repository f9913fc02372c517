"""Check everything that a registry holds or a cluster runs, and compare two such records."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from compatbuild.api.reading import infer, refine
from compatbuild.api.targets import DEFAULT_OPTIONS, Say
from compatbuild.errors import CompatError, NothingRequiredError
from compatbuild.image.limits import DEFAULT, Limits
from compatbuild.registry.options import RegistryOptions
from compatbuild.version import __version__

if TYPE_CHECKING:
    from compatbuild.fleet.changes import Changes
    from compatbuild.fleet.engine import Engine
    from compatbuild.fleet.layers import Reading
    from compatbuild.fleet.rows import Header, Problem, Row
    from compatbuild.fleet.run import Progress
    from compatbuild.fleet.sources.read import Filters
    from compatbuild.hosts.host import Host
    from compatbuild.signing.verify import Policy

NO_REQUIREMENT = b'version: "v1alpha1"\ncompatibilities: []\n'
"""The specification of an image that needs nothing that one could say: any host will do."""
IMAGES_A_PROCESS = 100
"""Images that are worth starting another process for; one that is read is worth it by itself."""


@dataclass(frozen=True, slots=True)
class Engines:
    """Where the work is done: ``workers`` processes here (0: as many as there are cores), or a Dask ``scheduler``.

    ``per_host`` bounds the requests in flight to one registry.
    """

    workers: int = 0
    per_host: int = 8
    scheduler: str = ""


@dataclass(frozen=True, slots=True)
class FleetRun:
    """A run that is through: the file with its rows, and how it went."""

    path: Path
    header: "Header"
    progress: "Progress"

    def rows(self) -> "Iterator[Row]":
        """Yield the rows, one image each, by name; they are read from the file as they are asked for."""
        from compatbuild.fleet.record import read_rows

        return read_rows(self.path)


def check_fleet(
    sources: Sequence[str],
    hosts: "Sequence[Host]",
    results: Path,
    *,
    filters: "Filters | None" = None,
    infer_missing: bool = False,
    gpus: str = "",
    platform: str | None = None,
    policy: "Policy | None" = None,
    limits: Limits = DEFAULT,
    options: RegistryOptions = DEFAULT_OPTIONS,
    cache: str | None = "",
    engines: Engines = Engines(),
    say: Say | None = None,
    progress: "Callable[[Progress], None] | None" = None,
) -> FleetRun:
    """Say of every image that sources name on which hosts it can run.

    ``sources`` are files of references, ``registry:HOST/PREFIX``, ``pods:FILE`` and ``compose:FILE``. Only what is
    attached is read, with a ``policy`` only what passes it; with ``infer_missing`` images without are read themselves,
    each layer once: ``cache`` is the place where what they hold is kept, a path or URL that all workers reach, empty
    for the usual one and None for one of this run alone.
    ``results`` is where rows are written as they come; a file of a run that asked the same is gone on with.
    Errors: those of ``fleet.sources.read``, FleetError for ``results`` of another run. An image that cannot be told
    about is a row with the reason, and no error.
    """
    from compatbuild.checking.check import platform_of
    from compatbuild.fleet.answering import Work
    from compatbuild.fleet.judging import Question
    from compatbuild.fleet.record import Record
    from compatbuild.fleet.run import carry_out, resolve
    from compatbuild.fleet.sources.read import Filters, read
    from compatbuild.fleet.wanted import together
    from compatbuild.registry.registries import Registries

    registries = Registries(options, engines.per_host)
    wanted = together(read(sources, filters or Filters(), registries))
    asked = {
        "platform": platform or "",
        "gpus": gpus,
        "infer missing": "yes" if infer_missing else "no",
        "trusted": _trusted(policy),
        "limits": json.dumps({} if limits == DEFAULT else _plain(limits), sort_keys=True) if infer_missing else "",
    }
    with Record.open(results, _header(hosts, asked)) as record:
        images = resolve(wanted, registries)
        if say is not None:
            say(f"{len(wanted):,} references to {len(images):,} images")
        useful = len(images) if infer_missing else len(images) // IMAGES_A_PROCESS
        with _engine(engines, useful) as engine, _reading(options, limits, cache, wanted=infer_missing) as reading:
            work = Work(
                question=engine.share(Question.of(hosts, gpus)),
                hosts=tuple(host.name for host in hosts),
                registries=registries,
                engine=engine,
                platform=platform or platform_of(hosts),
                exactly=platform is not None,
                policy=policy,
                infer=_infer,
                reading=reading,
            )
            done = carry_out(images, work, record, progress or (lambda _: None))
    return FleetRun(results, record.header, done)


def read_fleet(path: Path) -> FleetRun:
    """Open a record for reading; FleetError when it is none."""
    from compatbuild.fleet.record import read_header
    from compatbuild.fleet.run import Progress

    return FleetRun(path, read_header(path), Progress())


def diff_fleet(old: Path, new: Path, *, by: str = "namespace") -> "Changes":
    """Say what changed from one record to another; ``by`` (namespace, label:NAME, registry) tells whose images are."""
    from compatbuild.fleet.changes import compare
    from compatbuild.fleet.tally import check_by

    check_by(by)
    return compare(read_fleet(old).rows(), read_fleet(new).rows(), by)


def _engine(engines: Engines, useful: int) -> "AbstractContextManager[Engine]":
    if engines.scheduler:
        from compatbuild.fleet.cluster import cluster

        return cluster(engines.scheduler)
    from compatbuild.fleet.engine import cores, local

    return local(engines.workers or min(cores(), useful))


@contextmanager
def _reading(
    options: RegistryOptions, limits: Limits, cache: str | None, *, wanted: bool
) -> "Iterator[Reading | None]":
    from compatbuild.cache import open_cache
    from compatbuild.fleet.layers import Reading

    if not wanted:
        yield None
    elif cache is None:
        with TemporaryDirectory(prefix="compatbuild-") as directory:
            yield Reading(options, limits, directory)
    else:
        open_cache(cache)  # UsageError now, and not in every worker
        yield Reading(options, limits, cache)


def _infer(reference: str, platform: str, reading: "Reading") -> "tuple[bytes, bytes] | Problem":
    """Return the specification and the report of an image that is read now; what is wrong with it is no exception."""
    from compatbuild.cache import open_cache
    from compatbuild.fleet.judging import problem_of
    from compatbuild.registry.reference import parse_reference
    from compatbuild.report.documents import report_bytes

    try:
        source = reference if reference.startswith("oci-dir:") else f"registry:{parse_reference(reference)}"
        report = infer(
            source,
            platform=platform or None,
            options=reading.options,
            limits=reading.limits,
            cache=open_cache(reading.cache),
        )
        try:
            spec = refine(report, template="default").spec
        except NothingRequiredError:
            spec = NO_REQUIREMENT
    except CompatError as error:
        return problem_of(error)
    return spec, report_bytes(report)


def _header(hosts: "Sequence[Host]", asked: Mapping[str, str]) -> "Header":
    from compatbuild.fleet.rows import Header, HostName
    from compatbuild.knowledge import load

    stated = {name: value for name, value in asked.items() if value}
    identity = [__version__, load().as_of, stated, [_plain(host) for host in hosts]]
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    names = tuple(HostName(name=host.name, kind=host.kind, fidelity=host.fidelity) for host in hosts)
    return Header(version=__version__, knowledge=load().as_of, asked=f"sha256:{digest}", options=stated, hosts=names)


def _plain(value: Any) -> Any:
    """Return a record as JSON values, sets sorted: the same for equal records in every process."""
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(inner) for inner in value]
    if hasattr(value, "__dataclass_fields__"):
        return {name: _plain(getattr(value, name)) for name in value.__dataclass_fields__}
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _trusted(policy: "Policy | None") -> str:
    """Return whom a run trusts and what it demands, in one line."""
    from compatbuild.signing.keys import PublicKey

    if policy is None:
        return ""
    whom = [
        one.fingerprint if isinstance(one, PublicKey) else json.dumps(_plain(one), sort_keys=True)
        for one in policy.trusted
    ]
    demands = [f"{name}={value}" for name, value in sorted(policy.annotations.items())]
    demands += [f"not before {policy.not_before}"] if policy.not_before else []
    demands += ["strict"] if policy.strict else []
    return ", ".join([*sorted(whom), *demands])
