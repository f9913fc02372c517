"""Many processes that attach to one image at the same moment, and whether each told the truth about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from compatbuild.registry.attach import specs
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import Store, open_store
from tests.unit.registry.building import push_image

ROOT = Path(__file__).parents[2]
SPEC = 'version: "v1alpha1"\ncompatibilities:\n- rules:\n  - name: "writer-%d"\n'
WRITE = f"""
import json, os, sys, time
from compatbuild.errors import CompatError
from compatbuild.registry import client, repository
from compatbuild.registry.attach import attach
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.reference import parse_reference
from compatbuild.registry.store import open_store

reference, media_type, digest, size, writers, durable = sys.argv[1:]
reference, options = parse_reference(reference), RegistryOptions(durable=durable == "True")
image = Descriptor(media_type, digest, int(size))
waiting, begin = os.pipe()
children = {{}}
for number in range(int(writers)):
    child = os.fork()
    if child == 0:
        os.close(begin)
        os.read(waiting, 1)  # until the last one is there
        spec = {SPEC!r} % number
        try:
            attach(open_store(reference, options), image, spec.encode(), {{}}, "2026-11-23T10:00:00Z", derived=True)
        except CompatError as error:
            os._exit(error.exit_code)
        os._exit(0)
    children[child] = number
os.close(begin)
began, codes = time.monotonic(), {{}}
while children:
    child, status = os.wait()
    codes[children.pop(child)] = os.waitstatus_to_exitcode(status)
print(json.dumps([codes, time.monotonic() - began]))
"""
"""A program that has imported everything before it becomes so many: each is a process that attaches once."""


@dataclass(frozen=True)
class Round:
    """The writers that said that they attached, those whose specification readers find, and seconds in all."""

    succeeded: set[int]
    listed: set[int]
    seconds: float

    @property
    def lost(self) -> set[int]:
        """Those that succeeded and are not listed."""
        return self.succeeded - self.listed

    @property
    def untrue(self) -> set[int]:
        """Those that failed and are listed all the same."""
        return self.listed - self.succeeded


def at_once(address: str, passing: str, writers: int, *, durable: bool = False, name: str = "team/app") -> Round:
    """Push an image, let writers attach to it by way of ``passing``, and look at what readers find."""
    image = push_image(open_store(parse_reference(f"{address}/{name}:v1")), "v1")
    codes, seconds = attach_at_once(f"{passing}/{name}:v1", image, writers, durable=durable)
    found = listed(open_store(parse_reference(f"{address}/{name}:v1")), image)
    texts = {SPEC % number: number for number in range(writers)}
    return Round({number for number, code in codes.items() if code == 0}, {texts[text] for text in found}, seconds)


def attach_at_once(
    reference: str, image: Descriptor, writers: int, *, durable: bool = False
) -> tuple[dict[int, int], float]:
    """Attach as many specifications as there are writers, a process each; return their exit codes, and the seconds."""
    named = [reference, image.media_type, image.digest, str(image.size), str(writers), str(durable)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", WRITE, *named]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    codes, seconds = json.loads(done.stdout)
    return {int(number): code for number, code in codes.items()}, seconds


def listed(store: Store, image: Descriptor) -> set[str]:
    """Give the texts of the specifications that readers find."""
    found = [one for one in specs(store, image) if not one.rejected]
    return {store.blob(one.layer, 1000).decode() for one in found if one.layer is not None}
