"""Where a registry's API is: its host, and whether it speaks TLS."""

import socket
import ssl

from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.trust import is_loopback, origin_of

API_HOSTS = {"docker.io": "registry-1.docker.io"}
"""Registries whose API has another host than their references (distribution ``reference/normalize.go``, docker CLI)."""
PROBE_SECONDS = 2.0


def scheme_of(host: str, options: RegistryOptions) -> str:
    """Return ``https``, or ``http`` where that was asked for or a loopback host does not speak TLS."""
    if options.plain_http:
        return "http"
    origin = origin_of(f"https://{host}")
    if not is_loopback(origin.host) or options.insecure or options.ca_file is not None:
        return "https"
    return "https" if _speaks_tls(origin.host, origin.port) else "http"


def _speaks_tls(host: str, port: int) -> bool:
    """Whether a server on this machine answers a TLS handshake; its certificate is checked later, by the request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection((host, port), PROBE_SECONDS) as plain, context.wrap_socket(plain):
            return True
    except OSError:
        return False
