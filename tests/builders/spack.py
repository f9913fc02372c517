"""Build caches in the shape of Spack's: no Spack wrote them, for none can be installed where these tests run.

Their form is that of Spack's own documentation ("Build Cache Layout") and source (``url_buildcache.py``,
``binary_distribution.py``, ``oci/image.py``), as ``compatbuild.sources.spack_mirror`` cites them.
"""

import gzip
import hashlib
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from compatbuild.registry.store import Store
from tests.builders.images import CONFIG, describe, manifest, to_json
from tests.builders.layers import Entry, Layer, directory, file, sha256, tar
from tests.builders.metadata_images import spack_node

ROOT = "opt/spack/linux-debian12-x86_64_v3/gcc-12.2.0"
TARGET = "x86_64_v3"
SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\n{}\n-----BEGIN PGP SIGNATURE-----\n\niQ==\n-----END PGP SIGNATURE-----\n"


@dataclass(frozen=True)
class Package:
    """A package that is built: its files by their names in its prefix, and the packages that it links."""

    name: str
    version: str = "1.0"
    files: Mapping[str, bytes] = field(default_factory=dict)
    uses: tuple["Package", ...] = ()
    external: str = ""
    target: Any = TARGET
    virtuals: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        digest = hashlib.sha256(f"{self.name} {self.version}".encode()).hexdigest()
        return digest[:32]

    @property
    def prefix(self) -> str:
        return f"{ROOT}/{self.name}-{self.version}-{self.hash}"

    @property
    def stem(self) -> str:
        return f"linux-debian12-x86_64_v3-gcc-12.2.0-{self.name}-{self.version}-{self.hash}"

    @property
    def closure(self) -> list["Package"]:
        """What it uses, however far down."""
        found: dict[str, Package] = {}
        for one in self.uses:
            found |= {other.hash: other for other in (*one.closure, one)}
        return list(found.values())

    def node(self) -> dict[str, object]:
        edges = [
            {"name": one.name, "hash": one.hash}
            | {"parameters": {"deptypes": ["build", "link"], "virtuals": list(one.virtuals)}}
            for one in self.uses
        ]
        more: dict[str, object] = {"hash": self.hash, "dependencies": edges}
        more["arch"] = {"platform": "linux", "platform_os": "debian12", "target": self.target}
        more["compiler"] = {"name": "gcc", "version": "12.2.0"}
        if self.external:
            more["external"] = {"path": self.external, "module": None}
        return spack_node(self.name, self.version) | more

    def spec(self) -> dict[str, Any]:
        nodes = [self.node(), *(one.node() for one in reversed(self.closure))]
        return {"spec": {"_meta": {"version": 4}, "nodes": nodes}}

    def layer(self, *, absolute: bool = True) -> Layer:
        """Return the tarball of its prefix; in layout 1 its names begin with the prefix's last part."""
        prefix = self.prefix if absolute else self.prefix.rpartition("/")[2]
        parents = [*reversed(Path(prefix).parents)][1:] if absolute else []
        entries: list[Entry] = [directory(str(parent)) for parent in (*parents, prefix)]
        entries += [file(f"{prefix}/{name}", content) for name, content in self.files.items()]
        entries.append(file(f"{prefix}/.spack/spec.json", json.dumps(self.spec()).encode()))
        entries.append(file(f"{prefix}/.spack/binary_distribution", b"buildpath: /opt/spack\n"))
        content = tar(entries, tarfile.PAX_FORMAT)
        return Layer(gzip.compress(content, mtime=0), sha256(content), "application/vnd.oci.image.layer.v1.tar+gzip")


def signed(text: str) -> bytes:
    """Return a text as GnuPG signs it in the clear, with a signature that nobody made."""
    return SIGNED.format("\n".join(f"- {line}" if line.startswith("-") else line for line in text.split("\n"))).encode()


def new_mirror(path: Path, packages: Sequence[Package], *, sign: bool = False) -> Path:
    """Write a cache of layout 3."""
    for package in (one for one in packages if not one.external):
        spec = gzip.compress(json.dumps(package.spec() | {"buildcache_layout_version": 2}).encode(), mtime=0)
        tarball = package.layer().blob
        records = []
        for content, kind in ((tarball, "install.v2.tar+gzip"), (spec, "spec.v5+json")):
            checksum = hashlib.sha256(content).hexdigest()
            records.append(
                {"contentLength": len(content), "mediaType": f"application/vnd.spack.{kind}", "compression": "gzip"}
                | {"checksumAlgorithm": "sha256", "checksum": checksum}
            )
            _write(path / "blobs/sha256" / checksum[:2] / checksum, content)
        text = json.dumps({"version": 3, "data": records}, indent=2)
        name = f"{package.name}-{package.version}-{package.hash}.spec.manifest.json"
        place = path / "v3/manifests/spec" / package.name / name
        _write(place, signed(text) if sign else text.encode())
    _write(path / "v3/layout.json", b'{"signing": "gpg"}')
    return path


def old_mirror(path: Path, packages: Sequence[Package], *, sign: bool = False, version: int = 2) -> Path:
    """Write a cache of layout 2 or 1."""
    for package in (one for one in packages if not one.external):
        tarball = package.layer(absolute=version > 1).blob
        checksum = {"hash_algorithm": "sha256", "hash": hashlib.sha256(tarball).hexdigest()}
        document = package.spec() | {"buildcache_layout_version": version, "binary_cache_checksum": checksum}
        text = json.dumps(document, indent=0)
        name = f"{package.stem}.spec.json" + (".sig" if sign else "")
        _write(path / "build_cache" / name, signed(text) if sign else text.encode())
        directories = f"linux-debian12-x86_64_v3/gcc-12.2.0/{package.name}-{package.version}"
        _write(path / "build_cache" / directories / f"{package.stem}.spack", tarball)
    return path


def push_cache(store: Store, packages: Sequence[Package]) -> None:
    """Push an OCI build cache: an image for each package, and the index that Spack keeps beside them."""
    for package in (one for one in packages if not one.external):
        layers = [one.layer() for one in (*package.closure, package) if not one.external]
        config = package.spec() | {"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/usr/bin"]}}
        config["rootfs"] = {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]}
        raw = to_json(config | {"buildcache_layout_version": 2})
        for layer in layers:
            store.push_blob(layer.blob, layer.media_type)
        store.push_blob(raw, CONFIG)
        description = {"org.opencontainers.image.description": f"{package.name}@{package.version}"}
        pushed = manifest(layers, raw, annotations=description)
        tag = f"{package.name}-{package.version}-{package.hash}.spack"
        store.push_manifest(pushed, "application/vnd.oci.image.manifest.v1+json", tag)
    index = b'{"database": {"version": "8", "installs": {}}}'
    store.push_blob(index, "application/vnd.oci.image.layer.v1.tar+gzip")
    store.push_blob(b"{}", CONFIG)
    listed = [describe(index, "application/vnd.oci.image.layer.v1.tar+gzip")]
    store.push_manifest(manifest([], b"{}", layers=listed), "application/vnd.oci.image.manifest.v1+json", "index.spack")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
