"""``.compatbuild.yaml``: what a project would otherwise repeat on every command line."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from compatbuild.errors import UsageError
from compatbuild.image.limits import DEFAULT
from compatbuild.model.base import Model

SETTINGS_NAME = ".compatbuild.yaml"
SCHEMA_BASE = "urn:compatbuild:schema:"
"""Prefix of the identifiers of our schemas: names, not places; the schemas themselves ship with the tool."""

MAX_SETTINGS_BYTES = 64 * 1024

Text = Annotated[str, Field(max_length=1000)]


class IdentitySettings(Model):
    """Whom a certificate has to name, and who vouched for that: each exactly, or by a pattern (RE2)."""

    identity: Annotated[Text, Field(description="The identity, exactly.")] = ""
    issuer: Annotated[Text, Field(description="The issuer of the identity token, exactly.")] = ""
    identity_regexp: Annotated[Text, Field(description="A pattern the identity has to match.")] = ""
    issuer_regexp: Annotated[Text, Field(description="A pattern the issuer has to match.")] = ""


class VerifySettings(Model):
    """Whose signature counts, and what else is demanded of it: the policy of `verify`, `check` and `publish`."""

    key: Annotated[Text, Field(description="File of the public key, PEM.")] = ""
    keys: Annotated[
        tuple[Text, ...], Field(description="Files of public keys, any of which will do.", max_length=64)
    ] = ()
    identities: Annotated[
        tuple[IdentitySettings, ...],
        Field(description="Identities of keyless signatures, any of which will do.", max_length=64),
    ] = ()
    trusted_root: Annotated[Text, Field(description="Roots of trust of keyless signatures, JSON.")] = ""
    annotations: Annotated[
        dict[Text, Text],
        Field(description="Annotations that signatures have to carry.", max_length=64),
    ] = Field(default_factory=dict)
    not_before: Annotated[
        Text,
        Field(description="The earliest date a specification may have.", pattern=r"^(|[0-9]{4}-[0-9]{2}-[0-9]{2}.*)$"),
    ] = ""
    strict: Annotated[bool, Field(description="Fail when an unsigned or foreign specification is attached.")] = False


class RegistrySettings(Model):
    """How to reach the registry."""

    plain_http: Annotated[bool, Field(description="Talk to it without TLS.")] = False
    insecure: Annotated[bool, Field(description="Do not check its certificate.")] = False
    ca_file: Annotated[Text, Field(description="Certificate authorities to trust, PEM.")] = ""
    config: Annotated[Text, Field(description="Credentials file in docker's format.")] = ""
    durable: Annotated[
        bool | None, Field(description="Hold on to what is attached by tags where the list of referrers is a tag.")
    ] = None


class SettingsFile(Model):
    """What may stand in the file; a flag or a ``COMPATBUILD_`` variable overrides each."""

    image: Annotated[Text, Field(description="The image that is inferred from and published to.")] = ""
    template: Annotated[Text, Field(description="Template file, or the name of a shipped template.")] = ""
    platform: Annotated[Text, Field(description="os/arch[/variant] of the image in an index.")] = ""
    sign: Annotated[Text, Field(description="key:FILE, kms:URI or keyless.", pattern=r"^(|(key|kms):.+|keyless)$")] = ""
    verify: VerifySettings = VerifySettings()
    registry: RegistrySettings = RegistrySettings()
    limits: Annotated[
        dict[Text, Text], Field(description="Caps on reading an image, by name (docs/security.md); 200GiB or a number.")
    ] = {}  # noqa: RUF012 - pydantic copies it


class Settings(SettingsFile):
    """The settings of one project, and the directory of their file, to which files named in them are relative."""

    directory: Path

    def file(self, name: str) -> Path:
        """Return a file named in the settings."""
        return self.directory / name


def find_settings(start: Path) -> Path | None:
    """Return the settings file that applies in a directory: there, or above it up to the root of the git work tree.

    Outside of a work tree only the directory itself counts: whoever can write to /tmp must not configure the tool.
    """
    directory = start.resolve()
    above = [directory, *directory.parents]
    roots = [index for index, one in enumerate(above) if (one / ".git").exists()]
    candidates = (one / SETTINGS_NAME for one in above[: roots[0] + 1 if roots else 1])
    return next((path for path in candidates if path.is_file()), None)


def load_settings(path: Path) -> Settings:
    """Read a settings file; UsageError names the file, and the line and key of each problem."""
    from compatbuild.refine.yaml_model import load  # noqa: PLC0415 - only where there is a file

    with path.open("rb") as file:
        data = file.read(MAX_SETTINGS_BYTES + 1)
    if len(data) > MAX_SETTINGS_BYTES:
        raise UsageError(f"{path} is too large", why=f"settings have at most {MAX_SETTINGS_BYTES} bytes")
    found = load(data, str(path), SettingsFile, "a settings file", error=UsageError)
    try:
        DEFAULT.stated(found.limits)
    except UsageError as error:
        raise UsageError(f"{path}: {error.what}", why=error.why, remedy=error.remedy) from error
    return Settings(**found.model_dump(), directory=path.parent)
