"""``compatbuild pull``."""

from compatbuild.cli import options
from compatbuild.cli.output import emit, tell, wanted


def pull(
    reference: options.Reference,
    output: options.Output = None,
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    quiet: options.Quiet = False,
) -> None:
    """Print the specification (-o spec) or the report (-o report) attached to an image, signed or not.

    `compatbuild verify -o spec` prints it only when it is its author's.

    [dim]Example: compatbuild pull oci-dir:build/image:v1 -o spec=compat.yaml[/dim]
    """
    from compatbuild import api

    targets = wanted(output, "spec", "report")
    registry = options.registry(plain_http, insecure, ca_file, registry_config)

    def fetch(kind: str) -> str:
        content, found = api.pull(reference, platform=platform, kind=kind, options=registry)
        tell(f"{kind} {found.descriptor.digest}, signature not looked at", quiet=quiet)
        return content.decode("utf-8", "replace")

    emit(targets, {"spec": lambda: fetch("spec"), "report": lambda: fetch("report")})
