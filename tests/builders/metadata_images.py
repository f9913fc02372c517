"""Views that make the detectors of metadata speak: labels and the records of package managers."""

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence

from compatbuild.image.view import ImageView
from compatbuild.model.finding import Confidence
from tests.builders.views import elf, image_view

LABELS = {
    "cpu": "AVX2",
    "kernel": ">=5.10",
    "facility": '{"facility": ["FUSE_FS"], "modules": ["fuse"]}',
    "module": "nvidia_uvm",
    "pci": "10de",
    "driver": ">=525.60.13",
    "hugepages": "any",
    "compute": "no range",
}


def labels(**stated: str) -> dict[str, str]:
    """Return labels of the image config that declare these requirements."""
    return {f"org.compatbuild.require.{subject}": value for subject, value in stated.items()}


def conda_record(depends: Sequence[str] = (), files: Sequence[str] = (), **fields: object) -> bytes:
    """Return a record of conda's with these members before those that it writes last."""
    record = {"build": "0", "constrains": [], "depends": list(depends), "files": list(files)} | fields
    return json.dumps(record | {"name": "x", "version": "1"}, indent=2).encode()


def spack_spec(*nodes: Mapping[str, object]) -> bytes:
    """Return the spec of an installation, its own node first."""
    return json.dumps({"spec": {"_meta": {"version": 5}, "nodes": nodes}}).encode()


def spack_node(name: str, version: str = "1.0", **fields: object) -> dict[str, object]:
    """Return one package of a spec; ``uses`` are the packages that it links, ``builds_with`` those it is built with."""
    uses, tools = fields.pop("uses", ()), fields.pop("builds_with", ())
    edges = [(one, ["build", "link"]) for one in _texts(uses)] + [(one, ["build"]) for one in _texts(tools)]
    return {
        "name": name,
        "version": version,
        "arch": {"platform": "linux", "platform_os": "ubuntu22.04", "target": fields.pop("target", "x86_64")},
        "dependencies": [
            {"name": one, "hash": f"{one}-hash", "parameters": {"deptypes": kinds, "virtuals": []}}
            for one, kinds in edges
        ],
        "hash": f"{name}-hash",
    } | fields


def _texts(value: object) -> tuple[str, ...]:
    assert isinstance(value, tuple)
    return value


def jar(*names: str) -> bytes:
    """Return a Java archive with entries of these names."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, b"content")
    return target.getvalue()


EXTERNAL = {"path": "/site/openmpi", "module": ["openmpi/4.1"]}
SPECS = spack_spec(spack_node("hdf5", "1.14.3", uses=("openmpi",)), spack_node("openmpi", "4.1.5", external=EXTERNAL))
NATIVE = {
    "/opt/conda/lib/libblas.so": elf(soname="libblas.so"),
    "/opt/conda/lib/libfft.so": elf(soname="libfft.so"),
    "/opt/hdf5/lib/libhdf5.so": elf("libmpi.so.40"),
    "/app/node_modules/sharp/sharp.node": elf("libvips.so.42"),
}
RECORDS = {
    "/opt/conda/conda-meta/blas-3.9-h0_0.json": conda_record(["_x86_64-microarch-level >=3"], ["lib/libblas.so"]),
    "/opt/conda/conda-meta/fft-1.0-h0_0.json": conda_record(["_x86_64-microarch-level >=4"], ["lib/libfft.so"]),
    "/opt/hdf5/.spack/spec.json": SPECS,
    "/app/netty.jar": jar("META-INF/native/libnetty_tcnative_linux_x86_64.so"),
}


def images() -> Iterator[ImageView]:
    """Yield views that between them bring out every finding."""
    yield image_view(labels=labels(**LABELS))
    yield image_view(labels=labels(**{f"module.m{number:03}": "loop" for number in range(101)}))
    yield image_view(history=("RUN make CFLAGS=-march=native", "RUN make CFLAGS=-march=haswell"))
    yield image_view(elves=NATIVE, files=RECORDS)
    yield image_view(elves=NATIVE, files=RECORDS, reached={"/opt/conda/lib/libblas.so": Confidence.LIKELY})
