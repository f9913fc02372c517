"""Forward compatibility: a user-space driver in the image, newer than the host's, for data-centre GPUs.

NVIDIA's container runtime puts ``/usr/local/cuda/compat`` before the host's driver where that is older. (CUDA
Compatibility guide, Forward Compatibility; NVIDIA/nvidia-container-toolkit, cmd/nvidia-cdi-hook/cudacompat.)
"""

import re
from collections.abc import Iterable

from compatbuild.detectors._cuda import version
from compatbuild.image.view import DetectorView
from compatbuild.knowledge.cuda import Cuda

_LIBRARY = re.compile(
    r"/usr/local/cuda-?(?P<release>\d{1,3}\.\d{1,3})?[^/]*/compat/libcuda\.so(?:\.(?P<branch>\d{3,4})\.[\d.]*)?.*"
)


def compat_libraries(view: DetectorView, cuda: Cuda) -> dict[str, str]:
    """Return the forward-compatibility libraries of an image with the CUDA release of each, empty if unknown."""
    return {path: _release(match, cuda) for path, _ in view.elves() if (match := _LIBRARY.fullmatch(path))}


def _release(match: re.Match[str], cuda: Cuda) -> str:
    """Return the release that a library's driver branch reports, else the one in its directory's name."""
    if match["branch"] is None:
        return match["release"] or ""
    reported = [release for release, row in cuda.branches.items() if row.value <= int(match["branch"])]
    return max(reported, key=version, default="")


def older_branches(releases: Iterable[str], cuda: Cuda) -> tuple[int, ...] | None:
    """Return the driver branches that libraries of these releases were made for; None if that is not known of one."""
    rows = [cuda.forward_compat.get(release) for release in releases]
    known = [row for row in rows if row is not None]
    return tuple(sorted({branch for row in known for branch in row.value})) if len(known) == len(rows) else None
