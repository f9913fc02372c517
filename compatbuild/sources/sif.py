"""Singularity and Apptainer images: a SIF in a file, or as the layer of a manifest in a registry."""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from compatbuild.errors import ImageError, NotFoundError, SourceError, UsageError
from compatbuild.image import singularity, squashfs
from compatbuild.image.layer_facts import LayerFacts
from compatbuild.image.layer_source import LayerSource, Scan
from compatbuild.image.limits import DEFAULT
from compatbuild.image.random_access import Part, RandomAccess
from compatbuild.image.sif import DataObject, FileSystem, Sif, Type, Use, document, is_sif, read_sif
from compatbuild.image.squashfs import Squashfs
from compatbuild.image.squashfs_layer import SquashfsLayer
from compatbuild.image.view import ImageConfig
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.platform import Platform, parse_platform
from compatbuild.sources.image_source import Content, ImageSource, Wish
from compatbuild.sources.platforms import require
from compatbuild.sources.stored_blob import StoredBlob

SCHEME = "sif"
MAX_SHOWN = 20
_FILE_SYSTEMS = {
    FileSystem.EXT3: "an ext3 file system",
    FileSystem.ARCHIVE: "an archive",
    FileSystem.RAW: "a raw disk",
    FileSystem.ENCRYPTED_SQUASHFS: "an encrypted squashfs",
}
_USES = {Use.SYSTEM: "system", Use.PRIMARY: "primary system", Use.DATA: "data", Use.OVERLAY: "overlay"}


@contextmanager
def open_sif(text: str, wish: Wish) -> Iterator[ImageSource]:
    """Open a SIF in a file. It is no manifest, so that it has no digest to attach anything to.

    Errors: NotFoundError for no such file or platform, UsageError for several partitions to choose from, SourceError
    for one that cannot be read (encrypted, ext3), ImageError for one that is malformed.
    """
    with _opened(Path(text)) as data:
        config, layer = _image(data, f"{SCHEME}:{text}", wish)
        yield ImageSource(SCHEME, text, "", config, (layer,))


def is_sif_file(path: Path) -> bool:
    """Say whether a file begins as a SIF."""
    try:
        with path.open("rb") as file:
            return is_sif(file.read(64))
    except OSError:
        return False


def stored_sif(content: Content, layer: Descriptor, what: str, wish: Wish) -> tuple[ImageConfig, LayerSource]:
    """Return config and layer of a SIF in a store, which is read by parts; its digest is checked before any finding."""
    blob = StoredBlob(content, layer)
    config, inner = _image(blob, what, wish)
    return config, _Checked(inner, blob.check)


@dataclass(frozen=True)
class _Checked:
    """A layer whose bytes are checked before they are looked at for findings."""

    inner: SquashfsLayer
    check: Callable[[Callable[[int], None]], None]
    digest: str = ""
    diff_id: str = ""

    @property
    def size(self) -> int:
        """Bytes of the file system."""
        return self.inner.size

    def facts(self, scan: Scan) -> LayerFacts:
        """Check, then read."""
        self.check(scan.tick)
        return self.inner.facts(scan)


class _File:
    """An open file, read at any place."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.size = os.fstat(descriptor).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        """Return exactly so many bytes."""
        pieces = []
        while count and (piece := os.pread(self._descriptor, count, offset)):
            pieces.append(piece)
            offset += len(piece)
            count -= len(piece)
        if count:
            raise ImageError(f"it is cut off at byte {offset:,}")
        return b"".join(pieces)


@contextmanager
def _opened(path: Path) -> Iterator[_File]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe in its place cannot hold us
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", why=str(error.strerror), remedy="check the path") from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read", why=str(error.strerror), remedy="name a readable file") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SourceError(f"{path} is no regular file", why="a SIF is read here and there", remedy="name a SIF")
        yield _File(descriptor)
    finally:
        os.close(descriptor)


def _image(data: RandomAccess, what: str, wish: Wish) -> tuple[ImageConfig, SquashfsLayer]:
    """Choose the file system of a SIF, and read how it starts."""
    try:
        sif = read_sif(data)
        partition = _partition(sif, what, wish)
        tree = Part(data, partition.offset, partition.size)
        said = _described(data, sif, Squashfs(tree))
        asked = parse_platform(wish.platform).architecture if wish.platform else ""
        config = singularity.image_config(_architecture(sif, partition) or asked, said, DEFAULT)
    except ImageError as error:
        raise ImageError(
            f"{what} cannot be read",
            why=f"{error.what}: {error.why}" if error.why else error.what,
            remedy=error.remedy if error.why else "build or copy the image again, or name another file",
        ) from error
    notes = [
        f"the overlay in object {found.id} of the SIF is not inspected: what it adds or hides is not known"
        for found in sif.of_type(Type.PARTITION)
        if found.use == Use.OVERLAY
    ]
    return config, SquashfsLayer(f"The file system of {what}", tree, (*notes, *said.notes))


def _architecture(sif: Sif, partition: DataObject) -> str:
    return partition.architecture or sif.architecture


def _partition(sif: Sif, what: str, wish: Wish) -> DataObject:
    """Return the partition that is run: the primary one, or the system partition for the platform asked for."""
    partitions = sif.of_type(Type.PARTITION)
    primary = [found for found in partitions if found.use == Use.PRIMARY]
    if not primary:
        raise _without_primary(sif, what)
    asked = parse_platform(wish.platform) if wish.platform else None
    fitting = primary
    if asked:
        able = [*primary, *(found for found in partitions if found.use == Use.SYSTEM)]
        fitting = [one for one in able if Platform("linux", _architecture(sif, one)).matches(asked)]
        if not fitting and not all(_architecture(sif, one) for one in primary):
            fitting = primary  # nothing in it says what it is for: the user's word counts
    if not fitting:
        require(Platform("linux", _architecture(sif, primary[0])), wish.platform, what)
    if len(fitting) > 1:
        raise UsageError(
            f"{what} has {len(fitting)} primary system partitions",
            why=f"a SIF has one; it has {_listing(sif, partitions)}",
            remedy=f"choose one by its architecture: --platform linux/{_architecture(sif, fitting[0]) or 'ARCH'}",
        )
    chosen = fitting[0]
    if chosen.file_system != FileSystem.SQUASHFS:
        raise _unreadable(chosen, what)
    if not asked and len(partitions) > 1 and any(found.use == Use.SYSTEM for found in partitions):
        wish.say(f"{what} has {_listing(sif, partitions)}: reading the primary one, as Apptainer does")
    return chosen


def _without_primary(sif: Sif, what: str) -> SourceError:
    if sif.of_type(Type.OCI_ROOT_INDEX):
        return SourceError(
            f"{what} is an OCI-SIF, which is not read",
            why="it holds the parts of an OCI image, and no file system that is run as it is",
            remedy="run it on the image that it was made from, docker://NAME",
        )
    return SourceError(
        f"{what} has no primary system partition",
        why=f"it has {_listing(sif, sif.of_type(Type.PARTITION))}, and none is marked as what is run",
        remedy="mark one with `siftool setprim ID FILE`, or build the image again",
    )


def _unreadable(partition: DataObject, what: str) -> SourceError:
    if partition.file_system == FileSystem.ENCRYPTED_SQUASHFS:
        return SourceError(
            f"{what} is encrypted, and its content cannot be read",
            why=f"object {partition.id} is an encrypted squashfs",
            remedy="run infer on the unencrypted build or its source image, and attach the result to this one",
        )
    held = _FILE_SYSTEMS.get(FileSystem(partition.file_system), "") if partition.file_system in _FILE_SYSTEMS else ""
    return SourceError(
        f"{what} is not read: its primary partition is {held or f'of unknown type {partition.file_system}'}",
        why="squashfs is read, which Singularity 3 and Apptainer build",
        remedy="turn it into one with `apptainer build NEW.sif OLD.sif`, or mount it and run infer on dir:PATH",
    )


def _listing(sif: Sif, partitions: tuple[DataObject, ...]) -> str:
    shown = [
        f"{_USES.get(Use(one.use), '') if one.use in _USES else 'some'} partition {one.id}"
        f" ({_architecture(sif, one) or 'no architecture'})"
        for one in partitions[:MAX_SHOWN]
    ]
    return ", ".join(shown) or "no partition at all"


def _described(data: RandomAccess, sif: Sif, files: Squashfs) -> singularity.Described:
    """Read how an image starts, from its tree and from the SIF's own objects."""
    metadata = sif.named(Type.JSON, singularity.METADATA_NAME)
    definition = next(iter(sif.of_type(Type.DEFINITION)), None)
    labels = next(iter(sif.of_type(Type.LABELS)), None)
    found = singularity.described(
        singularity.json_object(document(data, metadata)) if metadata else {},
        _decoded(document(data, definition)) if definition else "",
        _in_tree(files),
    )
    if labels and not found.labels:
        told = singularity.labels(singularity.json_object(document(data, labels)))
        return singularity.Described(found.runscript, found.startscript, found.environment, told, found.definition)
    return found


def _in_tree(files: Squashfs) -> singularity.Described:
    def text(path: str) -> str:
        found = files.find(path)
        is_file = found is not None and found.kind == squashfs.FILE
        return _decoded(files.read_file(found, singularity.MAX_SCRIPT)) if found and is_file else ""

    return singularity.Described(
        runscript=text(singularity.RUNSCRIPT),
        startscript=text(singularity.STARTSCRIPT),
        environment=tuple(text(path) for path in _scripts(files)),
        labels=singularity.labels(singularity.json_object(text(singularity.LABELS).encode())),
        definition=text(singularity.DEFINITION),
    )


def _scripts(files: Squashfs) -> list[str]:
    directory = files.find(singularity.ENVIRONMENT)
    if directory is None or directory.kind != squashfs.DIRECTORY:
        return []
    names = sorted(entry.name for entry in files.entries(directory) if entry.name.endswith(b".sh"))
    return [f"{singularity.ENVIRONMENT}/{_decoded(name)}" for name in names[: singularity.MAX_SCRIPTS]]


def _decoded(content: bytes) -> str:
    return content.decode("utf-8", "replace")
