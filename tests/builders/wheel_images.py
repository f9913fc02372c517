"""Images of one layer that hold real wheels, installed as pip installs them."""

import csv
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from compatbuild.detectors import discover
from compatbuild.image.build import build_view
from compatbuild.image.layer_source import BlobLayer
from compatbuild.image.view import ImageConfig
from compatbuild.inference import engine
from compatbuild.knowledge import load
from compatbuild.model.report import ImageIdentity, Report

SITE = "/usr/lib/python3.11/site-packages"
SCHEMES = {"data": "/usr", "purelib": SITE, "platlib": SITE, "scripts": "/usr/bin", "headers": "/usr/include"}
"""Where the directories below ``NAME.data`` of a wheel go (PEP 427)."""

TAR = "application/vnd.oci.image.layer.v1.tar"


def infer(*wheels: Path, layer: Path, argv: tuple[str, ...] = (), files: Mapping[str, bytes] | None = None) -> Report:
    """Return the report about an image of these wheels and files, whose layer is written to ``layer``."""
    with tarfile.open(layer, "w") as archive:
        for path, content in files.items() if files else ():
            _add(archive, path, content)
        for wheel in wheels:
            for path, content in _installed(wheel):
                _add(archive, path, content)
    content = layer.read_bytes()
    digest = "sha256:" + hashlib.sha256(content).hexdigest()

    @contextmanager
    def opened() -> Iterator[io.BufferedReader]:
        with layer.open("rb") as stream:
            yield stream

    config = ImageConfig(architecture="amd64", entrypoint=argv, diff_ids=(digest,))
    source = BlobLayer("layer 1", digest, len(content), digest, TAR, opened)
    detectors = discover()
    view = build_view(config, [source], engine.interests(detectors))
    identity = ImageIdentity(source="test", reference=layer.name, platform=config.platform)
    return engine.infer(view, identity, detectors, load())


def _add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    member = tarfile.TarInfo(path.lstrip("/"))
    member.size, member.mode = len(content), 0o755
    archive.addfile(member, io.BytesIO(content))


def _installed(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a wheel where pip puts them, RECORD rewritten accordingly."""
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith("/"):
                continue
            content = archive.read(name)
            if name.endswith(".dist-info/RECORD"):
                content = _record(content)
            yield _place(name), content


def _place(name: str) -> str:
    head, _, rest = name.partition("/")
    if not head.endswith(".data"):
        return f"{SITE}/{name}"
    scheme, _, inner = rest.partition("/")
    return f"{SCHEMES[scheme]}/{inner}"


def _record(content: bytes) -> bytes:
    rows = [[_place(row[0]), *row[1:]] for row in csv.reader(io.StringIO(content.decode()))]
    text = io.StringIO()
    csv.writer(text).writerows(
        [path.removeprefix(SITE + "/") if path.startswith(SITE) else "../../../.." + path, *rest]
        for path, *rest in rows
    )
    return text.getvalue().encode()
