"""``compatbuild publish``."""

from typing import Annotated

import typer

from compatbuild.cli import options, settings
from compatbuild.cli.output import emit, tell, wanted

Image = Annotated[
    str | None,
    typer.Argument(
        metavar="REF",
        help="A registry reference (host/repository:tag), or oci-dir:PATH:TAG. Default: what .compatbuild.yaml names.",
    ),
]


def publish(
    reference: Image = None,
    template: options.Template = None,
    sign: options.Sign = None,
    output: options.Output = None,
    platform: options.Platform = None,
    base: options.Base = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    limit: options.Limit = None,
    quiet: options.Quiet = False,
    no_progress: options.NoProgress = False,
) -> None:
    """Infer, refine, validate, attach and sign, in one go. Doing it again changes nothing.

    Of an index, every platform is published, and the index itself with what they have in common. Without a key
    nothing is signed, and that is said.

    [dim]Example: compatbuild publish oci-dir:build/image:v1 --sign key:cosign.key[/dim]
    """
    from compatbuild import api
    from compatbuild.cli.progress import progress
    from compatbuild.report import journey
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    signer = options.signer(sign or settings.sign())
    with progress(shown=not (quiet or no_progress)) as advance:
        published = api.publish(
            settings.image(reference),
            template=template or settings.template(),
            signer=signer,
            platform=platform or settings.settings().platform or None,
            base=base,
            options=options.registry(plain_http, insecure, ca_file, registry_config),
            say=lambda line: tell(line, quiet=quiet),
            progress=advance,
            limits=options.limits(limit),
        )
    rows = []
    for one in published:
        for note in one.notes:
            tell(f"note: {note}", quiet=quiet)
        name = f" ({one.subject.platform or 'index'})" if len(published) > 1 else ""
        rows.append(journey.Row.of(f"specification{name}", one.spec))
        rows += [journey.Row.of(f"report{name}", one.report)] if one.report else []
        if one.signatures:
            rows.append(journey.Row.of(f"signature of the specification{name}", one.signatures.spec))
            rows.append(journey.Row.of(f"signature of the image{name}", one.signatures.image))
    if published and signer is None:
        tell("nothing was signed: give --sign key:FILE", quiet=quiet)
    changed = any(one.changed for one in published)
    value = {"changed": changed, "published": journey.as_value(rows)}
    emit(targets, {"table": lambda: journey.as_table(rows), "json": lambda: to_json(value)})
    if not published:
        tell("nothing to publish: the image needs nothing that a specification could say", quiet=quiet)
    else:
        tell("published" if changed else "nothing changed: all of it was published already", quiet=quiet)
