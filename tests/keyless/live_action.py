"""The action in a job with an identity signs without a key, and a deployment verifies whose workflow that was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders.programs import write_image
from tests.integration.act import checkout, copy_action
from tests.integration.shell import push, registry, shell
from tests.keyless.live import cosign, services
from tests.keyless.stack import IDENTITY, Stack

__all__ = ["cosign", "services"]  # the fixtures
pytestmark = pytest.mark.peer


def test_a_job_with_an_identity_signs_and_a_deployment_verifies_it(services: Stack, tmp_path: Path) -> None:
    author = shell(tmp_path)
    repository = checkout(tmp_path / "act", copy_action(tmp_path / "action"))
    root = {
        "COMPATBUILD_SIGNING_CONFIG": str(services.signing_config),
        "COMPATBUILD_TRUSTED_ROOT": str(services.trusted_root),
    }
    with registry("fallback") as address:
        name = push(author, write_image(tmp_path / "image"), address, "team/app")
        done = repository.run(
            f"""
- id: compat
  uses: USES
  with: {{image: "{name}", push-to-registry: true, python: PYTHON}}
- id: deploy
  uses: USES
  with:
    image: {name}
    verify-identity: {IDENTITY}
    verify-issuer: {services.issuer}/github
    python: PYTHON
- id: stranger
  continue-on-error: true
  uses: USES
  with: {{image: "{name}", verify-identity: someone@example.org, verify-issuer: "{services.issuer}/github", python: PYTHON}}
""",
            environ=services.github() | root,
        )
    assert done.code == 0, done.raw[-4000:]
    assert ", signed (keyless)." in done.steps["compat"].summary
    assert done.steps["deploy"].outputs["artifact-digest"] == done.steps["compat"].outputs["artifact-digest"]
    assert done.steps["stranger"].outputs["exit-code"] == "13"
    assert services.standin.bearer not in done.steps["compat"].log
