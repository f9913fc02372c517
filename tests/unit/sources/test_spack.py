"""Spack's build caches, in the shape that its documentation gives: found by name, read alike, nothing believed."""

import gzip
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from compatbuild import api
from compatbuild.errors import CompatError, ImageError, NotFoundError, SourceError, UsageError
from compatbuild.image.view import Kind
from compatbuild.model.report import Report
from compatbuild.sources.spack_names import Asked, Entry, parse_asked
from tests.builders.elf import elf
from tests.builders.images import image_config, oci_layout
from tests.builders.signing import empty_layout
from tests.builders.spack import ROOT, Package, new_mirror, old_mirror, push_cache
from tests.unit.sources.reading import read

SITE_MPI = Package("cray-mpich", "8.1.29", external="/opt/cray/mpich", virtuals=("mpi",))
ZLIB = Package("zlib", "1.3.1", {"lib/libz.so.1": elf(soname="libz.so.1", needed=["libc.so.6"])})
LIBRARIES = f"/{ZLIB.prefix}/lib"
HDF5 = Package(
    "hdf5",
    "1.14.3",
    {"lib/libhdf5.so.310": elf(soname="libhdf5.so.310", needed=["libz.so.1", "libmpi.so.12"], rpath=LIBRARIES)},
    uses=(ZLIB, SITE_MPI),
)
HDF5_CXX = Package("hdf5-cxx", "1.0", {"lib/libcxx.so": elf(soname="libcxx.so")})
PACKAGES = (ZLIB, SITE_MPI, HDF5, HDF5_CXX)


def layout(path: Path, packages: tuple[Package, ...]) -> Path:
    push_cache(empty_layout(path), packages)
    return path


Write = Callable[[Path, tuple[Package, ...]], Path]
CACHES: dict[str, Write] = {
    "layout 3": new_mirror,
    "layout 3, signed": partial(new_mirror, sign=True),
    "layout 2": old_mirror,
    "layout 2, signed": partial(old_mirror, sign=True),
    "OCI": layout,
}


@pytest.fixture(params=CACHES)
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return CACHES[request.param](tmp_path / "cache", PACKAGES)


@pytest.mark.parametrize(
    "package", ["hdf5", "hdf5@1.14.3", f"/{HDF5.hash}", f"/{HDF5.hash[:7]}", f"hdf5/{HDF5.hash[:3]}"]
)
def test_a_package_is_found_by_its_name_its_version_and_its_hash(cache: Path, package: str) -> None:
    opened = read(f"spack:{cache}#{package}")
    assert opened.scheme == "spack"
    assert f"/{HDF5.prefix}/lib/libhdf5.so.310" in opened.view.nodes
    assert f"/{ZLIB.prefix}/lib/libz.so.1" in opened.view.nodes  # what it links is there too
    assert not any("hdf5-cxx" in path for path in opened.view.nodes)
    assert opened.view.config.platform == "linux/amd64"
    assert [package.name for package in opened.view.packages] == []  # nobody asked for packages


def told(report: Report) -> list[dict[str, object]]:
    """Return the findings without the digests of layers, which directories of tarballs do not have."""
    found = [finding.model_dump() for finding in report.findings]
    for finding in found:
        for evidence in finding["evidence"]:
            evidence["layer"] = ""
    return found


def test_the_findings_are_those_of_an_image_with_the_same_prefixes(cache: Path, tmp_path: Path) -> None:
    layers = [ZLIB.layer(), HDF5.layer()]
    image = oci_layout(tmp_path / "image", layers, image_config(layers))
    here, there = api.infer(f"spack:{cache}#hdf5"), api.infer(f"oci-dir:{image}:v1")
    assert told(here) == told(there)
    assert here.facts == there.facts
    assert here.facts["cpu.level"].value == "x86-64-v3"
    ids = {finding.id for finding in here.findings}
    assert {"cpu.level", "spack.external", "spack.built", "spack.provider"} <= ids


def test_what_the_spec_says_is_told(tmp_path: Path) -> None:
    report = api.infer(f"spack:{new_mirror(tmp_path, PACKAGES)}#hdf5")
    titles = {finding.id: finding.title for finding in report.findings}
    assert titles["spack.external"] == "Spack's packages expect cray-mpich 8.1.29 at /opt/cray/mpich from the host"
    assert titles["spack.built"] == "Spack built packages with gcc 12.2.0 on debian12"
    assert titles["spack.provider"] == "Spack's packages have mpi from cray-mpich 8.1.29"
    assert any("libc is not seen" in one.why for one in report.skipped)


def test_a_micro_architecture_is_told_by_its_features(tmp_path: Path) -> None:
    zen4 = {"name": "zen4", "vendor": "AuthenticAMD", "features": ["sse2", "avx2", "avx512f"], "parents": ["zen3"]}
    files = {"lib/libz.so": elf(soname="libz.so")}
    report = api.infer(f"spack:{new_mirror(tmp_path, (Package('zlib', files=files, target=zen4),))}")
    assert report.image.platform == "linux/amd64"
    assert report.facts["cpu.level"].value == "x86-64-v4"


def test_the_platform_is_that_of_the_target(tmp_path: Path) -> None:
    mirror = new_mirror(tmp_path, (Package("zlib", target="neoverse_v1"), Package("arm", target="armv8.2a")))
    assert read(f"spack:{mirror}#arm", "linux/arm64").view.config.architecture == "arm64"
    with pytest.raises(NotFoundError, match="has no linux/amd64"):
        read(f"spack:{mirror}#arm", "linux/amd64")
    assert read(f"spack:{mirror}#zlib").view.config.architecture == ""


def test_the_only_package_needs_no_name(tmp_path: Path) -> None:
    opened = read(f"spack:{new_mirror(tmp_path / 'a#b', (ZLIB,))}#")
    assert f"/{ZLIB.prefix}/lib/libz.so.1" in opened.view.nodes
    assert opened.said == [f"reading zlib@1.3.1 /{ZLIB.hash[:7]} of {tmp_path / 'a#b'}"]


def test_it_is_said_where_a_specification_goes(tmp_path: Path) -> None:
    opened = read(f"spack:{layout(tmp_path / 'cache', (ZLIB,))}#zlib")
    tag = f"zlib-1.3.1-{ZLIB.hash}.spack"
    assert opened.reference == f"oci-dir:{tmp_path}/cache:{tag}"
    assert opened.digest
    assert opened.said == [f"reading {opened.reference}; a specification for the package is attached there"]


@pytest.mark.parametrize(
    ("package", "kind", "what", "why"),
    [
        ("hdf", NotFoundError, "no such package", "hdf5@1.14.3"),
        ("hdf5@1.12", NotFoundError, "no such package", "hdf5@1.14.3"),
        ("/0000", NotFoundError, "no such package", "zlib@1.3.1"),
        ("", UsageError, "has 3 packages", f"zlib@1.3.1 /{ZLIB.hash[:7]}"),
        ("HDF5", UsageError, "is no package of Spack's", "NAME@VERSION"),
        ("a b", UsageError, "is no package of Spack's", "NAME@VERSION"),
        ("../x", UsageError, "is no package of Spack's", "NAME@VERSION"),
    ],
)
def test_a_package_that_is_not_there_is_told_with_what_is(
    cache: Path, package: str, kind: type[CompatError], what: str, why: str
) -> None:
    with pytest.raises(kind, match=what) as caught:
        read(f"spack:{cache}#{package}")
    assert caught.value.exit_code == (3 if kind is NotFoundError else 2)
    assert why in caught.value.why
    assert caught.value.remedy


def test_several_builds_of_a_package_are_told_apart_by_hash(tmp_path: Path) -> None:
    mirror = new_mirror(tmp_path, (Package("zlib", "1.2"), Package("zlib", "1.3")))
    with pytest.raises(UsageError, match="has 2 packages that fit") as caught:
        read(f"spack:{mirror}#zlib")
    assert "#/" in caught.value.remedy
    assert read(f"spack:{mirror}#zlib@1.2").said[0].startswith("reading zlib@1.2 ")


def test_a_dependency_that_the_cache_lacks_is_skipped(tmp_path: Path) -> None:
    for number, write in enumerate((new_mirror, old_mirror)):
        mirror = write(tmp_path / str(number), (HDF5,))
        skipped = read(f"spack:{mirror}#hdf5").view.skipped
        assert ("The tarball of zlib-1.3.1", "the build cache does not have it") in skipped
    tarball = next((tmp_path / "1").rglob("*.spack"))
    tarball.unlink()
    with pytest.raises(NotFoundError, match="has a spec and no tarball"):
        read(f"spack:{tmp_path / '1'}#hdf5")


def test_layout_1_is_read_without_the_place_it_was_built_for(tmp_path: Path) -> None:
    opened = read(f"spack:{old_mirror(tmp_path, (ZLIB,), version=1)}#zlib")
    assert f"/{ZLIB.prefix.removeprefix(ROOT + '/')}/lib/libz.so.1" in opened.view.nodes
    assert any("layout 1" in why for _, why in opened.view.skipped)


def test_what_is_no_cache_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no build cache") as caught:
        read(f"spack:{tmp_path}#zlib")
    assert "spack buildcache push" in caught.value.remedy
    with pytest.raises(NotFoundError, match="no directory"):
        read(f"spack:{tmp_path}/nothing#zlib")
    (tmp_path / "empty/v3/manifests/spec").mkdir(parents=True)
    with pytest.raises(NotFoundError, match="has no package"):
        read(f"spack:{tmp_path}/empty#zlib")


def test_a_layout_before_the_first_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is in layout 0") as caught:
        read(f"spack:{old_mirror(tmp_path, (ZLIB,), version=0)}#zlib")
    assert "Spack 0.18" in caught.value.remedy


def test_an_index_is_no_package(tmp_path: Path) -> None:
    path = layout(tmp_path / "cache", (ZLIB,))
    with pytest.raises(UsageError, match="is the index of a build cache") as caught:
        read(f"oci-dir:{path}:index.spack")
    assert caught.value.remedy == f"name one: spack:oci-dir:{path}#PACKAGE"


@pytest.mark.parametrize("write", [new_mirror, old_mirror])
def test_a_tarball_that_is_not_what_its_checksum_says_is_refused(write: Write, tmp_path: Path) -> None:
    mirror = write(tmp_path, (ZLIB,))
    for path in [*mirror.rglob("*.spack"), *(mirror / "blobs").rglob("*")]:
        if path.is_file() and b"libz.so.1" in gzip.decompress(path.read_bytes()):
            path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), 1, mtime=1))
    with pytest.raises(ImageError, match="cannot be read"):
        read(f"spack:{mirror}#zlib")


def test_a_spec_that_is_not_what_its_checksum_says_is_refused(tmp_path: Path) -> None:
    mirror = new_mirror(tmp_path, (ZLIB,))
    for path in (mirror / "blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(CompatError, match="does not have its digest"):
        read(f"spack:{mirror}#zlib")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("checksum", "../../../etc/passwd"),
        ("checksum", "A" * 64),
        ("checksum", None),
        ("checksumAlgorithm", "md5"),
        ("mediaType", "application/x"),
        ("contentLength", -1),
        ("contentLength", "many"),
    ],
)
def test_a_manifest_with_another_content_is_refused(key: str, value: object, tmp_path: Path) -> None:
    mirror = new_mirror(tmp_path, (ZLIB,))
    (place,) = mirror.rglob("*.spec.manifest.json")
    document = json.loads(place.read_bytes())
    document["data"][0][key] = value
    place.write_text(json.dumps(document))
    with pytest.raises(ImageError, match="is malformed") as caught:
        read(f"spack:{mirror}#/{ZLIB.hash}")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b"[" * 100_000, b'{"version": 4, "data": []}', b'{"version": 3}']
)
def test_a_manifest_that_is_none_is_refused(content: bytes, tmp_path: Path) -> None:
    mirror = new_mirror(tmp_path, (ZLIB,))
    (place,) = mirror.rglob("*.spec.manifest.json")
    place.write_bytes(content)
    with pytest.raises(ImageError, match="is malformed"):
        read(f"spack:{mirror}#zlib")


def test_a_link_that_leads_out_of_a_cache_is_refused(tmp_path: Path) -> None:
    mirror = new_mirror(tmp_path / "cache", (ZLIB,))
    (tmp_path / "secret").write_text("canary")
    (place,) = mirror.rglob("*.spec.manifest.json")
    place.unlink()
    place.symlink_to(tmp_path / "secret")
    with pytest.raises(ImageError, match="leads out of the cache"):
        read(f"spack:{mirror}#zlib")


def test_a_spec_that_grows_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compatbuild.sources.spack_mirror.MAX_SPEC", 100)
    with pytest.raises(CompatError, match=r"too large|malformed"):
        read(f"spack:{new_mirror(tmp_path, (ZLIB,))}#zlib")


def test_packages_are_kept_as_they_are(cache: Path) -> None:
    before = {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()}
    assert read(f"spack:{cache}#zlib").view.nodes[f"/{ZLIB.prefix}"].kind is Kind.DIRECTORY
    assert {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", Asked("", "", "")),
        ("py-numpy@1.26.4", Asked("py-numpy", "1.26.4", "")),
        ("/abc", Asked("", "", "abc")),
        ("gcc@develop/abc", Asked("gcc", "develop", "abc")),
    ],
)
def test_packages_are_asked_for_as_in_spack(text: str, asked: Asked) -> None:
    assert parse_asked(text) == asked


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("intel-oneapi-mpi-2021.9.0", "intel-oneapi-mpi@2021.9.0 /aaaaaaa"),
        ("date-2024-01-01", "date@2024-01-01 /aaaaaaa"),
        ("gcc-develop", "gcc@develop /aaaaaaa"),
        ("odd", "odd /aaaaaaa"),
    ],
)
def test_a_package_is_shown_as_it_is_asked_for(label: str, shown: str) -> None:
    assert Entry(label, "a" * 32, "").shown == shown
