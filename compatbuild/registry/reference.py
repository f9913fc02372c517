"""Names of images: registry references by docker's rules, and directories in the OCI image layout.

Grammar: ``distribution/reference`` (``reference.go``, ``normalize.go``), written anew. ``DOMAIN/PATH[:TAG][@DIGEST]``;
the first component is a host only when it holds a dot or a colon, is ``localhost`` or has an upper-case letter.
"""

import re
from dataclasses import dataclass, replace
from pathlib import Path

from compatbuild.errors import UsageError
from compatbuild.registry.digest import is_digest

DEFAULT_REGISTRY = "docker.io"
DEFAULT_TAG = "latest"
MAX_REFERENCE = 4096
"""Characters of a reference or layout path that are looked at; longer than any path Linux takes (PATH_MAX)."""
MAX_REPOSITORY = 255
"""Characters of host and path together (``NameTotalLengthMax``)."""

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HOST = re.compile(
    r"(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])"
    r"(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?"
)
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_HOST_NAMED_REGISTRY = re.compile(r"registry:[0-9]{1,5}/")
_REGISTRY_PREFIXES = ("docker://", "registry:")
_LAYOUT_PREFIXES = ("oci-dir:", "oci-layout:")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry; ``tag`` or ``digest`` may be empty, and a digest wins over a tag.

    ``registry`` is the host as docker shows it (``docker.io``), never the host of the API behind it.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """Host and repository: what signatures name."""
        return f"{self.registry}/{self.repository}"

    @property
    def selector(self) -> str:
        """What to ask the store for: the digest if there is one, else the tag."""
        return self.digest or self.tag

    def with_digest(self, digest: str) -> "Reference":
        """Return the same repository at a digest, without the tag."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


@dataclass(frozen=True, slots=True)
class LayoutReference:
    """An image in an OCI layout directory; without tag and digest it is the only image there."""

    path: Path
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The directory with its prefix."""
        return f"oci-dir:{self.path}"

    @property
    def selector(self) -> str:
        """What to ask the store for: the digest, else the tag, else nothing."""
        return self.digest or self.tag

    def with_digest(self, digest: str) -> "LayoutReference":
        """Return the same directory at a digest, without the tag."""
        return replace(self, tag="", digest=digest)

    def __str__(self) -> str:
        return self.name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse_reference(text: str) -> Reference | LayoutReference:
    """Parse what a user typed for an image; UsageError says what is wrong with it.

    A prefix always decides: ``registry:2`` is image ``2``, so docker's registry image is ``library/registry:2``. Only
    ``registry:5000/app`` is read as a host and port, which is what everyone with a host of that name means.
    """
    if len(text) > MAX_REFERENCE:
        raise _refused(text[:60] + "…", f"longer than {MAX_REFERENCE} characters")
    for prefix in _LAYOUT_PREFIXES:
        if text.startswith(prefix):
            return _parse_layout(text.removeprefix(prefix), text)
    for prefix in _REGISTRY_PREFIXES:
        if text.startswith(prefix) and not _HOST_NAMED_REGISTRY.match(text):
            return _parse_registry(text.removeprefix(prefix).removeprefix("//"), text)
    return _parse_registry(text, text)


def _parse_registry(body: str, text: str) -> Reference:
    name, digest = _split_digest(body, text)
    name, tag = _split_tag(name, text)
    host, repository = _split_host(name)
    if len(host) + 1 + len(repository) > MAX_REPOSITORY:
        raise _refused(text, f"host and repository are longer than {MAX_REPOSITORY} characters")
    if _HOST.fullmatch(host) is None:
        raise _refused(text, f"{host!r} is not a host name with an optional port")
    if repository != repository.lower():
        raise _refused(text, "a repository name has lower-case letters only")
    if _PATH.fullmatch(repository) is None:
        raise _refused(text, f"{repository!r} is not a repository name")
    return Reference(host, repository, tag or ("" if digest else DEFAULT_TAG), digest)


def _parse_layout(body: str, text: str) -> LayoutReference:
    name, digest = _split_digest(body, text)
    path, tag = _split_tag(name, text)
    if not path or "\0" in path:
        raise _refused(text, "there is no directory in it")
    return LayoutReference(Path(path), tag, digest)


def _split_digest(body: str, text: str) -> tuple[str, str]:
    name, at, digest = body.rpartition("@")
    # A directory may well have an "@" in its name; only what looks like a digest is taken for one.
    if not at or (":" not in digest and text.startswith(_LAYOUT_PREFIXES)) or "/" in digest:
        return body, ""
    if not is_digest(digest):
        raise _refused(text, f"{digest!r} is not a digest: sha256 and 64 lower-case hexadecimal digits are expected")
    return name, digest


def _split_tag(name: str, text: str) -> tuple[str, str]:
    front, colon, tag = name.rpartition(":")
    if not colon or "/" in tag or tag.endswith("]"):
        return name, ""
    if TAG.fullmatch(tag) is None:
        raise _refused(text, f"{tag!r} is not a tag: up to 128 letters, digits, '_', '.' and '-'")
    return front, tag


def _split_host(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        host, repository = first, rest
    else:
        host, repository = DEFAULT_REGISTRY, name
    if host == "index.docker.io":
        host = DEFAULT_REGISTRY
    if host == DEFAULT_REGISTRY and "/" not in repository:
        repository = f"library/{repository}"
    return host, repository


def _refused(text: str, why: str) -> UsageError:
    return UsageError(
        f"{text!r} is not an image reference",
        why=why,
        remedy="write HOST/REPOSITORY[:TAG], HOST/REPOSITORY@sha256:…, or oci-dir:PATH[:TAG]",
    )
