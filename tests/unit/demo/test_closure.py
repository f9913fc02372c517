"""Library closures, against ldd on programs of this machine."""

import _ssl
import re
import subprocess
import sys
from pathlib import Path

import pytest

from demo.closure import Loader, closure, configured
from demo.machine import DemoError

PROGRAMS = (Path("/bin/sh"), Path(sys.executable))


def ldd(path: Path) -> set[Path]:
    """Return what the loader of this machine would load for a program."""
    lines = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=True).stdout
    return {Path(found).resolve() for found in re.findall(r"(/\S+) \(0x", lines)}


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.name)
def test_is_what_the_loader_loads(program: Path) -> None:
    assert {path.resolve() for path in closure([program.resolve()], Loader.of_machine())} == ldd(program)


def test_covers_extension_modules() -> None:
    names = {path.name for path in closure([Path(_ssl.__file__)], Loader.of_machine())}
    assert {"libc.so.6", "libssl.so.3", "libcrypto.so.3"} <= names


def test_scripts_need_nothing(tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n")
    assert list(closure([script], Loader.of_machine())) == []


def test_a_missing_library_is_named_with_what_needs_it() -> None:
    with pytest.raises(DemoError) as caught:
        list(closure([Path("/bin/sh")], Loader(())))
    assert "libc.so.6" in caught.value.what
    assert "/bin/sh" in caught.value.why
    assert "libc.so.6" in caught.value.remedy


def test_a_file_that_only_has_the_name_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "libc.so.6").write_text("INPUT(libc.so.6)")
    found = Loader((tmp_path, *Loader.of_machine().directories)).library("libc.so.6")
    assert found.parent != tmp_path


def test_configuration_is_read_with_its_includes_in_place(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "b.conf").write_text("/second\n")
    (tmp_path / "conf.d" / "a.conf").write_text("# comment\n/first  # why\n\n")
    (tmp_path / "ld.so.conf").write_text(f"include conf.d/*.conf\nhwcap 1 nosegneg\ninclude {tmp_path}/none/*\n/last\n")
    assert configured(tmp_path / "ld.so.conf") == (Path("/first"), Path("/second"), Path("/last"))
    assert configured(tmp_path / "missing") == ()
