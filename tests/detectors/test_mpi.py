import pytest

from compatbuild.detectors._mpi import CRAY, INTEL_VERSION, MPICH_VERSION, OPEN_MPI, OPEN_MPI_SYMBOL
from compatbuild.detectors.mpi import DETECTOR
from compatbuild.image.elf import ElfFacts
from compatbuild.image.interests import Interests
from compatbuild.image.view import Package
from compatbuild.model.finding import Confidence
from tests.builders import elf as files
from tests.builders.views import by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
MPICH = {"mpi.mpich": ()}
INTEL = {"mpi.intel": ()}
OPEN = {OPEN_MPI.id: ("5.0.11",), OPEN_MPI_SYMBOL.id: ()}


def pypi(name: str, version: str) -> Package:
    return Package("pypi", name, version, f"/site/{name}.dist-info/METADATA")


def facts(soname: str, family: str, vendor: str = "", version: str = "") -> dict[str, str]:
    told = {"mpi.family": family, "mpi.location": "image", "mpi.soname": soname}
    return told | ({"mpi.vendor": vendor} if vendor else {}) | ({"mpi.version": version} if version else {})


def test_open_mpi_tells_its_own_version() -> None:
    library = elf("libopen-pal.so.80", "libpmix.so.2", soname="libmpi.so.40", markers=OPEN)
    found = by_id(DETECTOR, image_view(elves={"/lib/libmpi.so.40": library}))
    assert found["mpi.library"].facts == facts("libmpi.so.40", "Open MPI", "Open MPI", "5.0.11")
    assert found["mpi.library"].confidence is LIKELY
    assert found["mpi.pmi"].facts == {"mpi.pmi": ["PMIx"]}


@pytest.mark.parametrize(
    ("soname", "markers", "package", "vendor", "version"),
    [
        ("libmpi.so.12", MPICH, pypi("mpich", "5.0.2"), "MPICH", "5.0.2"),
        ("libmpich.so.12", MPICH, deb("libmpich12", "4.0.2-3+b1"), "MPICH", "4.0.2"),
        ("libmpi.so.12", INTEL, pypi("impi-rt", "2021.19.0"), "Intel MPI", "2021.19.0"),
        ("libmpi.so.40", {OPEN_MPI_SYMBOL.id: ()}, deb("libopenmpi3t64", "5.0.7-1"), "Open MPI", "5.0.7"),
        ("libmpi.so.12", {"mpi.mvapich2": ()}, Package("spack", "mvapich2", "2.3.7-1", "/s"), "MVAPICH2", "2.3.7"),
    ],
)
def test_a_library_that_tells_no_version_has_that_of_its_package(
    soname: str, markers: dict[str, tuple[str, ...]], package: Package, vendor: str, version: str
) -> None:
    view = image_view(elves={"/lib/mpi.so": elf(soname=soname, markers=markers)}, packages=[package])
    family = "Open MPI" if soname == "libmpi.so.40" else "MPICH"
    assert by_id(DETECTOR, view)["mpi.library"].facts == facts(soname, family, vendor, version)


def read(path: str, text: bytes) -> ElfFacts:
    """Return what is kept of a library that holds this text."""
    return files.facts(
        files.elf(sections={".rodata": text}), Interests(elf=True, markers=DETECTOR.interests.markers), path=path
    )


@pytest.mark.parametrize(
    ("soname", "text", "vendor", "version"),
    [
        (
            "libmpi.so.12",
            b"MPICH Version:      %s\n\0ch4:ucx ofi\0\0\x0018:2:6\0\0\0Fri Sep 25 20:45:26 UTC 2026\x005.0.2\0\0MPII_init\0",
            "MPICH",
            "5.0.2",
        ),
        (
            "libmpi.so.12",
            b"MPICH Version:\t%s\n\x0014:2:2\0\0Thu Apr  7 12:34:45 CDT 2022\x004.0.2\0\0",
            "MPICH",
            "4.0.2",
        ),
        ("libmpi.so.12", b"MPICH Version:\t%s\n\0Mon Jan  6 10:00:00 CST 2025\x004.3.0rc2\0", "MPICH", "4.3.0rc2"),
        ("libmpi.so.12", b"MPICH Version:\t%s\n\0Fri is no date\0Sat neither\x001\0", "MPICH", ""),
        (
            "libmpi.so.12",
            b"Intel(R) MPI Library, Version %s  Build %s\n\0Intel(R) MPI Library %s for Linux* OS\n\x002021.19.0\0",
            "Intel MPI",
            "2021.19.0",
        ),
        (
            "libmpi.so.12",
            b"MVAPICH2 Version      :\t%s\n\0Wed Mar  2 22:00:00 EST 2022\x002.3.7\0",
            "MVAPICH2",
            "2.3.7",
        ),
        ("libmpi.so.12", b"MVAPICH Version:      %s\n\0Fri Feb 23 19:00:00 EST 2024\x003.0\0", "MVAPICH", "3.0"),
        (
            "libmpi_gnu_123.so.12",
            b"MPI VERSION    : CRAY MPICH version 8.1.27.26 (ANL base 3.4a2)\n\0MPICH Version:\t%s\n\0",
            "Cray MPICH",
            "8.1.27.26",
        ),
        ("libmpi_cray.so.12", b"CRAY MPICH version %s\0", "Cray MPICH", ""),
        (
            "libmpi.so.40",
            b"Open MPI v%d.%d.%d%s\0%s:version:full\0v5.0.11rc1\0ompi_mpi_comm_world\0",
            "Open MPI",
            "5.0.11",
        ),
        ("libmpi.so.40", b"Open MPI v4.1.4\0", "", ""),
        ("libmpi_ibm.so.3", b"IBM Spectrum MPI\0%s:version:full\x0010.4.0\0", "Spectrum MPI", "10.4.0"),
    ],
)
def test_what_libraries_print_about_themselves(soname: str, text: bytes, vendor: str, version: str) -> None:
    path = f"/opt/mpi/lib/{soname}"
    found = by_id(DETECTOR, image_view(elves={path: read(path, text)}))["mpi.library"]
    assert (found.facts.get("mpi.vendor", ""), found.facts.get("mpi.version", "")) == (vendor, version)


def test_the_package_of_another_implementation_does_not_date_the_library() -> None:
    view = image_view(elves={"/l/libmpi.so.12": elf(markers=INTEL)}, packages=[pypi("mpich", "5.0.2")])
    assert by_id(DETECTOR, view)["mpi.library"].facts == facts("libmpi.so.12", "MPICH", "Intel MPI")


def test_a_derived_library_is_not_taken_for_what_it_is_derived_from() -> None:
    markers = MPICH | {CRAY.id: ("8.1.29",), MPICH_VERSION: ("3.4a2",), INTEL_VERSION.id: ()}
    view = image_view(elves={"/l/libmpi.so.12": elf(markers=markers)})
    assert by_id(DETECTOR, view)["mpi.library"].facts == facts("libmpi.so.12", "MPICH", "Cray MPICH", "8.1.29")


def test_a_library_of_unknown_make_has_a_family_only() -> None:
    found = by_id(DETECTOR, image_view(elves={"/l/libmpi.so.12": elf()}))["mpi.library"]
    assert found.facts == facts("libmpi.so.12", "MPICH")
    assert found.title == "MPI of the MPICH family"


def test_a_repaired_wheel_renames_the_library() -> None:
    view = image_view(elves={"/site/x.libs/libmpi-0a1b2c3d.so.40.30.5": elf(soname="libmpi-0a1b2c3d.so.40.30.5")})
    assert by_id(DETECTOR, view)["mpi.library"].facts == facts("libmpi.so.40", "Open MPI")


def test_an_old_open_mpi_had_the_soname_of_mpich() -> None:
    view = image_view(elves={"/app": elf(), "/l/libmpi.so.12": elf(markers=OPEN)}, reached={"/l/libmpi.so.12": PROVEN})
    found = by_id(DETECTOR, view)["mpi.library"]
    assert found.facts["mpi.family"] == "Open MPI"
    assert found.confidence is HINT


def test_the_standard_abi_beside_its_implementation_is_no_second_mpi() -> None:
    elves = {"/l/libmpi.so.12": elf(markers=MPICH), "/l/libmpi_abi.so.1": elf(markers=MPICH)}
    assert [finding.facts["mpi.soname"] for finding in findings(DETECTOR, image_view(elves=elves))] == ["libmpi.so.12"]
    alone = by_id(DETECTOR, image_view(elves={"/l/libmpi_abi.so.1": elf()}))
    assert alone["mpi.library"].facts["mpi.family"] == "MPI ABI"


def test_two_families_are_both_reported_and_the_used_one_is_surer() -> None:
    elves = {"/l/libmpi.so.12": elf(markers=MPICH), "/l/libmpi.so.40": elf(markers=OPEN)}
    found = findings(DETECTOR, image_view(elves=elves, reached={"/l/libmpi.so.40": PROVEN}))
    assert {(f.facts["mpi.family"], f.confidence) for f in found} == {("MPICH", HINT), ("Open MPI", PROVEN)}


@pytest.mark.parametrize("library", ["libmpi_cray.so.12", "libmpi_gnu_123.so.12", "libmpi_nvidia.so.12"])
def test_crays_library_has_a_name_a_compiler(library: str) -> None:
    found = by_id(DETECTOR, image_view(elves={"/app": elf(library)}, reached={"/app": PROVEN}))["mpi.from-host"]
    assert found.facts == {"mpi.family": "MPICH", "mpi.location": "host", "mpi.soname": library}
    assert found.confidence is LIKELY


@pytest.mark.parametrize(
    "library", ["libmpi_mpifh.so.12", "libmpicxx.so.12", "libmpifort.so.12", "libmpi_usempif08.so.40"]
)
def test_bindings_are_no_mpi_library(library: str) -> None:
    assert findings(DETECTOR, image_view(elves={"/app": elf(library), f"/l/{library}": elf(soname=library)})) == []


@pytest.mark.parametrize(
    ("part", "needed", "interface"),
    [
        ("/l/libopen-pal.so.80", "libpmix.so.2", "PMIx"),
        ("/l/openmpi/mca_pmix_ext3x.so", "libpmix.so.2", "PMIx"),
        ("/l/libmpi.so.40", "libpmi2.so.0", "PMI2"),
        ("/l/libmpi.so.40", "libpmi.so.0", "PMI1"),
    ],
)
def test_process_managers(part: str, needed: str, interface: str) -> None:
    view = image_view(elves={"/l/libmpi.so.40": elf(markers=OPEN), part: elf(needed, markers=OPEN)})
    assert by_id(DETECTOR, view)["mpi.pmi"].facts == {"mpi.pmi": [interface]}


def test_a_process_manager_without_an_mpi_says_nothing() -> None:
    assert findings(DETECTOR, image_view(elves={"/usr/bin/srun": elf("libpmix.so.2"), "/l/libpmix.so.2": elf()})) == []


def test_a_program_without_its_mpi_expects_one_family() -> None:
    view = image_view(elves={"/app": elf("libmpi.so.40", "libc.so.6")}, reached={"/app": PROVEN})
    finding = by_id(DETECTOR, view)["mpi.from-host"]
    assert finding.facts == {"mpi.family": "Open MPI", "mpi.location": "host", "mpi.soname": "libmpi.so.40"}
    assert (finding.confidence, finding.requirement) == (LIKELY, None)


def test_mpi4py_without_mpi_takes_either_family_from_outside() -> None:
    elves = {
        "/site/mpi4py/MPI.mpich.cpython-311-x86_64-linux-gnu.so": elf("libmpi.so.12"),
        "/site/mpi4py/MPI.openmpi.cpython-311-x86_64-linux-gnu.so": elf("libmpi.so.40"),
    }
    finding = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, LIKELY)))["mpi.from-host"]
    assert (finding.confidence, finding.facts, finding.requirement) == (HINT, {"mpi.location": "host"}, None)
    assert finding.title == "MPI of the MPICH or Open MPI family is expected from outside the image"


def test_mpi4py_beside_an_mpi_expects_nothing() -> None:
    elves = {
        "/site/mpi4py/MPI.mpich.so": elf("libmpi.so.12"),
        "/site/mpi4py/MPI.openmpi.so": elf("libmpi.so.40"),
        "/l/libmpi.so.12": elf(markers=MPICH),
    }
    assert set(by_id(DETECTOR, image_view(elves=elves))) == {"mpi.library"}
    reached = dict.fromkeys(elves, LIKELY)
    assert set(by_id(DETECTOR, image_view(elves=elves, reached=reached))) == {"mpi.library"}


def test_a_program_of_another_family_than_the_images_expects_it_from_outside() -> None:
    elves = {"/app": elf("libmpi.so.40"), "/l/libmpi.so.12": elf(markers=MPICH)}
    found = by_id(DETECTOR, image_view(elves=elves, reached={"/app": PROVEN}))
    assert (found["mpi.from-host"].facts["mpi.family"], found["mpi.from-host"].confidence) == ("Open MPI", LIKELY)
    assert found["mpi.library"].confidence is HINT


def test_a_bootstrap_of_nvshmem_expects_no_mpi() -> None:
    elves = {"/nvshmem/lib/nvshmem_bootstrap_mpi.so.3": elf("libmpi.so.40")}
    assert findings(DETECTOR, image_view(elves=elves)) == []


def test_images_without_mpi_say_nothing() -> None:
    assert by_id(DETECTOR, image_view(elves={"/app": elf("libmpifr.so.1")}, packages=[deb("libmpich12")])) == {}


def test_nothing_of_mpi_is_ever_a_requirement() -> None:
    elves = {"/app": elf("libmpi.so.12"), "/l/libmpi.so.12": elf("libefa.so.1", "libibverbs.so.1", markers=MPICH)}
    found = findings(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    assert [finding.requirement for finding in found] == [None]
