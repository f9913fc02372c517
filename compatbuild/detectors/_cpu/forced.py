"""Variables that make a library take the code for one processor, whatever the host has: dispatch becomes a need."""

from collections.abc import Iterator

from compatbuild.detectors._cpu.claims import Claim, claims_of, native
from compatbuild.detectors._uses import Use, weakest
from compatbuild.image.interests import Interests, Marker
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cpu import Cpu
from compatbuild.model.finding import Confidence

OPENBLAS = "OPENBLAS_CORETYPE"
READS_IT = "cpu.openblas-coretype"
_READERS = tuple(
    Marker(READS_IT, b"OPENBLAS_CORETYPE\0", glob)
    for glob in ("/**/*openblas*.so*", "/**/openblas-*/*.so*")  # the second is where Debian keeps its libblas.so.3
)
"""The name of the variable in a library that asks for it; one built for a single processor does not."""

INTERESTS = Interests(markers=_READERS, elf=True, env=(OPENBLAS,), config=("architecture",))


def claims(view: DetectorView, cpu: Cpu) -> Iterator[Claim]:
    """Yield what the chosen kernels need, if some library in the image obeys; likely at most."""
    value = view.env().get(OPENBLAS, "")
    row = cpu.openblas_cores.get(f"{view.config('architecture')}/{value.lower()}")
    if row is None:
        return
    ceiling = weakest(Confidence.LIKELY, row.grade.ceiling)
    for path, elf in native(view):
        if READS_IT in elf.markers:
            confidence = view.confidence(path, ceiling)
            yield from claims_of(row.value, Use(confidence, view.at_config("Env", f"{OPENBLAS} is {value}", OPENBLAS)))
            yield from claims_of(row.value, Use(confidence, view.at(path, f"OpenBLAS obeys {OPENBLAS}")))
