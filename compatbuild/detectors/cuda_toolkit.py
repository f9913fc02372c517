"""Which CUDA toolkit the image's libraries and packages come from, to the minor version: facts, never a requirement.

The minor version raises no floor: what CUDA 12.9 brings runs on the first driver of CUDA 12 (see cuda_runtime).
"""

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from compatbuild.detectors import Detector
from compatbuild.detectors._cuda import from_driver, version
from compatbuild.detectors._sonames import normalised, own_name
from compatbuild.detectors._uses import MAX_EVIDENCE, Use, together, weakest
from compatbuild.image.interests import FileInterest, Interests
from compatbuild.image.view import DetectorView
from compatbuild.knowledge import Knowledge
from compatbuild.knowledge.cuda import Cuda
from compatbuild.model.finding import Confidence, Evidence, Finding

CONDA = FileInterest("/**/conda-meta/*.json", 16_384)
"""Records of installed conda packages; what a package depends on comes before its long list of files."""

MAX_TITLE = 300
"""Characters of a title."""

_CONDA_VERSION = "/**/conda-meta/cuda-version-*.json"
_CONDA_NAME = re.compile(r"cuda-version-(\d{1,3}\.\d{1,3})-[^/]*\.json")
_CONDA_LISTS = re.compile(rb'"(depends|constrains)"\s*:\s*\[([^\]]{0,16384})\]')
_CONDA_CUDA = re.compile(rb'"(__cuda[^"]{0,100})"')

_FILES = re.compile(r"libcudart\.so\.(\d{1,3}\.\d{1,3})\.\d{1,4}|libnvrtc-builtins\.so\.(\d{1,3}\.\d{1,3})(?:\..*)?")
"""Libraries whose file name or soname has the minor version too (PyPI wheels nvidia-cuda-nvrtc, NVIDIA's packages)."""

_RELEASE = re.compile(r"(?:\d+:)?(\d{1,3}\.\d{1,3})(?:\D|$)")
_LOCAL = re.compile(r"[^+]*\+(?:.*\.)?cu(\d{2})(\d)(?:\..*)?")
"""A local version such as ``2.7.1+cu128``, as PyTorch's index and those after it name builds for CUDA 12.8."""


def detect(view: DetectorView, knowledge: Knowledge) -> Iterator[Finding]:
    """Yield the toolkit, the newest of several, and what conda packages ask of the driver."""
    found = [*_of_packages(view, knowledge.cuda), *_of_files(view, knowledge.cuda), *_of_conda(view)]
    sure = [one for one in found if one[1].confidence is not Confidence.HINT] or found
    if sure:
        release = max((release for release, _ in sure), key=version)
        confidence, evidence = together([use for other, use in sure if other == release])
        yield Finding(
            id="cuda.toolkit",
            title=f"Built with CUDA {release}",
            confidence=confidence,
            facts={"cuda.toolkit": release},
            evidence=evidence,
        )
    yield from _virtual_packages(view)


def _of_packages(view: DetectorView, cuda: Cuda) -> Iterator[tuple[str, Use]]:
    """Yield what packages say: those of the runtime by their version, others by the end of theirs."""
    for package in view.packages():
        said = f"Package {package.name} {package.version} is installed"
        confidence = view.confidence(package.path, Confidence.LIKELY)
        if package.ecosystem == "pypi" and (local := _LOCAL.fullmatch(package.version)):
            yield f"{local[1]}.{local[2]}", Use(confidence, view.at(package.path, said, package.name))
        for pattern, row in cuda.toolkit_packages.items():
            match = _RELEASE.match(package.version)
            if match and fnmatchcase(f"{package.ecosystem}:{package.name}", pattern):
                yield match[1], Use(weakest(confidence, row.grade.ceiling), view.at(package.path, said, package.name))


def _of_files(view: DetectorView, cuda: Cuda) -> Iterator[tuple[str, Use]]:
    for path, elf in view.elves():
        for name in dict.fromkeys((own_name(path, elf), normalised(posixpath.basename(path)))):
            match = _FILES.fullmatch(name)
            if match and not from_driver(path, elf, cuda):
                evidence = view.at(path, f"The library is called {name}", "file name")
                yield match[1] or match[2], Use(view.confidence(path, Confidence.LIKELY), evidence)


def _of_conda(view: DetectorView) -> Iterator[tuple[str, Use]]:
    for path in view.names(_CONDA_VERSION):
        if match := _CONDA_NAME.fullmatch(posixpath.basename(path)):
            evidence = view.at(path, f"The conda environment is pinned to CUDA {match[1]}", "cuda-version")
            yield match[1], Use(view.confidence(path, Confidence.LIKELY), evidence)


def _virtual_packages(view: DetectorView) -> Iterator[Finding]:
    """Yield what conda packages ask of the driver: the solver checks it when an environment is made, nobody later."""
    asked: dict[str, Evidence] = {}
    for path, content in view.files(CONDA.glob):
        for kind, entries in _CONDA_LISTS.findall(content):
            for entry in _CONDA_CUDA.findall(entries):
                spec = " ".join(entry.decode("utf-8", "replace").split())
                asked.setdefault(spec, view.at(path, f"The package has {spec} in {kind.decode()}", "__cuda"))
    if asked:
        yield Finding(
            id="cuda.conda",
            title=f"Conda packages ask for {', '.join(sorted(asked))}"[:MAX_TITLE],
            confidence=Confidence.HINT,
            evidence=tuple(asked[spec] for spec in sorted(asked))[:MAX_EVIDENCE],
        )


DETECTOR = Detector(
    id="cuda_toolkit",
    title="CUDA toolkit of libraries and packages",
    interests=Interests(files=(CONDA,), elf=True, packages=True),
    detect=detect,
    facts=("cuda.toolkit",),
)
