"""What counts as an import that a program always executes."""

from hypothesis import given
from hypothesis import strategies as st

from compatbuild.image.view import ImageConfig, ImageView, Kind, Node
from compatbuild.inference.python_imports import MAX_SOURCE, Import, PythonTree, imports, normalise

SOURCE = b"""
import numpy as np, os.path
from mpi4py import MPI
from . import sibling
try:
    import cupy
except ImportError:
    cupy = None
try:
    import always
finally:
    pass
def lazy():
    import torch
if os.environ.get("X"):
    import maybe
if __name__ == "__main__":
    import guarded
"""


def test_certain_and_uncertain_imports() -> None:
    found = {item.module: item.certain for item in imports(SOURCE)}
    assert found["numpy"]
    assert found["mpi4py"]
    assert found["mpi4py.MPI"]
    assert found["always"]
    assert found["guarded"]
    assert not found["cupy"]
    assert not found["torch"]
    assert not found["maybe"]
    assert Import("sibling", 1) in set(imports(SOURCE))


def test_sources_that_do_not_parse_say_nothing() -> None:
    assert list(imports(b"import (")) == []
    assert list(imports(b"import x\n" + b"#" * MAX_SOURCE)) == []
    assert list(imports(b"(" * 100_000)) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(source: bytes) -> None:
    list(imports(source))


def test_distributions_modules_and_what_they_require() -> None:
    site = "/usr/lib/python3/site-packages"
    files = {
        f"{site}/big_app-1.0.dist-info/RECORD": b"big_app/__init__.py,,\nbig_app/core.so,,\n../../../bin/big,,\n",
        f"{site}/big_app-1.0.dist-info/METADATA": (
            b"Name: big-app\nRequires-Dist: Small.Lib>=1\nRequires-Dist: gpu; extra == 'gpu'\n\nRequires-Dist: no"
        ),
        f"{site}/small_lib-2.dist-info/RECORD": b"small.py,,\nsmall_lib.libs/libx.so,,\n",
        f"{site}/small_lib-2.dist-info/METADATA": b"Name: small.lib\n",
    }
    view = ImageView(
        config=ImageConfig(), layers=(), nodes={p: Node(Kind.FILE, 0) for p in files}, elves={}, files=files
    )
    tree = PythonTree(view)
    assert tree.distributions["big-app"].requires == ("small-lib",)
    assert "/usr/bin/big" in tree.distributions["big-app"].files
    assert tree.providers["big_app"] == {"big-app"}
    assert tree.providers["small"] == {"small-lib"}
    assert [d.name for d in tree.closure({"big-app"})] == ["big-app", "small-lib"]


def test_names_compare_as_the_index_does() -> None:
    assert normalise("Small.Lib__x") == "small-lib-x"
