"""What MPI libraries print about themselves: whose they are, and their version."""

from collections.abc import Iterable

from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Marker

_LIBRARIES = "/**/libmpi*.so*"
OPEN_MPI = Marker(
    "mpi.open-mpi", b"%s:version:full\0", _LIBRARIES, rb"full\0v?(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)[a-z0-9]{0,8}\0"
)
"""The version beside the key that ompi_info prints; "Open MPI v" itself is a format string (4.1.4, 5.0.11)."""

OPEN_MPI_SYMBOL = Marker("mpi.open-mpi-symbol", b"ompi_mpi_comm_world\0", _LIBRARIES)
"""What tells an Open MPI 1.8 to 1.10 from an MPICH of the same soname."""

CRAY = Marker(
    "mpi.cray",
    b"CRAY MPICH version",
    _LIBRARIES,
    rb"version(?: (\d{1,3}\.\d{1,3}\.\d{1,3}(?:\.\d{1,3})?))?",
)
"""MPI_Get_library_version of Cray MPICH: ``CRAY MPICH version 8.1.27.26 (ANL base 3.4a2)``."""

VENDORS = {
    CRAY: "Cray MPICH",
    Marker("mpi.spectrum", b"IBM Spectrum MPI", _LIBRARIES): "Spectrum MPI",
    Marker("mpi.intel", b"Intel(R) MPI Library, Version", _LIBRARIES): "Intel MPI",
    Marker("mpi.mvapich2", b"MVAPICH2 Version", _LIBRARIES): "MVAPICH2",
    Marker("mpi.mvapich", b"MVAPICH Version", _LIBRARIES): "MVAPICH",
    Marker("mpi.mpich", b"MPICH Version:", _LIBRARIES): "MPICH",
    OPEN_MPI: "Open MPI",
    OPEN_MPI_SYMBOL: "Open MPI",
}
"""What the libraries print about themselves, derived ones first (impi-rt 2021.19, mpich 4.0.2 and 5.0.2, Open MPI 4.1.4
and 5.0.11; kumattau/mvapich2@0c0698879760:src/mpi/misc/library_version.c; how mpi4py tells the others)."""

INTEL_VERSION = Marker(
    "mpi.intel-version",
    b"Intel(R) MPI Library %s for Linux* OS",
    _LIBRARIES,
    rb"OS\s{0,2}\0{1,16}(\d{4}\.\d{1,3}(?:\.\d{1,3})?)\0",
)
"""The argument lies behind the format (impi-rt 2021.19)."""

MPICH_VERSION = "mpi.mpich-version"
_DATES = tuple(
    Marker(
        MPICH_VERSION,
        day + b" ",
        _LIBRARIES,
        rb"^[A-Z][a-z]{2} [A-Z][^\0]{10,50}\0{1,32}(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?(?:rc|[ab])?\d{0,3})\0",
    )
    for day in (b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun")
)
"""The version lies behind the date of the release, and both behind the ABI (``18:2:6``) (mpich 4.0.2 and 5.0.2)."""

_VERSIONS = {
    "Cray MPICH": CRAY.id,
    "Intel MPI": INTEL_VERSION.id,
    "MPICH": MPICH_VERSION,
    "MVAPICH": MPICH_VERSION,
    "MVAPICH2": MPICH_VERSION,
    "Open MPI": OPEN_MPI.id,
    "Spectrum MPI": OPEN_MPI.id,
}
MARKERS = (*VENDORS, INTEL_VERSION, *_DATES)


def vendor_of(files: Iterable[tuple[str, ElfFacts]]) -> str:
    """Return whose library the files are, by what they print; empty when they say nothing that is known."""
    told = {name for _, elf in files for name in elf.markers}
    return next((vendor for marker, vendor in VENDORS.items() if marker.id in told), "")


def version_of(files: Iterable[tuple[str, ElfFacts]], vendor: str) -> tuple[str, str]:
    """Return the version that a library of this implementation states, and which file does; empty without one."""
    marker = _VERSIONS.get(vendor, "")
    return next(((groups[0], path) for path, elf in files if any(groups := elf.markers.get(marker, ()))), ("", ""))
