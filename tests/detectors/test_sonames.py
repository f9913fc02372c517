import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.detectors._sonames import needed, normalised, own_name
from tests.builders.views import elf


@pytest.mark.parametrize(
    ("soname", "plain"),
    [
        ("libcudart-256e6409.so.12.9.79", "libcudart.so.12.9.79"),
        ("libibverbs-1de1263b.so.1.14.48.0", "libibverbs.so.1.14.48.0"),
        ("libscipy_openblas64_-32a4b2a6.so", "libscipy_openblas64_.so"),
        ("libcudart.so.12", "libcudart.so.12"),
        ("libevent-2.1.so.7", "libevent-2.1.so.7"),
        ("libhash-256e640.so.1", "libhash-256e640.so.1"),
        ("libhash-256E6409.so.1", "libhash-256E6409.so.1"),
        ("ld-linux-x86-64.so.2", "ld-linux-x86-64.so.2"),
        ("", ""),
    ],
)
def test_the_hash_of_a_repaired_wheel_is_taken_off(soname: str, plain: str) -> None:
    assert normalised(soname) == plain
    assert needed(elf(soname)) == (plain,)


def test_a_file_without_a_soname_is_known_by_its_own_name() -> None:
    assert own_name("/l/libmpi.so.12", elf()) == "libmpi.so.12"
    assert own_name("/l/libmpi-0a1b2c3d.so.12", elf()) == "libmpi.so.12"
    assert own_name("/l/other.so", elf(soname="libmpi.so.12")) == "libmpi.so.12"


@given(st.text(max_size=200))
def test_any_name_is_taken(name: str) -> None:
    assert len(normalised(name)) <= len(name)
