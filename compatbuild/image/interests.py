"""What somebody wants to know about an image, declared before its layers are read.

The index keeps only what an interest asked for, so memory stays flat however large the image is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class FileInterest:
    """Keep the first ``limit`` bytes of each regular file whose path matches ``glob``, the last ones with ``end``.

    Globs are absolute (``/etc/os-release``); ``*`` stays within a name, ``**`` spans directories.
    """

    glob: str
    limit: int = 65_536
    end: bool = False


@dataclass(frozen=True, slots=True)
class Marker:
    """Look for ``needle`` in ELF files whose path matches ``glob``.

    With ``pattern`` (searched in at most 512 bytes from the needle on) the marker holds if the pattern matches, and
    its groups are kept; without one the needle itself is enough.
    """

    id: str
    needle: bytes
    glob: str = "/**"
    pattern: bytes = b""


@dataclass(frozen=True)
class Interests:
    """Everything one detector, or all of them together, asks of an image.

    ``elf``: dynamic sections, notes and the like of ELF files; ``device_code``: CUDA fatbins and HIP bundles too;
    ``bpf``: embedded BPF objects too; ``go``: Go build information too; ``packages``: the package databases; ``env``
    and ``labels``: keys of the image config, where a trailing ``*`` is a prefix; ``config``: its other fields.
    """

    files: tuple[FileInterest, ...] = ()
    markers: tuple[Marker, ...] = ()
    elf: bool = False
    device_code: bool = False
    bpf: bool = False
    go: bool = False
    packages: bool = False
    env: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    config: tuple[str, ...] = ()

    @staticmethod
    def union(parts: Iterable["Interests"]) -> "Interests":
        """Join interests; the order of the parts does not matter."""
        every = tuple(parts)
        return Interests(
            files=tuple(sorted({f for part in every for f in part.files}, key=lambda f: (f.glob, f.limit, f.end))),
            markers=tuple(
                sorted({m for part in every for m in part.markers}, key=lambda m: (m.id, m.glob, m.needle, m.pattern))
            ),
            elf=any(part.elf for part in every),
            device_code=any(part.device_code for part in every),
            bpf=any(part.bpf for part in every),
            go=any(part.go for part in every),
            packages=any(part.packages for part in every),
            env=tuple(sorted({key for part in every for key in part.env})),
            labels=tuple(sorted({key for part in every for key in part.labels})),
            config=tuple(sorted({key for part in every for key in part.config})),
        )

    @cached_property
    def _file_patterns(self) -> tuple[tuple[re.Pattern[str], int], ...]:
        return tuple((glob_pattern(f.glob), f.limit) for f in self.files)

    def file_limit(self, path: str) -> int:
        """Return how many bytes of the file at ``path`` to keep: the largest limit asked for, 0 for none."""
        return max((limit for pattern, limit in self._file_patterns if pattern.fullmatch(path)), default=0)


def glob_pattern(glob: str) -> re.Pattern[str]:
    """Compile an absolute glob: ``*`` and ``?`` stay within one name, ``**`` spans any number of directories."""
    parts = []
    for piece in re.split(r"(\*\*/|\*\*|\*|\?)", glob):
        match piece:
            case "**/":
                parts.append("(?:.*/)?")
            case "**":
                parts.append(".*")
            case "*":
                parts.append("[^/]*")
            case "?":
                parts.append("[^/]")
            case _:
                parts.append(re.escape(piece))
    return re.compile("".join(parts), re.DOTALL)


def declared(key: str, keys: Iterable[str]) -> bool:
    """Say whether ``key`` is one of ``keys``, where a trailing ``*`` stands for any ending."""
    return any(key == k or (k.endswith("*") and key.startswith(k[:-1])) for k in keys)
