"""Images that docker and buildah build, read from every place that real tools put them: the same report each time."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.builders.elf import elf
from tests.integration.shell import ROOT, Shell, registry, shell
from tests.peers import require
from tests.peers.daemons import Daemon, dockerd, podman_service

pytestmark = pytest.mark.peer

NAME = "team/app:v1"
DOCKERFILE = """\
FROM scratch
COPY root/ /
COPY run.sh /opt/app/run.sh
ENV A=b NVIDIA_VISIBLE_DEVICES=all
LABEL org.compatbuild.require.kernel.version=">=5.10"
WORKDIR /opt/app
ENTRYPOINT ["/usr/bin/app"]
"""


@pytest.fixture(scope="module")
def docker() -> Iterator[Daemon]:
    with dockerd() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def podman() -> Iterator[Daemon]:
    with podman_service() as daemon:
        yield daemon


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The context of a build: a program, a library, a script that runs it, an os-release."""
    place = tmp_path_factory.mktemp("context")
    files = {
        "root/usr/bin/app": elf(needed=["libc.so.6"], interpreter="/lib64/ld-linux-x86-64.so.2", isa=0b111),
        "root/etc/os-release": b"ID=debian\nVERSION_ID=12\n",
        "run.sh": b"#!/bin/sh\nexec /usr/bin/app\n",
        "Dockerfile": DOCKERFILE.encode(),
    }
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
        (place / name).chmod(0o755)
    return place


@pytest.fixture(scope="module")
def built(docker: Daemon, context: Path) -> Daemon:
    """The docker daemon, with an image that it built."""
    docker.run("build", "--quiet", "--tag", NAME, ".", directory=context)
    return docker


@pytest.fixture
def run(tmp_path: Path) -> Shell:
    return shell(tmp_path)


def environment(docker: Daemon | None = None, podman: Daemon | None = None) -> dict[str, Any]:
    """Return variables that lead to these daemons, and to no other that this machine may have."""
    docker_at, podman_at = (one.socket if one else "/nonexistent/socket" for one in (docker, podman))
    return {
        "DOCKER_HOST": f"unix://{docker_at}",
        "CONTAINER_HOST": f"unix://{podman_at}",
        "XDG_RUNTIME_DIR": "/nonexistent",
    }


def report(run: Shell, source: str, *arguments: str, **told: Any) -> Any:
    return json.loads(run.ok("infer", source, "-o", "json", *arguments, **told))


def found(document: Any) -> Any:
    """Return a report without what says where the image was read from."""
    return {key: value for key, value in document.items() if key != "image"} | {
        "platform": document["image"]["platform"]
    }


def skopeo(*arguments: str | Path) -> None:
    command: list[str | Path] = [require("skopeo"), "--insecure-policy", "copy", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def everywhere(run: Shell, saved: Path, address: str, place: Path) -> Iterator[str]:
    """Copy a saved image to every place there is, with skopeo, and yield the source that each is."""
    archive = f"docker-archive:{saved}"
    yield archive
    skopeo(archive, f"oci-archive:{place}/image.oci.tar:v1")
    yield f"oci-archive:{place}/image.oci.tar"
    skopeo(archive, f"oci:{place}/layout:v1")
    yield f"oci-dir:{place}/layout:v1"
    skopeo(archive, f"dir:{place}/skopeo")
    yield f"dir:{place}/skopeo"
    skopeo("--dest-tls-verify=false", archive, f"docker://{address}/{NAME}")
    yield f"registry:{address}/{NAME}"


def test_what_docker_builds_is_the_same_image_everywhere(
    docker: Daemon, podman: Daemon, context: Path, run: Shell, tmp_path: Path
) -> None:
    docker.run("build", "--quiet", "--tag", NAME, ".", directory=context)
    docker.run("save", NAME, "--output", tmp_path / "saved.tar")
    podman.run("load", "--input", tmp_path / "saved.tar")
    told = environment(docker, podman)
    first = report(run, f"docker:{NAME}", **told)
    assert {finding["title"] for finding in first["findings"]} >= {
        "A host of architecture amd64",
        "A CPU of level x86-64-v3",
    }
    image = docker.run("image", "inspect", "--format", "{{.Id}}", NAME)
    with registry("fallback") as address:
        others = [f"docker:{image}", f"docker:{image[7:19]}", f"podman:{NAME}"]
        for source in [*others, *everywhere(run, tmp_path / "saved.tar", address, tmp_path)]:
            assert found(report(run, source, **told)) == found(first), source


def test_what_buildah_builds_is_the_same_image_everywhere(
    docker: Daemon, podman: Daemon, context: Path, run: Shell, tmp_path: Path
) -> None:
    buildah = [str(require("buildah")), *podman.command[1:]]
    done = subprocess.run(
        [*buildah, "bud", "--quiet", "--tag", "buildah/app:v1", "."], cwd=context, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    podman.run("save", "--output", tmp_path / "saved.tar", "buildah/app:v1")
    docker.run("load", "--input", tmp_path / "saved.tar")
    told = environment(docker, podman)
    first = report(run, "podman:buildah/app:v1", **told)
    assert "A CPU of level x86-64-v3" in {finding["title"] for finding in first["findings"]}
    with registry("fallback") as address:
        for source in ["docker:localhost/buildah/app:v1", *everywhere(run, tmp_path / "saved.tar", address, tmp_path)]:
            assert found(report(run, source, **told)) == found(first), source


def test_an_unpacked_image_has_the_same_programs(docker: Daemon, context: Path, run: Shell, tmp_path: Path) -> None:
    """A bare directory has no config and no layers: what it holds is the same, how it is started nobody knows."""
    docker.run("build", "--quiet", "--tag", NAME, ".", directory=context)
    container = docker.run("create", NAME)
    docker.run("export", container, "--output", tmp_path / "tree.tar")
    docker.run("rm", container)
    (tmp_path / "tree").mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "tree.tar", "-C", tmp_path / "tree"], check=True)
    own, tree = report(run, f"docker:{NAME}", **environment(docker)), report(run, f"dir:{tmp_path}/tree")
    for fact in ("cpu.architecture", "cpu.level", "libc.family", "os.id"):
        assert tree["facts"][fact]["value"] == own["facts"][fact]["value"]


def test_without_a_prefix_a_daemon_that_has_the_image_comes_before_the_registry(
    docker: Daemon, podman: Daemon, context: Path, run: Shell
) -> None:
    docker.run("build", "--quiet", "--tag", "only/docker:v1", ".", directory=context)
    told = environment(docker, podman)
    ended = run.run("infer", "only/docker:v1", "-o", "json", **told)
    assert ended.code == 0, ended.err
    assert ended.value["image"]["source"] == "docker"
    assert "reading only/docker:v1 as docker:only/docker:v1" in ended.err
    with registry("fallback") as address:
        nowhere = run.run("infer", f"{address}/only/docker:v1", "-o", "json", **told)
    assert nowhere.code == 3
    assert "no daemon here that has it" in nowhere.err


def test_an_explicit_prefix_never_falls_through(docker: Daemon, podman: Daemon, context: Path, run: Shell) -> None:
    docker.run("build", "--quiet", "--tag", "only/docker:v1", ".", directory=context)
    ended = run.run("infer", "podman:only/docker:v1", **environment(docker, podman))
    assert ended.code == 3
    assert "podman has no image only/docker:v1" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["docker:team/ap:v1"], 3, "the nearest it has: .*team/app:v1"),
        (["docker:" + NAME, "--platform", "linux/arm64"], 3, "docker has it for linux/amd64"),
        (["docker:" + NAME, "--platform", "nonsense"], 2, "is not a platform"),
        (["docker:Team/App:v1"], 2, "must be lowercase|invalid reference format"),
        (["docker:../../version"], 2, "is no name of an image"),
        (["docker:a b"], 2, "is no name of an image"),
        (["podman:" + NAME + "x"], 1, "No Podman daemon answers at unix:///nonexistent/socket"),
    ],
)
def test_what_goes_wrong_is_told_with_a_remedy(
    arguments: list[str], code: int, told: str, built: Daemon, run: Shell
) -> None:
    ended = run.run("infer", *arguments, **environment(built))
    assert ended.code == code, ended.err
    assert "\ntry: " in ended.err
    assert re.search(told, ended.err)


def test_a_socket_that_may_not_be_read_says_so(docker: Daemon) -> None:
    """As another user, with everything loaded that is needed: that user may not read this tree."""
    code = (
        "import os, docker, requests, urllib3\n"
        "from compatbuild.sources.daemon import connect, DaemonError\n"
        "from compatbuild.sources.endpoints import docker_endpoint\n"
        "endpoint = docker_endpoint(); os.setegid(65534); os.seteuid(65534)\n"
        "try:\n  connect(endpoint).__enter__()\n"
        "except DaemonError as error: print(error)\n"
    )
    told = environment(docker) | {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    done = subprocess.run([sys.executable, "-c", code], env=told, capture_output=True, text=True, check=True)
    assert "Permission denied (DOCKER_HOST names it)" in done.stdout, done.stderr
    assert "join the group docker" in done.stdout


def test_a_context_leads_to_its_daemon(docker: Daemon, context: Path, run: Shell, tmp_path: Path) -> None:
    docker.run("build", "--quiet", "--tag", NAME, ".", directory=context)
    config: dict[str, Any] = {"DOCKER_CONFIG": str(tmp_path / "docker")}
    for arguments in (["create", "mine", "--docker", f"host=unix://{docker.socket}"], ["use", "mine"]):
        subprocess.run(
            [require("docker"), "context", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **config},
            capture_output=True,
            check=True,
        )
    assert report(run, f"docker:{NAME}", **config)["image"]["source"] == "docker"
    ended = run.run("infer", f"docker:{NAME}", **config, DOCKER_CONTEXT="other")
    assert ended.code == 1
    assert "context other of DOCKER_CONTEXT" in ended.err


def test_a_daemon_elsewhere_is_reached_over_tcp(docker: Daemon, context: Path, run: Shell) -> None:
    docker.run("build", "--quiet", "--tag", NAME, ".", directory=context)
    with forwarded(docker.socket) as address:
        one = report(run, f"docker:{NAME}", DOCKER_HOST=f"tcp://{address}")
    assert found(one) == found(report(run, f"docker:{NAME}", **environment(docker)))


def test_a_daemon_elsewhere_is_reached_over_ssh(docker: Daemon, context: Path, run: Shell, tmp_path: Path) -> None:
    """The program ``ssh`` stands for a machine that is this one: it runs the command that it is given."""
    docker.run("build", "--quiet", "--tag", NAME, ".", directory=context)
    (tmp_path / "bin").mkdir()
    script = (
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nwhile [ "$1" != -- ]; do shift; done\nshift 2\nexec sh -c "$*"\n'
    )
    (tmp_path / "bin/ssh").write_text(script)
    (tmp_path / "bin/ssh").chmod(0o755)
    told: dict[str, Any] = {
        "PATH": f"{tmp_path}/bin:{os.environ['PATH']}",
        "DOCKER_HOST": f"ssh://someone@host.example:2222{docker.socket}",
    }
    one = report(run, f"docker:{NAME}", **told)
    assert found(one) == found(report(run, f"docker:{NAME}", **environment(docker)))
    asked = (tmp_path / "asked").read_text().splitlines()[0]
    assert asked.startswith("-o BatchMode=yes -l someone -p 2222 -- host.example docker --host")
    (tmp_path / "bin/ssh").write_text("#!/bin/sh\necho no route to host >&2\nexit 255\n")
    ended = run.run("infer", f"docker:{NAME}", **told)
    assert ended.code == 1
    assert "no route to host" in ended.err


@pytest.mark.parametrize("kind", ["docker", "podman"])
def test_a_specification_is_published_for_what_a_daemon_pushed(
    kind: str, docker: Daemon, podman: Daemon, context: Path, run: Shell
) -> None:
    told, saved = environment(docker, podman), run.directory / "saved.tar"
    daemon, flags = (docker, []) if kind == "docker" else (podman, ["--tls-verify=false"])
    with registry("api") as address:
        name = f"{address}/team/{kind}:v1"
        docker.run("build", "--quiet", "--tag", name, ".", directory=context)
        if kind == "podman":
            docker.run("save", name, "--output", saved)
            podman.run("load", "--input", saved)
        before = run.run("publish", f"{kind}:{name}", **told)
        assert before.code == 3
        assert f"{kind} push" in before.err
        daemon.run("push", *flags, name)
        made = json.loads(run.ok("publish", f"{kind}:{name}", "-o", "json", **told))
        digest = run.peer("crane", "digest", name).strip()
        assert {row["subject"] for row in made["published"]} == {digest}
        assert json.loads(run.ok("publish", f"{kind}:{name}", "-o", "json", **told))["changed"] is False


@contextmanager
def forwarded(path: Path) -> Iterator[str]:
    """Listen on a port of loopback, and pass each connection on to a socket."""

    def passed(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), target:  # either end may hang up first
            while data := source.recv(1 << 16):
                target.sendall(data)

    def serve(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                daemon = socket.socket(socket.AF_UNIX)
                daemon.connect(str(path))
                for pair in ((client, daemon), (daemon, client)):
                    Thread(target=passed, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=serve, args=(server,), daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
