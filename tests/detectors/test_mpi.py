import pytest

from compatbuild.detectors.mpi import DETECTOR, OPEN_MPI, OPEN_MPI_SYMBOL
from compatbuild.image.view import Package
from compatbuild.model.finding import Confidence
from tests.builders.views import by_id, deb, elf, findings, image_view

PROVEN, LIKELY, HINT = Confidence.PROVEN, Confidence.LIKELY, Confidence.HINT
MPICH = {"mpi.mpich": ()}
INTEL = {"mpi.intel": ()}
OPEN = {OPEN_MPI.id: ("5.0.11",), OPEN_MPI_SYMBOL.id: ()}


def pypi(name: str, version: str) -> Package:
    return Package("pypi", name, version, f"/site/{name}.dist-info/METADATA")


def test_open_mpi_tells_its_own_version() -> None:
    library = elf("libopen-pal.so.80", "libpmix.so.2", soname="libmpi.so.40", markers=OPEN)
    found = by_id(DETECTOR, image_view(elves={"/lib/libmpi.so.40": library}))
    assert found["mpi.library"].facts == {
        "mpi.family": "Open MPI",
        "mpi.vendor": "Open MPI",
        "mpi.version": "5.0.11",
        "mpi.soname": "libmpi.so.40",
    }
    assert found["mpi.library"].confidence is LIKELY
    assert found["mpi.pmi"].facts == {"mpi.pmi": ["PMIx"]}


@pytest.mark.parametrize(
    ("soname", "markers", "package", "vendor", "version"),
    [
        ("libmpi.so.12", MPICH, pypi("mpich", "5.0.2"), "MPICH", "5.0.2"),
        ("libmpich.so.12", MPICH, deb("libmpich12", "4.0.2-3+b1"), "MPICH", "4.0.2"),
        ("libmpi.so.12", INTEL, pypi("impi-rt", "2021.19.0"), "Intel MPI", "2021.19.0"),
    ],
)
def test_the_mpich_family_is_told_apart_by_its_makers(
    soname: str, markers: dict[str, tuple[str, ...]], package: Package, vendor: str, version: str
) -> None:
    view = image_view(elves={"/lib/mpi.so": elf(soname=soname, markers=markers)}, packages=[package])
    assert by_id(DETECTOR, view)["mpi.library"].facts == {
        "mpi.family": "MPICH",
        "mpi.vendor": vendor,
        "mpi.version": version,
        "mpi.soname": soname,
    }


def test_the_package_of_another_implementation_does_not_date_the_library() -> None:
    view = image_view(elves={"/l/libmpi.so.12": elf(markers=INTEL)}, packages=[pypi("mpich", "5.0.2")])
    assert by_id(DETECTOR, view)["mpi.library"].facts == {
        "mpi.family": "MPICH",
        "mpi.vendor": "Intel MPI",
        "mpi.soname": "libmpi.so.12",
    }


def test_a_library_of_unknown_make_has_a_family_only() -> None:
    found = by_id(DETECTOR, image_view(elves={"/l/libmpi.so.12": elf()}))["mpi.library"]
    assert found.facts == {"mpi.family": "MPICH", "mpi.soname": "libmpi.so.12"}
    assert found.title == "MPI of the MPICH family"


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


def test_a_process_manager_of_general_knowledge_is_a_hint() -> None:
    library = elf("libpmi2.so.0", soname="libmpi.so.12", markers=MPICH)
    view = image_view(elves={"/l/libmpi.so.12": library}, reached={"/l/libmpi.so.12": PROVEN})
    assert by_id(DETECTOR, view)["mpi.pmi"].confidence is HINT


def test_a_program_without_its_mpi_expects_one_family() -> None:
    view = image_view(elves={"/app": elf("libmpi.so.40", "libc.so.6")}, reached={"/app": PROVEN})
    finding = by_id(DETECTOR, view)["mpi.from-host"]
    assert finding.facts == {"mpi.family": "Open MPI", "mpi.soname": "libmpi.so.40"}
    assert (finding.confidence, finding.requirement) == (LIKELY, None)


def test_mpi4py_without_mpi_takes_either_family_from_outside() -> None:
    elves = {
        "/site/mpi4py/MPI.mpich.cpython-311-x86_64-linux-gnu.so": elf("libmpi.so.12"),
        "/site/mpi4py/MPI.openmpi.cpython-311-x86_64-linux-gnu.so": elf("libmpi.so.40"),
    }
    finding = by_id(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, LIKELY)))["mpi.from-host"]
    assert (finding.confidence, finding.facts, finding.requirement) == (HINT, {}, None)
    assert finding.title == "MPI of the MPICH or Open MPI family is expected from outside the image"


def test_mpi4py_beside_an_mpi_expects_nothing() -> None:
    elves = {"/site/mpi4py/MPI.mpich.so": elf("libmpi.so.12"), "/l/libmpi.so.12": elf(markers=MPICH)}
    assert set(by_id(DETECTOR, image_view(elves=elves))) == {"mpi.library"}


def test_images_without_mpi_say_nothing() -> None:
    assert by_id(DETECTOR, image_view(elves={"/app": elf("libmpifr.so.1")}, packages=[deb("libmpich12")])) == {}


def test_nothing_of_mpi_is_ever_a_requirement() -> None:
    elves = {"/app": elf("libmpi.so.12"), "/l/libmpi.so.12": elf("libefa.so.1", "libibverbs.so.1", markers=MPICH)}
    found = findings(DETECTOR, image_view(elves=elves, reached=dict.fromkeys(elves, PROVEN)))
    assert [finding.requirement for finding in found] == [None]
