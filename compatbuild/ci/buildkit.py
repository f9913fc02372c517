"""BuildKit's generator protocol: an image that is run in a build, and leaves statements about what was built.

The variables and file names are those of moby/buildkit ``docs/attestations/sbom-protocol.md``, tried with 0.34.2. A
generator sees file systems and nothing else: no configuration, no digest, no name of the image.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from compatbuild import api
from compatbuild.errors import CompatError, UsageError
from compatbuild.report.documents import to_json
from compatbuild.report.spdx import statement

SOURCE = "BUILDKIT_SCAN_SOURCE"
EXTRAS = "BUILDKIT_SCAN_SOURCE_EXTRAS"
DESTINATION = "BUILDKIT_SCAN_DESTINATION"
MAX_EXTRAS = 1000
"""Further file systems that are read: a Dockerfile has a few dozen stages."""


def scans(environ: Mapping[str, str], say: Callable[[str], None]) -> Iterator[tuple[Path, bytes]]:
    """Yield a file and its content for each file system that BuildKit names, the image's own first.

    UsageError when BuildKit's variables are missing; what is read of a file system fails as ``infer`` does.
    """
    source, destination = _directory(environ, SOURCE), _directory(environ, DESTINATION)
    created = api.creation_date()
    for target in (source, *_extras(environ.get(EXTRAS, ""))):
        report = api.infer(f"dir:{target}", say=say)
        required = sum(finding.requirement is not None for finding in report.findings)
        say(f"{target.name}: {len(report.findings)} findings, {required} of them with a requirement")
        value = statement(report, target.name, created)
        yield destination / f"{target.name}.spdx.json", to_json(value).encode()


def _directory(environ: Mapping[str, str], variable: str) -> Path:
    path = Path(environ.get(variable, ""))
    if not environ.get(variable) or not path.is_dir():
        raise UsageError(
            f"{variable} names no directory",
            why=f"it is {environ[variable][:200]!r}" if variable in environ else "it is not set",
            remedy="this command is run by BuildKit: docker buildx build --sbom=generator=IMAGE",
        )
    return path.absolute()


def _extras(named: str) -> list[Path]:
    """Return the further file systems; none where the directory is not there, as the protocol has it."""
    directory = Path(named).absolute()
    if not named or not directory.is_dir():
        return []
    try:
        found = sorted(path for path in directory.iterdir() if path.is_dir() and not path.is_symlink())
    except OSError as error:
        raise CompatError(
            f"cannot read {directory}", why=error.strerror or str(error), remedy=f"unset {EXTRAS}, or mend it"
        ) from error
    if len(found) > MAX_EXTRAS:
        raise CompatError(
            f"{directory} holds {len(found)} file systems",
            why=f"at most {MAX_EXTRAS} are read",
            remedy="name fewer stages in BUILDKIT_SBOM_SCAN_STAGE",
        )
    return found
