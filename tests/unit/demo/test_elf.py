"""The loader's view of ELF files, against pyelftools on files of this machine."""

import sys
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.segments import InterpSegment

from demo.elf import dynamic

FILES = (Path("/bin/sh").resolve(), Path(sys.executable).resolve())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_agrees_with_pyelftools(path: Path) -> None:
    with path.open("rb") as stream:
        segments = list(ELFFile(stream).iter_segments())
        tags = [tag for segment in segments if isinstance(segment, DynamicSegment) for tag in segment.iter_tags()]
        (interpreter,) = [segment.get_interp_name() for segment in segments if isinstance(segment, InterpSegment)]
    asked = dynamic(path)
    assert asked is not None
    needed, runpath, rpath = (
        tuple(getattr(tag, name) for tag in tags if tag.entry.d_tag == f"DT_{name.upper()}")
        for name in ("needed", "runpath", "rpath")
    )
    assert asked.needed == needed
    assert ":".join(asked.search) == ":".join(runpath or rpath)
    assert asked.interpreter == interpreter


@pytest.mark.parametrize(
    "data",
    [b"", b"\x7fEL", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(60), b"\x7fELF\x02\x01" + bytes(60)],
    ids=["empty", "cut off", "script", "32 bits", "no machine"],
)
def test_anything_else_is_nothing(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    assert dynamic(tmp_path / "file") is None
