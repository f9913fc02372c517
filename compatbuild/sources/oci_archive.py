"""An OCI image layout in a tar archive, as skopeo, podman and buildx write it (OCI image-spec ``image-layout.md``)."""

from collections.abc import Iterator
from contextlib import contextmanager

from compatbuild.errors import ImageError, NotFoundError, UsageError
from compatbuild.registry.descriptor import MAX_INDEX, OCI_INDEX, Descriptor, Index, ManifestBytes, describe
from compatbuild.registry.digest import is_digest
from compatbuild.registry.layout import CONTAINERD_NAME, REF_NAME
from compatbuild.sources.archive import Archive, open_archive
from compatbuild.sources.files import FileContent, Slice
from compatbuild.sources.image_source import Content, ImageSource, Wish
from compatbuild.sources.manifest import image_of
from compatbuild.sources.names import split_path

SCHEME = "oci-archive"


@contextmanager
def open_oci_archive(text: str, wish: Wish) -> Iterator[ImageSource]:
    """Open ``PATH[:TAG]``; without a tag it is the only image there.

    Errors: UsageError when there are several to choose from, NotFoundError when there is none of that tag.
    """
    path, tag = split_path(text)
    with open_archive(path) as archive:
        archive.expect("index.json")
        content = _content(archive)
        yield image_of(content, _top(archive, content, tag), SCHEME, text, wish)


def _content(archive: Archive) -> FileContent:
    def locate(digest: str) -> Slice:
        if not is_digest(digest):
            raise ImageError(f"{digest[:80]!r} is no digest", why="it would become part of a name")
        algorithm, _, digits = digest.partition(":")
        return archive.open(f"blobs/{algorithm}/{digits}")

    return FileContent(f"{SCHEME}:{archive.path}", locate, locate)


def _top(archive: Archive, content: Content, tag: str) -> ManifestBytes:
    """Return the entry of ``index.json`` that is meant, or ``index.json`` itself when its entries are platforms."""
    raw = archive.read("index.json", MAX_INDEX)
    top = ManifestBytes(raw, describe(raw, OCI_INDEX))
    index = top.parse()
    entries = list({entry.digest: entry for entry in index.manifests}.values()) if isinstance(index, Index) else []
    if tag:
        entries = [entry for entry in entries if _is_called(entry, tag)]
        if not entries:
            why = f"it has {_names(index.manifests) if isinstance(index, Index) else 'nothing'}"
            raise NotFoundError(f"{archive.path} has no image {tag}", why=why, remedy="name one that it has")
    elif len(entries) > 1 and not any(_called(entry) for entry in entries):
        return top
    if len(entries) > 1:
        raise UsageError(
            f"{archive.path} has {len(entries)} images",
            why=f"it has {_names(entries)}",
            remedy=f"name one: {SCHEME}:{archive.path}:TAG",
        )
    if not entries:
        raise NotFoundError(f"{archive.path} has no image", why="its index.json is empty", remedy="name another")
    return content.manifest(entries[0].digest)


def _called(entry: Descriptor) -> tuple[str, ...]:
    """Return the names of an entry; ``ref.name`` is a tag, or a full name as podman writes it."""
    return tuple(name for key in (REF_NAME, CONTAINERD_NAME) if (name := entry.annotations.get(key)))


def _is_called(entry: Descriptor, tag: str) -> bool:
    names = _called(entry)
    return tag in (entry.digest, *names, *(name.rpartition(":")[2] for name in names))


def _names(entries: list[Descriptor] | tuple[Descriptor, ...]) -> str:
    return ", ".join((_called(entry) or (entry.digest,))[0] for entry in entries[:20]) or "none at all"
