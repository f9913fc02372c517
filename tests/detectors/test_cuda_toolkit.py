import pytest

from compatbuild.detectors.cuda_toolkit import DETECTOR
from compatbuild.image.view import Package
from compatbuild.model.finding import Confidence
from tests.builders.views import by_id, deb, elf, findings, image_view

SITE = "/usr/lib/python3/site-packages"


def pypi(name: str, version: str) -> Package:
    return Package("pypi", name, version, f"{SITE}/{name.replace('-', '_')}-{version}.dist-info/METADATA")


@pytest.mark.parametrize(
    ("package", "release"),
    [
        (pypi("nvidia-cuda-runtime-cu12", "12.9.79"), "12.9"),
        (pypi("nvidia-cuda-runtime-cu11", "11.8.89"), "11.8"),
        (pypi("nvidia-cuda-runtime", "13.5.37"), "13.5"),
        (pypi("torch", "2.7.1+cu128"), "12.8"),
        (pypi("torch", "2.4.0+cu118"), "11.8"),
        (pypi("vllm", "0.11.0+pt28.cu130"), "13.0"),
        (deb("cuda-cudart-12-8", "12.8.57-1"), "12.8"),
        (Package("rpm", "cuda-cudart-13-0", "13.0.96-1", "/var/lib/rpm/rpmdb.sqlite"), "13.0"),
    ],
)
def test_packages_that_carry_the_toolkits_version(package: Package, release: str) -> None:
    finding = by_id(DETECTOR, image_view(packages=[package]))["cuda.toolkit"]
    assert finding.facts == {"cuda.toolkit": release}
    assert finding.requirement is None
    assert package.name in finding.evidence[0].statement


@pytest.mark.parametrize(
    "package",
    [
        pypi("nvidia-cublas-cu12", "12.9.1.4"),
        pypi("nvidia-nccl-cu12", "2.32.3"),
        pypi("nvidia-cuda-runtime-cu12", "unknown"),
        pypi("torch", "2.7.1+cpu"),
        pypi("torch", "2.7.1"),
        pypi("flash-attn", "2.8.0+cu12torch2.8"),
        deb("torch", "2.7.1+cu128"),
        deb("libcudart12", "12.4.127~12.4.1-2"),
    ],
)
def test_other_packages_have_numbers_of_their_own(package: Package) -> None:
    assert findings(DETECTOR, image_view(packages=[package])) == []


@pytest.mark.parametrize(
    ("path", "soname", "release"),
    [
        ("/usr/local/cuda-12.9/targets/x86_64-linux/lib/libcudart.so.12.9.79", "libcudart.so.12", "12.9"),
        ("/usr/local/cuda-11.8/lib64/libcudart.so.11.8.89", "libcudart.so.11.0", "11.8"),
        ("/site/libucx_cu12.libs/libcudart-256e6409.so.12.9.79", "libcudart-256e6409.so.12.9.79", "12.9"),
        ("/site/nvidia/cu13/lib/libnvrtc-builtins.so.13.5", "libnvrtc-builtins.so.13.5", "13.5"),
    ],
)
def test_libraries_whose_names_carry_it(path: str, soname: str, release: str) -> None:
    finding = by_id(DETECTOR, image_view(elves={path: elf(soname=soname)}))["cuda.toolkit"]
    assert finding.facts == {"cuda.toolkit": release}


@pytest.mark.parametrize(
    "path", ["/site/libcudart.so.12", "/site/libcudart.so.11.0", "/usr/local/cuda/lib64/stubs/libcudart.so.12.9.79"]
)
def test_other_names_do_not(path: str) -> None:
    assert findings(DETECTOR, image_view(elves={path: elf()})) == []


def test_the_newest_that_is_used_counts() -> None:
    packages = [pypi("torch", "2.7.1+cu128"), pypi("nvidia-cuda-runtime-cu12", "12.9.79")]
    assert by_id(DETECTOR, image_view(packages=packages))["cuda.toolkit"].facts == {"cuda.toolkit": "12.9"}
    view = image_view(packages=packages, reached={packages[0].path: Confidence.LIKELY}, entrypoint_known=True)
    used = by_id(DETECTOR, view)["cuda.toolkit"]
    assert (used.facts, used.confidence) == ({"cuda.toolkit": "12.8"}, Confidence.LIKELY)


def test_packages_that_the_program_does_not_come_to_are_a_hint() -> None:
    view = image_view(packages=[pypi("torch", "2.7.1+cu128")], entrypoint_known=True)
    assert by_id(DETECTOR, view)["cuda.toolkit"].confidence is Confidence.HINT


PYTORCH = b"""{
  "build": "cuda129_mkl_py311_h1234567_300",
  "constrains": ["pytorch-cpu <0.0a0"],
  "depends": [
    "__cuda  >=12.9",
    "cuda-version >=12.9,<13"
  ],
  "files": ["lib/__cuda"]
}"""
VERSION = b'{"constrains": ["cudatoolkit 12.9|12.9.*", "__cuda >=12"], "depends": []}'


def test_what_conda_packages_ask_is_told_and_no_requirement() -> None:
    """The solver asks for the driver of the toolkit, where the first one of its major would do."""
    files = {
        "/opt/conda/conda-meta/pytorch-2.7.1-cuda129_300.json": PYTORCH,
        "/opt/conda/conda-meta/cuda-version-12.9-h4f385c5_3.json": VERSION,
    }
    found = by_id(DETECTOR, image_view(files=files))
    assert found["cuda.conda"].title == "Conda packages ask for __cuda >=12, __cuda >=12.9"
    assert (found["cuda.conda"].confidence, found["cuda.conda"].requirement) == (Confidence.HINT, None)
    assert [evidence.statement for evidence in found["cuda.conda"].evidence] == [
        "The package has __cuda >=12 in constrains",
        "The package has __cuda >=12.9 in depends",
    ]
    assert found["cuda.toolkit"].facts == {"cuda.toolkit": "12.9"}


@pytest.mark.parametrize("content", [b"", b"{", b'{"depends": []}', b'{"files": ["__cuda"]}', b"\xff" * 99])
def test_other_conda_packages_say_nothing(content: bytes) -> None:
    assert findings(DETECTOR, image_view(files={"/opt/conda/conda-meta/x-1-0.json": content})) == []


def test_an_endless_record_is_no_trouble() -> None:
    content = b'{"depends": [' + b'"__cuda >=' + b"1" * 9000 + b'",' * 3000
    assert findings(DETECTOR, image_view(files={"/opt/conda/conda-meta/x-1-0.json": content})) == []
