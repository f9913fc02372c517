"""Externals of Spack's installations: what is expected on the host, and what is in the image after all."""

from typing import Any

from compatbuild.detectors.spack import DETECTOR
from compatbuild.image import pkg_spack
from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence
from tests.builders.metadata_images import spack_node, spack_spec
from tests.builders.views import elf, findings, image_view

PROGRAM = "/opt/software/gromacs/bin/gmx"
SPEC = "/opt/software/gromacs/.spack/spec.json"
MPI = {"path": "/site/openmpi", "module": None}


def installation(*nodes: dict[str, object], reached: bool = True, there: str = "") -> ImageView:
    """Return an image with one installed package, which its program belongs to, and a file that is ``there``."""
    return image_view(
        elves={PROGRAM: elf("libmpi.so.40")},
        files={SPEC: spack_spec(*nodes)} | ({there: b""} if there else {}),
        reached={PROGRAM: Confidence.PROVEN} if reached else {},
        entrypoint_known=True,
    )


GROMACS = spack_node("gromacs", "2024.1", uses=("openmpi",), builds_with=("cmake",))


def test_an_external_that_is_linked_is_expected_on_the_host() -> None:
    (finding,) = findings(DETECTOR, installation(GROMACS, spack_node("openmpi", "4.1.5", external=MPI)))
    assert finding.id == "spack.external"
    assert finding.title == "Spack's packages expect openmpi 4.1.5 at /site/openmpi from the host"
    assert finding.confidence is Confidence.LIKELY
    assert finding.requirement is None
    assert finding.evidence[0].statement == "gromacs 2024.1 uses openmpi 4.1.5 at /site/openmpi"


def test_for_a_package_that_is_not_used_it_is_a_hint() -> None:
    view = installation(GROMACS, spack_node("openmpi", external=MPI), reached=False)
    assert [finding.confidence for finding in findings(DETECTOR, view)] == [Confidence.HINT]


def test_what_is_in_the_image_is_not_expected_elsewhere() -> None:
    view = installation(GROMACS, spack_node("openmpi", external=MPI), there="/site/openmpi/lib/libmpi.so")
    assert findings(DETECTOR, view) == []


def test_what_was_only_built_with_is_not_needed() -> None:
    tool = spack_node("cmake", external={"path": "/site/cmake"})
    assert findings(DETECTOR, installation(GROMACS, spack_node("openmpi"), tool)) == []


def test_dependencies_of_dependencies_are_told_by_their_own_specs() -> None:
    inner = spack_node("openmpi", uses=("ucx",))
    assert findings(DETECTOR, installation(GROMACS, inner, spack_node("ucx", external=MPI))) == []


def test_older_specs_have_the_kinds_of_a_dependency_elsewhere() -> None:
    edge = {"name": "openmpi", "hash": "openmpi-hash", "type": ["build", "link"]}
    old = spack_node("gromacs") | {"dependencies": [edge]}
    assert len(findings(DETECTOR, installation(old, spack_node("openmpi", external=MPI)))) == 1


def test_a_spec_is_read_as_far_as_it_goes() -> None:
    content = spack_spec(GROMACS, spack_node("openmpi", external=MPI), spack_node("zlib"))
    assert [spec.name for spec in pkg_spack.specs(content[:-100])] == ["gromacs", "openmpi"]
    assert list(pkg_spack.specs(b"spec: yaml")) == []


def test_a_target_is_a_name_or_an_object() -> None:
    generic, special = spack_node("a", target="x86_64_v3"), spack_node("b", target={"name": "zen4", "features": []})
    found = [spec.target for spec in pkg_spack.specs(spack_spec(generic, special, spack_node("c", target=3)))]
    assert found == ["x86_64_v3", "zen4", ""]


def test_an_external_without_a_path_or_outside_of_any_is_none() -> None:
    for external in ({"path": "relative"}, {"path": 3}, {"module": ["openmpi"]}, "x", {"path": "/" + "x" * 5000}):
        assert findings(DETECTOR, installation(GROMACS, spack_node("openmpi", external=external))) == []


GCC: dict[str, Any] = {"compiler": {"name": "gcc", "version": "12.2.0"}}


def by_id(view: ImageView) -> dict[str, str]:
    return {finding.id: finding.title for finding in findings(DETECTOR, view)}


def test_compiler_and_system_are_told() -> None:
    assert by_id(installation(spack_node("gromacs", "2024.1", **GCC))) == {
        "spack.built": "Spack built packages with gcc 12.2.0 on ubuntu22.04"
    }


def test_a_compiler_is_a_dependency_since_version_5_of_the_format() -> None:
    edges = [{"hash": "gcc-hash", "parameters": {"deptypes": ["build"], "virtuals": ["c", "cxx"]}}]
    node = spack_node("gromacs") | {"dependencies": edges}
    assert by_id(installation(node, spack_node("gcc", "14.1.0"))) == {
        "spack.built": "Spack built packages with gcc 14.1.0 on ubuntu22.04"
    }


def test_who_provides_mpi_is_told_and_nobody_else() -> None:
    edges = [
        {"hash": f"{name}-hash", "parameters": {"deptypes": ["link"], "virtuals": virtuals}}
        for name, virtuals in (("mpich", ["mpi"]), ("openblas", ["blas", "lapack"]), ("absent", ["mpi"]))
    ]
    node = spack_node("gromacs") | {"dependencies": edges[:2]}
    view = installation(node, spack_node("mpich", "4.2.1"), spack_node("openblas"))
    (finding,) = findings(DETECTOR, view)
    assert (finding.id, finding.title) == ("spack.provider", "Spack's packages have mpi from mpich 4.2.1")
    assert finding.confidence is Confidence.LIKELY
    assert findings(DETECTOR, installation(spack_node("gromacs") | {"dependencies": edges[2:]})) == []


def test_many_packages_that_were_built_alike_are_one_finding() -> None:
    files = {f"/opt/{name}/.spack/spec.json": spack_spec(spack_node(name, **GCC)) for name in ("a", "b", "c")}
    (finding,) = findings(DETECTOR, image_view(files=files))
    assert [evidence.statement for evidence in finding.evidence] == [
        f"{name} 1.0 was built so for x86_64" for name in ("a", "b", "c")
    ]


def test_members_of_another_kind_say_nothing() -> None:
    for node in (
        {"compiler": "gcc"},
        {"compiler": {"name": 3, "version": None}},
        {"arch": "linux-x86_64", **GCC},
        {"dependencies": [{"parameters": {"virtuals": "mpi"}}, {"parameters": 3}, 7]},
        {"dependencies": [{"hash": 7, "parameters": {"virtuals": ["mpi", 3]}}]},
    ):
        assert findings(DETECTOR, installation(spack_node("gromacs") | node)) == []


def test_a_target_tells_its_architecture() -> None:
    def architecture(target: object) -> str:
        return next(pkg_spack.specs(spack_spec(spack_node("a", target=target)))).architecture

    names = {"x86_64": "amd64", "x86_64_v4": "amd64", "aarch64": "arm64", "armv8.2a": "arm64", "power9le": "ppc64le"}
    assert {name: architecture(name) for name in names} == names
    assert architecture({"name": "zen3", "features": ["sse2", "avx2"]}) == "amd64"
    assert architecture({"name": "neoverse_v2", "features": ["fp", "asimd"]}) == "arm64"
    assert [architecture(one) for one in ("cannonlake", {"name": "x", "features": "sse2"}, 3)] == ["", "", ""]
