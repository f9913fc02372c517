import pytest

from compatbuild.detectors.fabric import DETECTOR
from compatbuild.model.finding import Confidence
from tests.builders.views import by_id, elf, findings, image_view

UCX = {f"/lib/ucx/libuct_{name}.so.0": elf("libibverbs.so.1") for name in ("ib", "ib_mlx5", "ib_efa", "rdmacm", "cma")}
LIBFABRIC = {f"/lib/libfabric/lib{name}-fi.so": elf("libefa.so.1") for name in ("efa", "verbs", "psmx2")}


def test_what_was_built_into_the_middleware_is_a_fact_and_never_more_than_a_hint() -> None:
    elves = UCX | LIBFABRIC
    view = image_view(elves=elves, reached=dict.fromkeys(elves, Confidence.PROVEN))
    found = by_id(DETECTOR, view)
    assert found["fabric.ucx"].facts == {"fabric.ucx": ["cma", "ib", "ib_efa", "ib_mlx5", "rdmacm"]}
    assert found["fabric.libfabric"].facts == {"fabric.libfabric": ["efa", "psmx2", "verbs"]}
    assert "fabric.efa" not in found
    assert {(f.confidence, f.requirement) for f in found.values()} == {(Confidence.HINT, None)}


def test_a_repaired_wheel_mangles_names() -> None:
    view = image_view(elves={"/site/libucx/libuct_cuda-0a1b2c3d.so.0.0.0": elf("libcudart-256e6409.so.12.9.79")})
    assert by_id(DETECTOR, view)["fabric.ucx"].facts == {"fabric.ucx": ["cuda"]}


def test_the_core_libraries_name_no_network() -> None:
    elves = {"/lib/libuct.so.0": elf(), "/lib/libucp.so.0": elf(), "/lib/libfabric.so.1": elf("libefa.so.1")}
    assert findings(DETECTOR, image_view(elves=elves)) == []


@pytest.mark.parametrize("value", ["efa", "efa,tcp", "tcp;efa"])
def test_naming_the_provider_shows_intent(value: str) -> None:
    finding = by_id(DETECTOR, image_view(env={"FI_PROVIDER": value}))["fabric.efa"]
    assert finding.facts == {"fabric.efa": True}
    assert finding.confidence is Confidence.HINT


@pytest.mark.parametrize("value", ["", "tcp", "^efa", "efax"])
def test_other_providers_do_not(value: str) -> None:
    assert findings(DETECTOR, image_view(env={"FI_PROVIDER": value})) == []


def test_the_plug_in_of_nccl_shows_intent() -> None:
    finding = by_id(DETECTOR, image_view(elves={"/opt/amazon/lib/libnccl-net-ofi.so": elf()}))["fabric.efa"]
    assert finding.evidence[0].path == "/opt/amazon/lib/libnccl-net-ofi.so"
