"""What we say NFD's own client would take is what it takes."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from compatbuild.registry import referrers
from compatbuild.registry.artifact import CREATED, EMPTY_CONFIG, SPEC
from compatbuild.registry.descriptor import OCI_MANIFEST, Descriptor, canonical_json
from compatbuild.registry.store import Store
from compatbuild.signing.nfdchoice import nfd_choice
from tests.builders.signing import push_image
from tests.builders.stores import REGISTRIES, Place, place
from tests.peers import peer

pytestmark = pytest.mark.peer


@pytest.fixture(autouse=True)
def nobody_else_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(referrers, "SETTLE_PAUSE", (0.001, 0.002))


@pytest.fixture(scope="module", params=REGISTRIES)
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(request.param, tmp_path_factory.mktemp("registry")) as running:
        yield running


def attach(store: Store, image: Descriptor, name: str, created: str | None) -> str:
    """Attach a specification whose rule has a name, with any date or none; give the digest."""
    term = {"feature": "kernel.version", "matchExpressions": {"full": {"op": "Exists"}}}
    spec = {"version": "v1alpha1", "compatibilities": [{"rules": [{"name": name, "matchFeatures": [term]}]}]}
    store.push_blob(b"{}", EMPTY_CONFIG.media_type)
    document = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "artifactType": SPEC.artifact_type,
        "config": EMPTY_CONFIG.as_json(),
        "layers": [store.push_blob(json.dumps(spec).encode(), SPEC.layer_media_type).as_json()],
        "subject": image.bare().as_json(),
        "annotations": {} if created is None else {CREATED: created},
    }
    raw = canonical_json(document)
    pushed = store.push_manifest(raw, OCI_MANIFEST)
    annotations = {} if created is None else {CREATED: created}
    listed = Descriptor(
        OCI_MANIFEST, pushed.digest, len(raw), artifact_type=SPEC.artifact_type, annotations=annotations
    )
    store.add_referrer(listed, image.digest)
    return pushed.digest


@pytest.mark.parametrize(
    "dates",
    [
        ["2026-11-23T10:00:00Z", "2090-01-01T00:00:00Z", "2026-11-24T10:00:00Z"],
        ["2026-11-23T10:00:00Z", "2026-11-23T09:00:00-05:00"],
        [None, "1999-01-01T00:00:00Z", "tomorrow"],
        ["20900101T000000Z", "2090-W01-1T00:00:00Z", "2026-11-23T10:00:00Z", "2090-01-01 00:00:00Z"],
        ["2026-11-23T10:00:00.5Z", "2026-11-23T10:00:00Z"],
        [None, None, None],
    ],
    ids=["future", "zones", "undated", "other forms", "fractions", "ties"],
)
def test_the_same_artifact(
    registry: Place, dates: list[str | None], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    name = "".join(filter(str.isalnum, request.node.callspec.id)).lower()
    store = registry.store(name)
    image = push_image(store, "v1")
    digests = {str(number): attach(store, image, str(number), created) for number, created in enumerate(dates)}
    flags = ("--plain-http", "--output-json", "--image", f"{registry.address}/{name}:v1")
    done = subprocess.run(
        [peer("nfd"), "compat", "validate-node", *flags], env={"HOME": str(tmp_path)}, capture_output=True, check=True
    )
    (verdict,) = json.loads(done.stdout)
    assert nfd_choice(store.referrers(image.digest)) == digests[verdict["rules"][0]["name"]]
