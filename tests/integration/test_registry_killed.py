"""Who is killed (SIGKILL) at any request leaves nothing half done that a second run does not complete.

Each time a process attaches and signs, and dies when one of its requests arrives at the registry, or when the
registry has done it and its answer is on the way. The registry is ours, in memory: a real one cannot be told to wait.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from compatbuild import api
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store
from compatbuild.signing.keyfiles import KeyPair, write_pair
from tests.builders.images import image_config, manifest
from tests.builders.layers import sha256
from tests.builders.programs import RUNTIME, cuda_program
from tests.unit.registry.faults import FaultRegistry, fault_registry

ROOT = Path(__file__).parents[2]
CHANGES = ("PUT", "POST", "PATCH", "DELETE")
LIST = re.compile("sha256-[0-9a-f]{64}")
"""The tag of a list of referrers (distribution-spec, referrers tag schema)."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SPEC = b"""\
version: v1alpha1
compatibilities:
- rules:
  - name: required
    matchFeatures:
    - feature: kernel.loadedmodule
      matchExpressions: {ext4: {op: Exists}}
"""
PUBLISH = f"""
import os, sys
from compatbuild import api
from compatbuild.registry.options import RegistryOptions
from compatbuild.signing.keyfiles import private_key
import compatbuild.registry.repository, compatbuild.signing.sign, compatbuild.validation.validate

api.validate({SPEC!r})
signer = private_key(open(sys.argv[1], "rb").read(), b"")
while line := sys.stdin.readline():
    reference, durable = line.split()
    waiting, begin = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(waiting, 1)
        try:
            options = RegistryOptions(plain_http=True, durable=durable == "True")
            api.attach(reference, {SPEC!r}, options=options)
            api.sign(reference, signer, options=options)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    print(child, flush=True)
    sys.stdin.readline()
    os.write(begin, b".")
    os.close(begin), os.close(waiting)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""A program that has imported everything, and becomes a process of its own for each line that it is told."""


class Publisher:
    """Attaches and signs in a process of its own; ``pid`` is that of the one at work."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.pid = 0

    def publish(self, reference: str, *, durable: bool) -> int:
        """Return the exit code, negative for a signal."""
        self._say(f"{reference} {durable}")
        self.pid = int(self._heard())
        self._say("go")
        return int(self._heard())

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    def _say(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _heard(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> KeyPair:
    directory = tmp_path_factory.mktemp("killed")
    return write_pair(directory / "key", directory / "pub", b"")


@pytest.fixture(scope="module")
def publisher(pair: KeyPair) -> Iterator[Publisher]:
    directory = pair.private_path.parent
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "1767225600"}
    command = [sys.executable, "-c", PUBLISH, str(pair.private_path)]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": environment}
    with subprocess.Popen(command, cwd=directory, **pipes) as process:
        yield Publisher(process)
        assert process.stdin
        process.stdin.close()


@contextmanager
def serving(*, listing: bool) -> Iterator[FaultRegistry]:
    """Run a registry that holds an image, with the referrers API (``listing``) or without."""
    with fault_registry(api=listing) as registry:
        program = cuda_program()
        config = image_config([program], RUNTIME)
        document = manifest([program], config)
        registry.blobs |= {sha256(one): one for one in (program.blob, config)}
        registry.manifests |= dict.fromkeys(("v1", sha256(document)), (document, MANIFEST))
        yield registry


def missing(registry: FaultRegistry) -> list[str]:
    """Return the digests that some manifest or index names and the registry does not hold."""
    absent = []
    for raw, _ in registry.manifests.values():
        document = json.loads(raw)
        absent += [one["digest"] for one in document.get("manifests", []) if one["digest"] not in registry.manifests]
        named = [document["config"], *document["layers"]] if "layers" in document else []
        absent += [one["digest"] for one in named if one["digest"] not in registry.blobs]
    return absent


def attached(registry: FaultRegistry) -> int:
    """Return how many artifacts readers find; one that was pushed and not listed is waste for the registry to collect."""
    documents = {name: json.loads(raw) for name, (raw, _) in registry.manifests.items()}
    if registry.api:
        return sum("subject" in document for name, document in documents.items() if ":" in name)
    return sum(len(document.get("manifests", [])) for name, document in documents.items() if LIST.fullmatch(name))


def _nobody(_: int) -> None:
    """Kill nobody."""


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("listing", [False, True])
def test_whoever_is_killed_at_a_request_is_completed_by_a_second_run(
    *, listing: bool, durable: bool, publisher: Publisher, pair: KeyPair
) -> None:
    """To die as a change is asked for leaves what dying at any request since the last change leaves, or just after it."""
    options = RegistryOptions(plain_http=True, durable=durable)
    with serving(listing=listing) as registry:
        assert publisher.publish(f"{registry.address}/team/app:v1", durable=durable) == 0
        changes = [number for number, one in enumerate(registry.seen, 1) if one.method in CHANGES]
        complete = attached(registry)
    assert complete == 3  # the specification, and signatures of it and of the image
    for last in changes:
        with serving(listing=listing) as registry:
            reference = f"{registry.address}/team/app:v1"
            registry.before = _killing(publisher, last)
            assert publisher.publish(reference, durable=durable) == -signal.SIGKILL
            registry.before = _nobody
            assert missing(registry) == [], f"after request {last}"
            assert publisher.publish(reference, durable=durable) == 0, f"after request {last}"
            assert missing(registry) == []
            # A signature that was anchored and not listed comes back beside the one that was made because it was not.
            assert complete <= attached(registry) <= complete + durable, f"after request {last}"
            assert api.verify(reference, [pair.public_key], options=options)


def _killing(publisher: Publisher, last: int) -> Callable[[int], None]:
    def kill(number: int) -> None:
        if number == last:
            publisher.kill()

    return kill


def test_the_registry_would_notice_what_is_missing() -> None:
    with serving(listing=False) as registry:
        registry.blobs.clear()
        assert missing(registry)
        store = open_store(parse_reference(f"{registry.address}/team/app:v1"), RegistryOptions(plain_http=True))
        assert store.resolve("v1").descriptor.digest in registry.manifests
