"""NFD's source and the schemas of its custom resources, of the very release that the peer ``nfdmatch`` is built of.

They are in NFD's module, which Go fetches and compares with ``go.sum``.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.peers import cache as peers
from tests.peers import require
from tests.peers.build import ENVIRONMENT

MODULE = "sigs.k8s.io/node-feature-discovery"
FILE = "deployment/base/nfd-crds/nfd-api-crds.yaml"
NAME = {"type": "string", "pattern": "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", "maxLength": 63}
"""What we write of ``metadata``, of which the schema of a resource says nothing."""


@cache
def module() -> Path:
    """Give the directory of NFD's source."""
    command = [str(require("go")), "mod", "download", "-json", MODULE]
    environment = {**os.environ, **ENVIRONMENT}
    done = subprocess.run(command, cwd=peers.module("nfdmatch"), env=environment, capture_output=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


@cache
def strict_schemas() -> dict[str, dict[str, Any]]:
    """Give the OpenAPI schema of v1alpha1 by kind, as JSON schema in which a field that is not named is an error."""
    text = (module() / FILE).read_text()
    found = {}
    for resource in yaml.safe_load_all(text):
        spec = resource["spec"]
        (version,) = [one for one in spec["versions"] if one["name"] == "v1alpha1"]
        schema = _strict(version["schema"]["openAPIV3Schema"])
        names = {"name": NAME} | ({"namespace": NAME} if spec["scope"] == "Namespaced" else {})
        metadata = _strict({"type": "object", "properties": names, "required": ["name"]})
        api = {"const": f"{spec['group']}/v1alpha1"}
        given = {"apiVersion": api, "kind": {"const": spec["names"]["kind"]}, "metadata": metadata}
        schema["properties"] |= given
        found[spec["names"]["kind"]] = {**schema, "required": ["apiVersion", "kind", "metadata", "spec"]}
    return found


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    told = {name: _strict(one) for name, one in schema.items()}
    if isinstance(told.get("properties"), dict) and "additionalProperties" not in told and told.get("type") == "object":
        told["additionalProperties"] = False
    return told
