"""How registries are to be reached: what the command line's registry options say."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RegistryOptions:
    """Settings for every registry of a run.

    ``plain_http`` speaks http (loopback hosts need no permission for it), ``insecure`` takes any certificate,
    ``ca_file`` is a PEM file of authorities to trust instead of the system's, ``registry_config`` a docker
    configuration file to use instead of the user's own.
    ``durable`` anchors what is attached by a tag of its own where the list of referrers is a tag (``anchors``).
    ``trusted_realms`` are pairs (registry host, token service host) besides those that need no permission.
    """

    plain_http: bool = False
    insecure: bool = False
    ca_file: Path | None = None
    registry_config: Path | None = None
    durable: bool = False
    trusted_realms: tuple[tuple[str, str], ...] = ()
