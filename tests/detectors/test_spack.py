"""Externals of Spack's installations: what is expected on the host, and what is in the image after all."""

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
