"""Which libraries of this machine a set of programs needs, found as its own dynamic loader would (ld.so(8))."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from compatbuild.image.elf import ElfFacts
from compatbuild.image.elf_scan import ElfScan
from compatbuild.image.interests import Interests
from demo.machine import DemoError

EM_X86_64 = 62  # e_machine of the System V gABI

# Where glibc looks last, on distributions with and without Debian's multiarch directories.
DEFAULT_DIRECTORIES = tuple(
    Path(directory)
    for directory in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib")
)
CONFIGURATION = Path("/etc/ld.so.conf")


@dataclass(frozen=True)
class Loader:
    """A loader's search path after RPATH and RUNPATH: its configured directories, then those built in."""

    directories: tuple[Path, ...]

    @classmethod
    def of_machine(cls) -> "Loader":
        """Return the loader of this machine."""
        return cls((*configured(CONFIGURATION), *DEFAULT_DIRECTORIES))

    def library(self, name: str, by: Path | None = None) -> Path:
        """Return where a library is, by soname, for the file that needs it; DemoError when it is nowhere."""
        origin = by.resolve().parent if by else Path("/")
        if "/" in name:
            candidates = [Path(_expanded(name, origin))]
        else:
            asked = elf(by) if by else None
            own = [Path(_expanded(directory, origin)) for directory in _searched(asked)]
            candidates = [directory / name for directory in (*own, *self.directories)]
        for candidate in candidates:
            if candidate.is_file() and elf(candidate):
                return candidate
        raise DemoError(
            f"The library {name} is not on this machine",
            why=f"{by or 'a wheel of the demo'} needs it, and it is in none of the loader's directories",
            remedy=f"Install the package of your distribution that holds {name}, then repeat the command",
        )


def closure(files: Iterable[Path], loader: Loader) -> Iterator[Path]:
    """Yield every library and loader that files of this machine need, directly or not, each once.

    A path is as the loader comes to it: the last part may be a symbolic link, and files that are not ELF need nothing.
    """
    todo, seen = list(files), set[Path]()
    while todo:
        path = todo.pop()
        if (asked := elf(path)) is None:
            continue
        found = [loader.library(name, path) for name in asked.needed]
        if asked.interpreter:
            found.append(Path(asked.interpreter))
        for library in found:
            place = library.parent.resolve() / library.name
            if place not in seen:
                seen.add(place)
                todo.append(place)
                yield place


@cache
def elf(path: Path) -> ElfFacts | None:
    """Return what an x86-64 ELF file of this machine says about itself; None for any other file."""
    scan = ElfScan(str(path), path.stat().st_size, Interests(elf=True))
    scan.feed(path.read_bytes())
    facts = scan.result()
    return facts if facts and (facts.machine, facts.bits) == (EM_X86_64, 64) else None


@cache
def configured(file: Path) -> tuple[Path, ...]:
    """Return the directories that an ld.so.conf names, those of an included file in its place (ldconfig(8))."""
    if not file.is_file():
        return ()
    found: list[Path] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        match line.partition("#")[0].split():
            case ["include", *patterns]:
                for pattern in (file.parent / pattern for pattern in patterns):
                    for included in sorted(pattern.parent.glob(pattern.name)):
                        found += configured(included)
            case ["hwcap", *_] | []:
                continue
            case [directory, *_]:
                found.append(Path(directory))
    return tuple(found)


def _searched(asked: ElfFacts | None) -> tuple[str, ...]:
    """Return the directories a file itself names; DT_RPATH counts only where there is no DT_RUNPATH."""
    return (asked.runpath or asked.rpath) if asked else ()


def _expanded(text: str, origin: Path) -> str:
    return text.replace("$ORIGIN", str(origin)).replace("${ORIGIN}", str(origin))
