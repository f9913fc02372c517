"""Texts: os-release, scripts, Python programs, labels and variables, and names that must not be obeyed."""

from __future__ import annotations

from collections.abc import Iterator

from tests.builders.elf import elf
from tests.builders.layers import Entry, Layer, directory, file, symlink
from tests.builders.tarbytes import END, member
from tests.hostile.case import HONEST, MPI, Case, built, files, streamed, trick, zeros

CUDA = {"cuda.driver.min": "525.60.13"}
DEBIAN = {"os.id": "debian"}
INJECTIONS = (
    "\x1b]8;;http://evil/\x07click\x1b]8;;\x07",
    "\x1b[2J\x1b[1;1H",
    "\u202egnp.exe",
    "a\nb: c\r\n- d",
    '"}]}\n  - feature: "x"',
    "{{ ''.__class__.__mro__ }}{% for x in range(9**9) %}",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "|`![x](http://evil)|\n|---|",
    "${IFS}$(touch /tmp/owned)`id`",
    "!!python/object/apply:os.system [id]",
    "%s%n{0.__class__}[red]x[/red]",
    "\u2028\u2029\ufeff\x85\x00\x7f\x9b",
)


def injected() -> Iterator[Entry]:
    """Yield programs whose names and whose libraries' names are texts to be obeyed."""
    for number, text in enumerate(INJECTIONS):
        name = text.replace("/", "_").replace("\0", "")
        yield file(f"usr/bin/{number}{name}", elf(needed=["libmpi.so.40", f"lib{name}.so"]), mode=0o755)
        yield file(f"usr/lib/libcudart.so.12.{number}{name}", elf(soname=f"libcudart.so.12.{number}"))


def script(path: str, line: str, body: str = "") -> Entry:
    """Return a script that starts with this interpreter."""
    return file(path, f"#!{line}\n{body}".encode(), mode=0o755)


def python_program(*sources: tuple[str, str]) -> Iterator[Entry]:
    """Yield a Python, and a program of these sources."""
    yield file("usr/bin/python3", elf(needed=["libmpi.so.40"]), mode=0o755)
    yield directory("app")
    for path, text in sources:
        yield file(f"app/{path}", text.encode())


def import_graph(count: int) -> Iterator[Entry]:
    """Yield modules each of which imports all the others."""
    everything = "".join(f"import m{n}\n" for n in range(count))
    yield from python_program(("main.py", everything), *((f"m{n}.py", everything) for n in range(count)))


def many_sources() -> Layer:
    """Return 2,000 Python sources of 50 kB."""
    body = b"import os\n" * 5_000
    return streamed([*(member(b"app/s%d.py" % n, body) for n in range(2_000)), END])


def expression(depth: int) -> str:
    """Return Python that is nested too deep for its compiler."""
    return "x = " + "(" * depth + "1" + ")" * depth


RUN_PYTHON = {"Entrypoint": ["/usr/bin/python3", "/app/main.py"], "WorkingDir": "/app"}
CASES = (
    Case(
        "os-release-large",
        "an os-release of 16 MiB in one line",
        built(lambda: zeros("etc/os-release", 16 << 20, b"ID=", block=b"x" * (1 << 20))),
        facts=CUDA,
    ),
    Case(
        "os-release-shell",
        "an os-release with code for a shell",
        files(file("etc/os-release", b'ID=$(touch /tmp/owned)\nVERSION_ID=`id`\nNAME="a"; rm -rf /\n')),
        facts=CUDA,
    ),
    Case(
        "os-release-controls",
        "an os-release with control characters",
        files(file("etc/os-release", b'ID="\x1b[31mdebian"\nVERSION_ID="\xe2\x80\xae12\n')),
        facts=CUDA,
    ),
    Case(
        "os-release-keys",
        "an os-release of 100,000 keys",
        files(file("etc/os-release", b"".join(b"K%d=v\n" % n for n in range(100_000)) + b"ID=debian\n")),
        facts=CUDA,
    ),
    Case(
        "os-release-loop",
        "an os-release that is a link to itself",
        files(symlink("etc/os-release", "os-release")),
        facts=CUDA,
        absent=("os.id",),
    ),
    Case(
        "os-release-directory",
        "an os-release that is a directory",
        files(directory("etc/os-release/x")),
        facts=CUDA,
        absent=("os.id",),
    ),
    Case(
        "script-cycle",
        "scripts that are each other's interpreters",
        files(
            script("usr/bin/a", "/usr/bin/b"), script("usr/bin/b", "/usr/bin/a"), runtime={"Entrypoint": ["/usr/bin/a"]}
        ),
        facts=DEBIAN,
    ),
    Case(
        "script-itself",
        "a script that is its own interpreter",
        files(script("usr/bin/a", "/usr/bin/a"), runtime={"Entrypoint": ["/usr/bin/a"]}),
        facts=DEBIAN,
    ),
    Case(
        "script-chain",
        "a chain of 500 scripts",
        files(
            *(script(f"usr/bin/s{n}", f"/usr/bin/s{n + 1}") for n in range(500)),
            runtime={"Entrypoint": ["/usr/bin/s0"]},
        ),
        facts=DEBIAN,
    ),
    Case(
        "script-env-cycle",
        "env that starts itself",
        files(
            script("usr/bin/a", "/usr/bin/env -S /usr/bin/env a"),
            file("usr/bin/env", elf(), mode=0o755),
            runtime={"Entrypoint": ["/usr/bin/a"]},
        ),
        facts=DEBIAN,
    ),
    Case(
        "script-long",
        "an interpreter of 60,000 characters, a script of one line of 64 kB",
        files(script("usr/bin/a", "/" + "x/" * 30_000, "exec " + "y" * 70_000), runtime={"Entrypoint": ["/usr/bin/a"]}),
        facts=DEBIAN,
    ),
    Case(
        "script-quotes",
        "a script with 20,000 open quotes and brackets",
        files(
            script("usr/bin/a", "/bin/sh", "'\"`$(${((" * 6_000),
            file("bin/sh", elf(), mode=0o755),
            runtime={"Entrypoint": ["/usr/bin/a"]},
        ),
        facts=DEBIAN,
    ),
    Case(
        "script-commands",
        "a script of 5,000 commands that start scripts",
        files(
            script("usr/bin/a", "/bin/sh", "".join(f"/usr/bin/s{n}\n" for n in range(4_000))),
            *(script(f"usr/bin/s{n}", "/bin/sh", "/usr/bin/a\n" * 500) for n in range(300)),
            file("bin/sh", elf(), mode=0o755),
            runtime={"Entrypoint": ["/usr/bin/a"]},
        ),
        facts=DEBIAN,
    ),
    Case(
        "argv-many",
        "an Entrypoint of 9,000 words",
        files(trick(), runtime={"Entrypoint": ["/usr/bin/trick"] + ["*?[/"] * 9_000}),
        facts={**DEBIAN, **MPI},
    ),
    Case(
        "argv-odd",
        "an Entrypoint of patterns and control characters",
        files(trick(), runtime={"Entrypoint": ["/**/\x1b[2J*?[a-", "..", "\0", ""], "WorkingDir": "../../.."}),
        facts=DEBIAN,
    ),
    Case(
        "links-cycle-entrypoint",
        "an Entrypoint that is a circle of links",
        files(symlink("usr/bin/a", "b"), symlink("usr/bin/b", "a"), runtime={"Entrypoint": ["/usr/bin/a"]}),
        facts=DEBIAN,
    ),
    Case(
        "ld-so-include",
        "an ld.so.conf that includes itself and everything",
        files(file("etc/ld.so.conf", b"include /etc/ld.so.conf\ninclude /**/*\n" * 2_000), trick()),
        facts={**HONEST, **MPI},
    ),
    Case(
        "ld-so-many",
        "an ld.so.conf of 20,000 directories",
        files(
            file("etc/ld.so.conf", b"".join(b"/d%d\n" % n for n in range(20_000))),
            file("usr/bin/trick", elf(needed=[f"lib{n}.so" for n in range(1_000)] + ["libmpi.so.40"]), mode=0o755),
            runtime={"Entrypoint": ["/usr/bin/trick"]},
        ),
        facts={**DEBIAN, **MPI},
    ),
    Case(
        "python-graph",
        "400 modules, each of which imports all the others",
        files(*import_graph(400), runtime=RUN_PYTHON),
        facts={**DEBIAN, **MPI},
    ),
    Case(
        "python-deep",
        "Python nested too deep for any parser",
        files(
            *python_program(
                ("main.py", "import a, b, c"),
                ("a.py", expression(90_000)),
                ("b.py", "-" * 200_000 + "1"),
                ("c.py", "a" + ".b" * 100_000),
            ),
            runtime=RUN_PYTHON,
        ),
        facts={**DEBIAN, **MPI},
    ),
    Case(
        "python-sources",
        "2,000 sources of 50 kB",
        built(many_sources, runtime=RUN_PYTHON),
        facts=DEBIAN,
        limits=("Python sources",),
    ),
    Case(
        "python-bytes",
        "sources that are no text",
        files(
            *python_program(("main.py", "import a, b, c")),
            file("app/a.py", b"\xff\xfe\0x\0"),
            file("app/b.py", b"# coding: rot13\n\x00"),
            file("app/c.py", b"# coding: no-such\nimport d\n"),
            runtime=RUN_PYTHON,
        ),
        facts={**DEBIAN, **MPI},
    ),
    Case(
        "python-pth",
        "a .pth file that adds everything and runs code",
        files(
            *python_program(("main.py", "import a")),
            file("usr/lib/python3/dist-packages/x.pth", b"import os; os.system('id')\n" + b"/\n../../..\n" * 5_000),
            runtime=RUN_PYTHON,
        ),
        facts={**DEBIAN, **MPI},
    ),
    Case(
        "names-injection",
        "names of files and libraries that a terminal, YAML, Markdown, HTML or a template might obey",
        files(*injected()),
        facts={**HONEST, **MPI},
    ),
    Case(
        "labels-injection",
        "labels and variables that might be obeyed",
        files(
            runtime={
                "Labels": {f"org.compatbuild.require.{text}": text for text in INJECTIONS}
                | dict.fromkeys(INJECTIONS, "x"),
                "Env": [f"NVIDIA_REQUIRE_X{n}={text}" for n, text in enumerate(INJECTIONS)],
            }
        ),
    ),
    Case(
        "labels-deep",
        "a label of 100,000 brackets",
        files(runtime={"Labels": {"org.compatbuild.require.any": "[" * 100_000}}),
    ),
    Case(
        "nvidia-require",
        "NVIDIA_REQUIRE_CUDA of 100,000 characters",
        files(runtime={"Env": ["NVIDIA_REQUIRE_CUDA=" + "cuda>=12.4 brand=tesla,driver>=470 " * 3_000]}),
    ),
)
