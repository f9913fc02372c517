"""``compatbuild export``."""

from typing import Annotated

import typer

from compatbuild.cli import options, signing
from compatbuild.cli.output import emit, tell, wanted

Target = Annotated[
    str,
    typer.Argument(
        metavar="SPEC|REF|SOURCE",
        help="A file with a specification or a report, a reference with a specification attached, or an image to be "
        "read now.",
    ),
]
Forms = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--output",
        "--to",
        metavar="FORMAT[=FILE]",
        help="nodefeaturegroup, nodefeaturerule, affinity or job, and where to; may be given several times. "
        "Default: nodefeaturegroup, on stdout.",
    ),
]
Name = Annotated[str, typer.Option(metavar="NAME", help="Name of the object. Default: made from the argument.")]
Namespace = Annotated[str, typer.Option(metavar="NAME", help="Its namespace; a NodeFeatureRule has none.")]
Node = Annotated[str, typer.Option(metavar="NAME", help="The node that a Job is to judge.")]
NfdImage = Annotated[
    str, typer.Option(metavar="IMAGE", help="The image with NFD's client for a Job. Default: NFD's own, v0.19.0.")
]


def export(
    spec: Target,
    output: Forms = None,
    name: Name = "",
    namespace: Namespace = "",
    node: Node = "",
    nfd_image: NfdImage = "",
    platform: options.Platform = None,
    key: options.Key = None,
    identity: options.Identity = "",
    issuer: options.Issuer = "",
    identity_regexp: options.IdentityRegexp = "",
    issuer_regexp: options.IssuerRegexp = "",
    trusted_root: options.TrustedRoot = None,
    plain_http: options.PlainHttp = None,
    insecure: options.Insecure = None,
    ca_file: options.CaFile = None,
    registry_config: options.RegistryConfig = None,
    quiet: options.Quiet = False,
) -> None:
    """Write a specification as an object of Kubernetes: a group, a rule with a label, an affinity, a Job.

    NodeFeatureGroup and NodeFeatureRule ask exactly what the specification does. An affinity knows no more than labels
    do and asks for less: what it leaves out is said on stderr and in the YAML. With a key, only a signed specification
    counts. Exit code 12 when it is not valid, 3 when nothing is attached.

    [dim]Example: compatbuild export compat.yaml -o nodefeaturerule=rule.yaml[/dim]
    """
    from compatbuild import api
    from compatbuild.exporting.export import FORMATS, Wish
    from compatbuild.exporting.job import NFD_IMAGE

    forms = wanted(output, *FORMATS)
    wish = Wish(name, namespace, node, nfd_image or NFD_IMAGE)
    policy = signing.policy(signing.trusted(key, identity, issuer, identity_regexp, issuer_regexp, trusted_root))
    registry = options.registry(plain_http, insecure, ca_file, registry_config)

    def say(line: str) -> None:
        tell(line, quiet=quiet)

    made = {}
    for form in dict.fromkeys(one.format for one in forms):
        made[form] = api.export(spec, form, wish, platform=platform, policy=policy, options=registry, say=say)
        for remark in made[form].remarks:
            say(f"note: {form}: {remark}")
    emit(forms, {form: found.content.decode for form, found in made.items()})
