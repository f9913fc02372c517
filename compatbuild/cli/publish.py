"""``compatbuild publish``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compatbuild.cli import options, settings, signing
from compatbuild.cli.output import emit, tell, wanted

if TYPE_CHECKING:
    from compatbuild.api import Published
    from compatbuild.report import journey

Image = Annotated[
    str | None,
    typer.Argument(
        metavar="REF",
        help="A registry reference (host/repository:tag), oci-dir:PATH:TAG, or docker:NAME and podman:NAME of an image "
        "pushed from there. Default: what .compatbuild.yaml names.",
    ),
]
MetadataFile = Annotated[
    Path | None,
    typer.Option(
        "--metadata-file",
        metavar="FILE",
        help="What `docker buildx build --push --metadata-file FILE`, or bake, wrote: publish the images it names, by "
        "digest. REF is then needed only where it has no name.",
        rich_help_panel="Image",
    ),
]


def publish(
    reference: Image = None,
    metadata_file: MetadataFile = None,
    template: options.Template = None,
    sign: options.Sign = None,
    signature_format: options.SignatureFormat = "bundle",
    annotation: options.SignAnnotations = None,
    timestamp_url: options.TimestampUrl = "",
    rekor_url: options.RekorUrl = "",
    signing_config: options.SigningConfig = None,
    trusted_root: options.SigningRoot = None,
    attest: options.Attest = False,
    force: options.Force = False,
    output: options.Output = None,
    platform: options.PlatformOrAll = None,
    base: options.Base = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    durable: options.Durable = None,
    limit: options.Limit = None,
    no_cache: options.NoCache = False,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Infer, refine, validate, attach and sign, in one go. Doing it again changes nothing.

    Of an index, every platform is published, and the index itself with what they have in common. Without a key
    nothing is signed, and that is said. What `verify` in .compatbuild.yaml demands, the result has to pass.

    [dim]Example: compatbuild publish oci-dir:build/image:v1 --sign key:cosign.key[/dim]
    """
    from compatbuild import api
    from compatbuild.cli.progress import progress
    from compatbuild.report import journey
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    how = signing.how(signature_format, annotation, timestamp_url, rekor_url, attest=attest, force=force)
    policy = signing.policy(signing.trusted(None, trusted_root=trusted_root))
    signer = signing.author(sign, signing_config, trusted_root)
    with progress(shown=not (quiet or no_progress)) as advance:
        published = api.publish(
            (reference or "") if metadata_file else settings.image(reference),
            metadata_file=metadata_file,
            template=template or settings.template(),
            signer=signer,
            how=how,
            policy=policy,
            platform=platform or settings.settings().platform or None,
            base=base,
            options=options.registry(plain_http, insecure, ca_file, registry_config, durable),
            say=lambda line: tell(line, quiet=quiet),
            progress=advance,
            limits=options.limits(limit),
            cache=options.cache(no_cache),
        )
    for note in (note for one in published for note in one.notes):
        tell(f"note: {note}", quiet=quiet)
    rows = _rows(published)
    if published and signer is None:
        tell("nothing was signed: give --sign key:FILE", quiet=quiet)
    changed = any(one.changed for one in published)
    value = {"changed": changed, "published": journey.as_value(rows)}
    emit(targets, {"table": lambda: journey.as_table(rows), "json": lambda: to_json(value)})
    if not published:
        tell("nothing to publish: the image needs nothing that a specification could say", quiet=quiet)
    else:
        tell("published" if changed else "nothing changed: all of it was published already", quiet=quiet)


def _rows(published: "Sequence[Published]") -> "list[journey.Row]":
    """Return what was attached and signed, a row each; of several manifests each row says which."""
    from compatbuild.report import journey

    rows = []
    for one in published:
        what = one.subject.platform or ("index" if one.subject.is_index else "image")
        name = f" ({what})" if len(published) > 1 else ""
        rows.append(journey.Row.of(f"specification{name}", one.spec))
        rows += [journey.Row.of(f"report{name}", one.report)] if one.report else []
        if one.signatures:
            rows += journey.signatures(one.signatures.spec, one.signatures.image, one.signatures.attestation, name)
    return rows
