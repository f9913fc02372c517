"""What NFD cannot say, taken from an image's report: driver versions, code for GPUs, MPI.

Reports come from registries: of their facts only what has the right shape counts.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from compatbuild.checking.gpus import Gpu, amd_code, model
from compatbuild.checking.verdicts import NeedVerdict, Verdict
from compatbuild.detectors._targets import covered
from compatbuild.hosts.host import Host
from compatbuild.image.elf import DeviceCode
from compatbuild.inference.needs import needs
from compatbuild.inference.resolve import requirements
from compatbuild.knowledge import load
from compatbuild.model.report import Report
from compatbuild.model.requirement import DriverRequirement
from compatbuild.nfd.encodings import COMPUTE_MAJOR, COMPUTE_MINOR, DRIVER_VERSION
from compatbuild.nfd.ranges import Range

_NUMBER = re.compile(r"[0-9]{1,2}", re.ASCII)
MAX_ITEMS = 1000  # of a list in a fact
LOADED, LABELS = "kernel.loadedmodule", "local.label"
MPI_FACTS = ("mpi.family", "mpi.vendor", "mpi.version", "mpi.soname", "mpi.pmi")
NO_REPORT = "there is no report of the image to tell"
REPORT_REMEDY = "publish the image's report with `compatbuild publish`, or check the image itself"


@dataclass(frozen=True, slots=True)
class Beyond:
    """What an image asks for beyond its specification, ready to be asked of many hosts.

    ``sass`` and ``ptx`` hold compute capabilities without the dot, ``rocm`` LLVM targets; ``known`` is false when there
    was no report to take them from.
    """

    known: bool
    drivers: tuple[DriverRequirement, ...] = ()
    sass: tuple[str, ...] = ()
    ptx: tuple[tuple[str, str], ...] = ()
    rocm: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    information: tuple[str, ...] = ()

    @classmethod
    def of(cls, report: Report | None) -> "Beyond":
        """Take what counts from a report; SpecError when its ranges are none, or contradict each other."""
        if report is None:
            return cls(known=False)
        found = [need.requirement for need in needs(requirements(report.findings))]
        pairs = [one for one in _list(report, "cuda.ptx") if isinstance(one, list) and len(one) == 2]
        return cls(
            known=True,
            drivers=tuple(one for one in found if isinstance(one, DriverRequirement)),
            sass=_texts(_list(report, "cuda.sass")),
            ptx=tuple((str(target), str(isa)) for target, isa in pairs),
            rocm=_texts(_list(report, "rocm.targets")),
            vendors=_texts(_list(report, "gpu.vendors")),
            information=_mpi(report),
        )

    def needs(self, host: Host, gpus: Sequence[Gpu] = ()) -> tuple[NeedVerdict, ...]:
        """Decide everything on a host; ``gpus`` are those asked about, else those the host is known to have."""
        return (
            *(_driver(one, host) for one in self.drivers),
            *(self._gpu(one) for one in gpus or _gpus_of(host)),
        )

    def _gpu(self, gpu: Gpu) -> NeedVerdict:
        code = {"nvidia": (*self.sass, *(target for target, _ in self.ptx)), "amd": self.rocm}[gpu.vendor]
        wanted = f"code for {gpu.name} ({gpu.architecture})"
        found = ", ".join(dict.fromkeys(code))
        if not self.known:
            return NeedVerdict(f"gpu.{gpu.name}", wanted, "", Verdict.UNKNOWN, NO_REPORT, REPORT_REMEDY)
        if not code:
            return _without_code(gpu, wanted, self.vendors)
        verdict, reason = self._nvidia(gpu) if gpu.vendor == "nvidia" else self._amd(gpu)
        remedy = "" if verdict is Verdict.COMPATIBLE else f"build the image's GPU code for {gpu.architecture} too"
        return NeedVerdict(f"gpu.{gpu.name}", wanted, found, verdict, reason, remedy, "the image's report")

    def _nvidia(self, gpu: Gpu) -> tuple[Verdict, str]:
        cuda, capability = load().cuda, int(gpu.architecture.replace(".", ""))
        if capability not in cuda.capabilities:
            return Verdict.UNKNOWN, f"compute capability {gpu.architecture} is not known here"
        if capability in covered([DeviceCode("sass", target) for target in self.sass], cuda):
            return Verdict.COMPATIBLE, f"there is native code for compute capability {gpu.architecture}"
        for target, isa in self.ptx:
            if capability in covered([DeviceCode("ptx", target, isa)], cuda):
                how = f"PTX {target} (ISA {isa})" if isa else f"PTX {target}"
                return Verdict.COMPATIBLE, f"the driver compiles {how} when a program starts"
        return Verdict.INCOMPATIBLE, f"no code runs on compute capability {gpu.architecture}"

    def _amd(self, gpu: Gpu) -> tuple[Verdict, str]:
        built = amd_code(gpu.architecture, self.rocm)
        if not built:
            return Verdict.INCOMPATIBLE, f"no code runs on {gpu.architecture}"
        if ":" in built:
            return Verdict.DEPENDS, f"there is code for {built} only: it depends on the mode of the GPU"
        return Verdict.COMPATIBLE, f"there is code for {built}"


def _without_code(gpu: Gpu, wanted: str, vendors: tuple[str, ...]) -> NeedVerdict:
    others = ", ".join(vendors)
    if gpu.vendor in vendors:
        verdict, reason = Verdict.UNKNOWN, f"the image uses {gpu.vendor} GPUs, but no code of its own for them was seen"
    elif vendors:
        verdict, reason = Verdict.INCOMPATIBLE, f"the image has code for GPUs of {others} only"
    else:
        verdict, reason = Verdict.COMPATIBLE, "the image has no code for GPUs"
    return NeedVerdict(f"gpu.{gpu.name}", wanted, others, verdict, reason, source="the image's report")


def _driver(one: DriverRequirement, host: Host) -> NeedVerdict:
    wanted = f"{one.gpu} driver {one.driver}"
    installed, source = _installed(one.gpu, host)
    about = f"driver.{one.gpu}"
    if installed:
        fits = Range.parse(one.driver).contains(installed)
        verdict = Verdict.COMPATIBLE if fits else Verdict.INCOMPATIBLE
        reason = f"the driver is {installed}"
        return NeedVerdict(
            about, wanted, installed, verdict, reason, "" if fits else f"install a driver {one.driver}", source
        )
    loaded = one.gpu in (host.features.flags.get(LOADED) or ())
    if loaded:
        return NeedVerdict(about, wanted, "", Verdict.UNKNOWN, "the driver is loaded, its version is not known")
    if not host.known(LOADED, one.gpu) and not _running(host):
        reason = host.remark("driver", one.gpu) or "which driver is installed is a matter of each node"
        verdict = Verdict.DEPENDS if host.kind == "profile" else Verdict.UNKNOWN
        source = host.source("driver", one.gpu)
        return NeedVerdict(about, wanted, "", verdict, reason, f"install a driver {one.driver}", source)
    if one.when == "present":
        return NeedVerdict(about, wanted, "", Verdict.COMPATIBLE, "no driver is loaded, and the image does without")
    reason = "no driver is loaded, and the image needs one"
    return NeedVerdict(about, wanted, "", Verdict.INCOMPATIBLE, reason, f"install a driver {one.driver}")


def _running(host: Host) -> bool:
    """Whether the host's running kernel was asked: it shows a driver even where modules cannot be listed."""
    return host.kind == "node" and "full" in (host.features.attributes.get("kernel.version") or {})


def _installed(vendor: str, host: Host) -> tuple[str, str]:
    """Return the version of a vendor's driver and where that is from; two empty texts when it is not known."""
    if vendor in host.drivers:
        return host.drivers[vendor], host.source("driver", vendor)
    label = (host.features.attributes.get(LABELS) or {}).get(DRIVER_VERSION, "") if vendor == "nvidia" else ""
    return label, f"label {DRIVER_VERSION}" if label else ""


def _gpus_of(host: Host) -> list[Gpu]:
    """Return the GPUs that a host is known to have; what is named in a way not known here says nothing."""
    found = [_labelled(name, host) or model(name) for name in host.gpus]
    return list(dict.fromkeys(one for one in found if one is not None))


def _labelled(name: str, host: Host) -> Gpu | None:
    """Return a GPU with the compute capability that the node's labels state, if they do."""
    labels = host.features.attributes.get(LABELS) or {}
    parts = labels.get(COMPUTE_MAJOR, ""), labels.get(COMPUTE_MINOR, "")
    return Gpu(name, "nvidia", ".".join(parts)) if all(map(_NUMBER.fullmatch, parts)) else None


def _mpi(report: Report) -> tuple[str, ...]:
    told = [f"{name}: {report.facts[name].value}" for name in MPI_FACTS if name in report.facts]
    return (f"MPI of the image, to be met by the host's launcher: {'; '.join(told)[:500]}",) if told else ()


def _list(report: Report, name: str) -> list[object]:
    value = report.facts[name].value if name in report.facts else []
    return list(value[:MAX_ITEMS]) if isinstance(value, list) else []


def _texts(items: Sequence[object]) -> tuple[str, ...]:
    return tuple(item[:100] for item in items if isinstance(item, str))
