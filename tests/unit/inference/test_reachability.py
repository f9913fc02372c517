"""How a container's default program comes to a file."""

from pathlib import PurePosixPath
from typing import Any

import pytest

from compatbuild.image.elf import ElfFacts
from compatbuild.image.view import ImageConfig, ImageView, Kind, Node
from compatbuild.inference import library_search
from compatbuild.inference.reachability import with_reachability
from compatbuild.model.finding import Confidence

AMD64 = 62
SITE = "/usr/lib/python3.11/site-packages"


def lib(*needed: str, **more: Any) -> ElfFacts:
    return ElfFacts(machine=AMD64, bits=64, needed=needed, **more)


def view(
    *argv: str,
    elves: dict[str, ElfFacts] | None = None,
    files: dict[str, bytes] | None = None,
    links: dict[str, str] | None = None,
    env: tuple[str, ...] = (),
    working_dir: str = "/",
) -> ImageView:
    elves, files, links = elves or {}, files or {}, links or {}
    nodes = {path: Node(Kind.FILE, 0) for path in (*elves, *files)}
    nodes |= {path: Node(Kind.SYMLINK, 0, target=target) for path, target in links.items()}
    for path in list(nodes):
        for parent in PurePosixPath(path).parents:
            nodes.setdefault(str(parent), Node(Kind.DIRECTORY, 0))
    config = ImageConfig(architecture="amd64", entrypoint=argv, env=env, working_dir=working_dir)
    return with_reachability(ImageView(config=config, layers=("sha256:0",), nodes=nodes, elves=elves, files=files))


def sure(image: ImageView) -> dict[str, Confidence]:
    return {path: reach.confidence for path, reach in image.reached.items()}


def test_a_program_proves_what_it_needs() -> None:
    image = view(
        "app",
        elves={
            "/usr/bin/app": lib("liba.so.1", interpreter="/lib64/ld.so"),
            "/usr/lib/liba.so.1.2": lib("libb.so.1"),
            "/lib64/libb.so.1": lib(),
            "/lib64/ld.so": lib(),
            "/usr/lib/libother.so": lib(),
        },
        links={"/usr/lib/liba.so.1": "liba.so.1.2"},
    )
    assert image.entrypoint_known
    assert set(sure(image)) == {"/usr/bin/app", "/usr/lib/liba.so.1.2", "/lib64/libb.so.1", "/lib64/ld.so"}
    assert set(sure(image).values()) == {Confidence.PROVEN}
    assert image.reached["/lib64/libb.so.1"].chain == ("/usr/bin/app", "/usr/lib/liba.so.1.2", "/lib64/libb.so.1")


@pytest.mark.parametrize(
    ("paths", "env", "conf"),
    [
        ({"runpath": ("$ORIGIN/../deps",)}, (), b""),
        ({"rpath": ("${ORIGIN}/../deps",)}, (), b""),
        ({}, ("LD_LIBRARY_PATH=/opt/app/deps",), b""),
        ({}, (), b"/opt/app/deps\n"),
    ],
)
def test_the_loaders_search_path(paths: dict[str, tuple[str, ...]], env: tuple[str, ...], conf: bytes) -> None:
    image = view(
        "/opt/app/bin/app",
        elves={"/opt/app/bin/app": lib("libx.so", **paths), "/opt/app/deps/libx.so": lib()},
        files={"/etc/ld.so.conf": conf},
        env=env,
    )
    assert "/opt/app/deps/libx.so" in sure(image)


def test_a_library_of_another_machine_does_not_satisfy() -> None:
    image = view(
        "/app",
        elves={"/app": lib("libx.so"), "/lib/libx.so": ElfFacts(machine=3, bits=32), "/usr/lib/libx.so": lib()},
    )
    assert "/usr/lib/libx.so" in sure(image)
    assert "/lib/libx.so" not in sure(image)


def test_a_script_proves_its_interpreter_and_makes_its_commands_likely() -> None:
    image = view(
        "/start.sh",
        elves={"/bin/sh": lib(), "/usr/bin/server": lib("libs.so"), "/lib/libs.so": lib(), "/usr/bin/cleanup": lib()},
        files={"/start.sh": b"#!/bin/sh -e\nexec server --port 80\n"},
    )
    assert sure(image)["/bin/sh"] is Confidence.PROVEN
    assert sure(image)["/usr/bin/server"] is Confidence.LIKELY
    assert sure(image)["/lib/libs.so"] is Confidence.LIKELY
    assert "/usr/bin/cleanup" not in sure(image)


def test_the_command_lines_of_programs_in_the_image_are_kept() -> None:
    image = view(
        "tini",
        "--",
        "/start.sh",
        elves={"/bin/sh": lib(), "/usr/bin/tini": lib(), "/sbin/kmod": lib()},
        files={"/start.sh": b"#!/bin/sh -e\nmodprobe -a tun fuse\nabsent --now\n"},
        links={"/sbin/modprobe": "kmod"},
    )
    assert image.commands == {
        ("tini", "--", "/start.sh"): Confidence.PROVEN,
        ("/start.sh",): Confidence.PROVEN,
        ("/bin/sh", "-e", "/start.sh"): Confidence.PROVEN,
        ("modprobe", "-a", "tun", "fuse"): Confidence.LIKELY,
    }


def test_an_entrypoint_script_hands_over_to_cmd() -> None:
    image = view(
        "/entry.sh",
        "postgres",
        elves={"/bin/sh": lib(), "/usr/bin/postgres": lib()},
        files={"/entry.sh": b'#!/bin/sh\nset -e\nexec "$@"\n'},
    )
    assert sure(image)["/usr/bin/postgres"] is Confidence.LIKELY


def test_wrappers_are_looked_through() -> None:
    image = view("tini", "--", "/app", elves={"/usr/bin/tini": lib(), "/app": lib()})
    assert sure(image) == {"/usr/bin/tini": Confidence.PROVEN, "/app": Confidence.PROVEN}


@pytest.mark.parametrize("argv", [(), ("/bin/bash",), ("sh", "-i"), ("/no/such/program",), ("python3",)])
def test_an_image_without_a_program_of_its_own(argv: tuple[str, ...]) -> None:
    shells = {path: lib() for path in ("/bin/bash", "/bin/sh", "/usr/bin/python3")}
    assert not view(*argv, elves=shells).entrypoint_known


def test_an_opaque_shell_command_is_a_program_nonetheless() -> None:
    assert view("sh", "-c", "$APP", elves={"/bin/sh": lib()}).entrypoint_known


def python_image(source: bytes, *argv: str) -> ImageView:
    record = b"numlib/core.so,,\nnumlib.libs/libblas.so,,\nnumlib-1.dist-info/RECORD,,\n"
    return view(
        *argv,
        elves={
            "/usr/bin/python3.11": lib(),
            f"{SITE}/numlib/core.so": lib("libblas.so", rpath=("$ORIGIN/../numlib.libs",)),
            f"{SITE}/numlib.libs/libblas.so": lib(),
            f"{SITE}/gpulib/gpu.so": lib("libcuda.so.1"),
        },
        files={
            "/app/main.py": source,
            "/app/helpers/__init__.py": b"import numlib\n",
            f"{SITE}/numlib-1.dist-info/RECORD": record,
            f"{SITE}/numlib-1.dist-info/METADATA": b"Name: numlib\n",
            f"{SITE}/gpulib-1.dist-info/RECORD": b"gpulib/gpu.so,,\n",
            f"{SITE}/gpulib-1.dist-info/METADATA": b"Name: gpulib\n",
        },
        links={"/usr/bin/python3": "python3.11"},
        working_dir="/app",
    )


@pytest.mark.parametrize(
    ("source", "argv"),
    [
        (b"import numlib\n", ("python3", "/app/main.py")),
        (b"import numlib\n", ("python3", "-u", "main.py")),
        (b"from helpers import thing\n", ("python3", "/app/main.py")),
        (b"", ("python3", "-m", "helpers")),
        (b"", ("python3", "-c", "import numlib")),
    ],
)
def test_a_python_program_makes_its_distributions_likely(source: bytes, argv: tuple[str, ...]) -> None:
    image = python_image(source, *argv)
    assert sure(image)["/usr/bin/python3.11"] is Confidence.PROVEN
    assert sure(image)[f"{SITE}/numlib/core.so"] is Confidence.LIKELY
    assert sure(image)[f"{SITE}/numlib.libs/libblas.so"] is Confidence.LIKELY
    assert f"{SITE}/gpulib/gpu.so" not in sure(image)
    assert image.entrypoint_known


def test_an_import_with_a_fallback_reaches_nothing() -> None:
    image = python_image(b"try:\n    import gpulib\nexcept ImportError:\n    pass\n", "python3", "/app/main.py")
    assert f"{SITE}/gpulib/gpu.so" not in sure(image)


def test_a_library_that_a_python_package_loads_by_path() -> None:
    prefix = "/opt/venv"
    site = f"{prefix}/lib/python3.11/site-packages"
    elves = {
        "/usr/bin/python3.11": lib(),
        f"{site}/mpi/ext.so": lib("libmpi.so.12", "libtwice.so"),
        f"{prefix}/lib/libmpi.so.12": lib("libucp.so.0", soname="libmpi.so.12", runpath=("$ORIGIN/mpich",)),
        f"{prefix}/lib/mpich/libucp.so.0": lib(),
        f"{prefix}/lib/a/libtwice.so": lib(),
        f"{prefix}/lib/b/libtwice.so": lib(),
    }
    files = {f"{site}/mpi-1.dist-info/RECORD": b"mpi/ext.so,,\nmpi/__init__.py,,\n"}
    image = view("python3.11", "-c", "import mpi", elves=elves, files=files)
    assert sure(image)[f"{prefix}/lib/libmpi.so.12"] is Confidence.LIKELY
    assert sure(image)[f"{prefix}/lib/mpich/libucp.so.0"] is Confidence.LIKELY
    assert not [path for path in sure(image) if path.endswith("libtwice.so")]


def test_loops_end() -> None:
    image = view(
        "/a.sh",
        elves={"/bin/sh": lib("libl.so"), "/lib/libl.so": lib("libl.so")},
        files={"/a.sh": b"#!/bin/sh\nexec /a.sh\n", "/b.sh": b"#!/b.sh\n"},
        links={"/x": "/x"},
    )
    assert "/lib/libl.so" in sure(image)
    assert not view("/b.sh", files={"/b.sh": b"#!/b.sh\n"}).reached.keys() - {"/b.sh"}


def test_a_graph_of_libraries_with_long_search_paths_ends_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of n libraries with m names and k directories would be n*m*k places to look at."""
    monkeypatch.setattr(library_search, "MAX_LOOKUPS", 100)
    monkeypatch.setattr(library_search, "MAX_DIRECTORIES", 7)
    names = tuple(f"libx{n}.so" for n in range(50))
    elves = {f"/usr/lib/{name}": lib(*names, runpath=("/usr/lib", "/opt")) for name in names}
    elves |= {f"/opt/only{n}.so": lib(*(f"lost{n}-{m}.so" for m in range(9))) for n in range(50)}
    found = view("/app", elves=elves | {"/app": lib(*names, *(f"/opt/only{n}.so" for n in range(50)))})
    assert found.reached["/usr/lib/libx0.so"].confidence is Confidence.PROVEN
    assert any("more than 100 places of libraries" in text for text in found.limits)
    assert any("more than 7 directories" in text for text in found.limits)
