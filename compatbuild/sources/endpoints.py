"""Where container daemons listen: what the environment says, docker's contexts, and the sockets of podman.

Order of docker's own command line: DOCKER_HOST, DOCKER_CONTEXT, ``currentContext`` of its configuration, the default
socket (docker/cli ``cli/command/cli.go``). Podman's: CONTAINER_HOST, then the user's socket, then root's
(podman-system-service(1)).
"""

import hashlib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compatbuild.errors import SourceError, UsageError

if TYPE_CHECKING:
    from docker.tls import TLSConfig

DOCKER, PODMAN = "docker", "podman"
DOCKER_SOCKET = "unix:///var/run/docker.sock"
PODMAN_ROOT = "/run/podman/podman.sock"
MAX_CONFIGURATION = 1 << 20
"""Bytes of docker's configuration that are read."""
_SSH = re.compile(
    r"ssh://(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?P<host>[A-Za-z0-9][A-Za-z0-9.-]*|\[[0-9a-fA-F:]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^\s'\"\\;|&$`]*)?"
)


@dataclass(frozen=True)
class Endpoint:
    """A daemon's address (``unix:///path``, ``tcp://host:port``, ``ssh://user@host``), and what told of it.

    ``tls`` says how to talk TLS, if that is to be.
    """

    kind: str
    address: str
    told_by: str
    tls: "TLSConfig | None" = None

    @property
    def shown(self) -> str:
        """The address as messages show it: without a password, which has no place in it and may be there."""
        return re.sub(r"//[^/@]*:[^/@]*@", "//…@", self.address[:200])

    @property
    def socket(self) -> Path | None:
        """The socket's path, None for another kind of address."""
        return Path(self.address.removeprefix("unix://")) if self.address.startswith("unix://") else None

    def ssh(self) -> list[str] | None:
        """Return the command that talks to the daemon over ssh on its stdin and stdout, None for other addresses."""
        if not self.address.startswith("ssh://"):
            return None
        found = _SSH.fullmatch(self.address)
        if found is None:
            raise UsageError(
                f"{self.shown!r} is no address of a {self.kind} daemon",
                why=f"{self.told_by} says so, and it is not ssh://[USER@]HOST[:PORT][/SOCKET]",
                remedy="correct it",
            )
        command = ["ssh", "-o", "BatchMode=yes"]
        command += ["-l", found["user"]] if found["user"] else []
        command += ["-p", found["port"]] if found["port"] else []
        at = found["path"] or ""
        if self.kind == PODMAN:
            remote = f"podman --url unix://{at} system dial-stdio" if at.strip("/") else "podman system dial-stdio"
        else:
            remote = f"docker --host unix://{at} system dial-stdio" if at.strip("/") else "docker system dial-stdio"
        return [*command, "--", found["host"].strip("[]"), remote]


def docker_endpoint() -> Endpoint:
    """Return where docker listens for this user."""
    host = os.environ.get("DOCKER_HOST")
    if host:
        return Endpoint(DOCKER, _address(host), "DOCKER_HOST", _tls_of_environment())
    name, told_by = os.environ.get("DOCKER_CONTEXT"), "DOCKER_CONTEXT"
    if not name:
        name, told_by = _current_context(), "docker's configuration"
    if not name or name == "default":
        return Endpoint(DOCKER, DOCKER_SOCKET, "docker's default", _tls_of_environment())
    return _of_context(name, f"context {name[:80]} of {told_by}")


def podman_endpoint() -> Endpoint:
    """Return where podman's service listens: the first socket that is there, else the one it would make."""
    host = os.environ.get("CONTAINER_HOST")
    if host:
        return Endpoint(PODMAN, _address(host), "CONTAINER_HOST")
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.geteuid()}"
    sockets = [f"{runtime}/podman/podman.sock", PODMAN_ROOT]
    there = [path for path in sockets if os.path.exists(path)]  # noqa: PTH110 - false, not an error, where it may not look
    usual = sockets[1] if os.geteuid() == 0 else sockets[0]
    return Endpoint(PODMAN, f"unix://{(there or [usual])[0]}", "podman's default")


def _address(text: str) -> str:
    """Return an address as typed; a bare path is a socket, as docker takes it."""
    return f"unix://{text}" if text.startswith("/") else text


def _tls_of_environment() -> "TLSConfig | None":
    verify, directory = os.environ.get("DOCKER_TLS_VERIFY"), os.environ.get("DOCKER_CERT_PATH")
    if not (verify or directory):
        return None
    return _tls(Path(directory) if directory else _configuration(), verify=bool(verify), told_by="DOCKER_CERT_PATH")


def _tls(directory: Path, *, verify: bool, told_by: str) -> "TLSConfig":
    """Return the TLS settings of a directory that holds ``ca.pem``, ``cert.pem`` and ``key.pem``, as docker has it."""
    from docker.errors import DockerException  # noqa: PLC0415 - only where there is TLS to set up
    from docker.tls import TLSConfig  # noqa: PLC0415 - as above

    authority, cert, key = (str(directory / f"{name}.pem") for name in ("ca", "cert", "key"))
    try:
        return TLSConfig(client_cert=(cert, key), ca_cert=authority if verify else None, verify=verify)
    except DockerException as error:
        raise SourceError(
            "docker's TLS settings cannot be used",
            why=f"{told_by}: {str(error)[:300]}",
            remedy=f"put ca.pem, cert.pem and key.pem into {directory}",
        ) from error


def _configuration() -> Path:
    return Path(os.environ.get("DOCKER_CONFIG") or Path("~").expanduser() / ".docker")


def _current_context() -> str:
    document = _json(_configuration() / "config.json")
    name = document.get("currentContext")
    return name if isinstance(name, str) else ""


def _of_context(name: str, told_by: str) -> Endpoint:
    """Return what a stored context says (docker/cli ``cli/context/store``): a directory by the digest of its name."""
    directory, kept = _configuration() / "contexts", hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()
    entry = _json(directory / "meta" / kept / "meta.json").get("Endpoints")
    docker = entry.get("docker") if isinstance(entry, dict) else None
    host = docker.get("Host") if isinstance(docker, dict) else None
    if not isinstance(docker, dict) or not isinstance(host, str) or not host:
        raise SourceError(
            f"docker's {told_by} cannot be used",
            why=f"no such context is stored in {directory}, or it has no address of a daemon",
            remedy="`docker context ls` lists them, `docker context use default` goes back",
        )
    tls = directory / "tls" / kept / "docker"
    if not tls.is_dir():
        return Endpoint(DOCKER, _address(host), told_by)
    return Endpoint(DOCKER, _address(host), told_by, _tls(tls, verify=not docker.get("SkipTLSVerify"), told_by=told_by))


def _json(path: Path) -> dict[str, Any]:
    """Return a JSON object of docker's configuration, an empty one where there is none that can be read."""
    try:
        with path.open("rb") as file:
            document = json.loads(file.read(MAX_CONFIGURATION))
    except (OSError, ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
