"""``compatbuild repair``."""

from compatbuild.cli import options
from compatbuild.cli.output import emit, tell, wanted


def repair(
    reference: options.Reference,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    quiet: options.Quiet = False,
) -> None:
    """List again what was attached to an image with --durable and has been dropped from the list since.

    That happens in registries without the referrers API when another tool writes the list at the same time. What is
    complete stays as it is.

    [dim]Example: compatbuild repair registry.example/app:v1[/dim]
    """
    from compatbuild import api
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    registry = options.registry(plain_http, insecure, ca_file, registry_config)
    restored = api.repair(reference, platform=platform, options=registry)
    rows = [
        {"digest": one.artifact.digest, "artifact_type": one.artifact.artifact_type, "subject": one.subject}
        for one in restored
    ]
    formats = {
        "table": lambda: "".join("restored {digest} of {subject}, {artifact_type}\n".format(**row) for row in rows),
        "json": lambda: to_json({"restored": rows}),
    }
    emit(targets, formats)
    if not restored:
        tell("nothing was missing", quiet=quiet)
