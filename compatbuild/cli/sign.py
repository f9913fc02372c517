"""``compatbuild sign``."""

from compatbuild.cli import options, signing
from compatbuild.cli.output import emit, wanted


def sign(
    reference: options.Reference,
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
    platform: options.Platform = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    durable: options.Durable = None,
) -> None:
    """Sign an image and the specification attached to it, as `cosign sign` would.

    [dim]Example: compatbuild sign oci-dir:build/image:v1 --sign key:cosign.key[/dim]
    """
    from compatbuild import api
    from compatbuild.errors import UsageError
    from compatbuild.report import journey
    from compatbuild.report.documents import to_json

    targets = wanted(output, "table", "json")
    how = signing.how(signature_format, annotation, timestamp_url, rekor_url, attest=attest, force=force)
    signer = signing.author(sign, signing_config, trusted_root)
    if signer is None:
        raise UsageError(
            "there is no key to sign with",
            why="neither --sign nor the settings name one",
            remedy="use --sign key:FILE; `compatbuild key generate` makes one",
        )
    registry = options.registry(plain_http, insecure, ca_file, registry_config, durable)
    done = api.sign(reference, signer, how=how, platform=platform, options=registry)
    rows = [row for one in done for row in journey.signatures(one.spec, one.image, one.attestation)]
    formats = {"table": lambda: journey.as_table(rows), "json": lambda: to_json({"signed": journey.as_value(rows)})}
    emit(targets, formats)
