"""The images that a selection chooses from: every manifest behind a reference that can run, with its specification."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from compatbuild.checking.loading import Loaded, load_manifest
from compatbuild.errors import NotFoundError
from compatbuild.registry.platform import Platform
from compatbuild.registry.reference import LayoutReference, Reference
from compatbuild.registry.store import Store
from compatbuild.registry.subject import Subject, variants
from compatbuild.signing.verify import Policy


@dataclass(frozen=True, slots=True)
class Variant:
    """One image: ``name`` is the reference as it was typed, ``reference`` the one with the image's own digest.

    ``loaded`` is its specification, or that of the index it is in; None, with ``reason``, where neither has one.
    ``annotations`` are those of its entry in the index, which tell variants for one platform apart.
    """

    name: str
    reference: str
    digest: str
    platform: Platform
    loaded: Loaded | None = None
    reason: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)


def load_variants(
    store: Store,
    reference: Reference | LayoutReference,
    platform: str | None = None,
    policy: Policy | None = None,
) -> tuple[Variant, ...]:
    """Return the images behind a reference, in the author's order; with ``platform`` only those for it.

    With a ``policy`` only specifications that pass it count. Errors: NotFoundError when there is no such image,
    VerificationError when what is attached does not pass, SpecError when NFD could not read one.
    """
    index, found = variants(store, reference, platform)
    shared = _of(store, index, str(reference), policy) if index is not None else None
    told = []
    for image in found:
        own = _of(store, image, str(reference), policy)
        loaded = own if isinstance(own, Loaded) else shared if isinstance(shared, Loaded) else None
        told.append(
            Variant(
                name=str(reference),
                reference=str(reference.with_digest(image.descriptor.digest)),
                digest=image.descriptor.digest,
                platform=image.platform or Platform("", ""),
                loaded=loaded,
                reason=own if loaded is None and isinstance(own, str) else "",
                annotations=image.annotations,
            )
        )
    return tuple(told)


def _of(store: Store, manifest: Subject, name: str, policy: Policy | None) -> Loaded | str:
    """Load the specification of one manifest; the reason where it has none."""
    try:
        loaded = load_manifest(store, manifest, name, policy)
    except NotFoundError:
        return "no specification is attached to the image or its index"
    return replace(loaded, text=b"")  # a thousand images may share one index
