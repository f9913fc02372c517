"""A keyless signature made by real services (``make keyless`` recorded it), verified without any."""

import contextlib
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compatbuild.errors import NotFoundError, SigningError, UsageError, VerificationError
from compatbuild.registry.descriptor import Descriptor
from compatbuild.registry.layout import LayoutStore
from compatbuild.signing import bundle, keyless
from compatbuild.signing.certified import TOKEN_VARIABLE, open_signer
from compatbuild.signing.identity import Identity
from compatbuild.signing.keys import PrivateKey
from compatbuild.signing.sign import sign
from compatbuild.signing.signatures import find
from compatbuild.signing.verify import verify
from tests.builders.signing import CREATED, attach_spec, hang_bundle, push_image

# The country in the certificate of Fulcio's own test authority is "USA", which has a letter too many.
pytestmark = pytest.mark.filterwarnings("ignore:Attribute's length must be:UserWarning")
RECORDED = Path(__file__).parent / "recorded" / "keyless"
ABOUT = json.loads((RECORDED / "about.json").read_text())
ROOT = RECORDED / "trusted-root.json"
RAW = (RECORDED / "bundle.json").read_bytes()
OURS = Identity(ABOUT["identity"], ABOUT["issuer"], trusted_root=ROOT)


@pytest.fixture
def image(store: LayoutStore) -> Descriptor:
    """The very image that was signed."""
    pushed = push_image(store, "v1")
    assert pushed.digest == ABOUT["image"]
    return pushed


def test_the_recorded_signature_holds_and_names_its_author(store: LayoutStore, image: Descriptor) -> None:
    hang_bundle(store, image, RAW)
    (found,) = find(store, image, [OURS])
    assert (found.counts, found.reason, found.by) == (True, "", OURS)
    assert found.certificate == keyless.Certificate(ABOUT["identity"], ABOUT["issuer"])
    assert found.logged
    assert found.time is not None
    assert datetime(2026, 1, 1, tzinfo=UTC) < found.time


@pytest.mark.parametrize(
    "other",
    [
        Identity(f"{ABOUT['identity']}s", ABOUT["issuer"], trusted_root=ROOT),
        Identity(ABOUT["identity"], f"{ABOUT['issuer']}s", trusted_root=ROOT),
        Identity(identity_regexp="^https://gitlab", issuer=ABOUT["issuer"], trusted_root=ROOT),
        Identity(ABOUT["identity"], issuer_regexp="google", trusted_root=ROOT),
    ],
)
def test_another_identity_or_issuer_does_not(store: LayoutStore, image: Descriptor, other: Identity) -> None:
    hang_bundle(store, image, RAW)
    (found,) = find(store, image, [other])
    assert not found.counts
    assert "made by none of the given identities" in found.reason


def test_a_pattern_that_fits_does(store: LayoutStore, image: Descriptor) -> None:
    hang_bundle(store, image, RAW)
    fits = Identity(identity_regexp="^https://github[.]com/example/", issuer_regexp="github$", trusted_root=ROOT)
    assert find(store, image, [fits])[0].counts


def test_a_certificate_is_nothing_to_who_trusts_keys_only(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    hang_bundle(store, image, RAW)
    assert find(store, image, [key.public_key])[0].reason == "made with a certificate, and no identity was given"


def test_a_key_s_bundle_is_nothing_to_who_trusts_identities_only(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    sign(store, image, key, CREATED)
    assert find(store, image, [OURS])[0].reason == "made by none of the given keys"


def test_on_another_image_it_does_not_count(store: LayoutStore) -> None:
    other = push_image(store, "v2", mark="other")
    hang_bundle(store, other, RAW)
    assert find(store, other, [OURS])[0].reason == f"it is about '{ABOUT['image']}'"


def test_an_image_by_an_identity_and_a_specification_by_a_key(
    store: LayoutStore, image: Descriptor, key: PrivateKey
) -> None:
    hang_bundle(store, image, RAW)
    sign(store, attach_spec(store, image), key, CREATED)
    found = verify(store, image, [OURS, key.public_key], now=datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert found.notes == ()
    with pytest.raises(VerificationError):
        verify(store, image, [key.public_key], now=datetime(2026, 11, 23, 12, tzinfo=UTC))


Change = Callable[[dict[str, Any]], None]


def _signature(document: dict[str, Any]) -> None:
    document["dsseEnvelope"]["signatures"][0]["sig"] = (
        "MEUCIQ" + document["dsseEnvelope"]["signatures"][0]["sig"][6:-8] + "AAAAAAA="
    )


def _payload(document: dict[str, Any]) -> None:
    document["dsseEnvelope"]["payload"] = "e30="


def _no_log(document: dict[str, Any]) -> None:
    document["verificationMaterial"]["tlogEntries"] = []


def _no_time(document: dict[str, Any]) -> None:
    document["verificationMaterial"]["timestampVerificationData"] = {}


def _proof(document: dict[str, Any]) -> None:
    document["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["rootHash"] = "AAAA"


def _certificate(document: dict[str, Any]) -> None:
    document["verificationMaterial"]["certificate"]["rawBytes"] = "AAAA"


@pytest.mark.parametrize("change", [_signature, _payload, _no_log, _no_time, _proof, _certificate])
def test_whatever_is_altered_it_no_longer_holds(store: LayoutStore, image: Descriptor, change: Change) -> None:
    document = json.loads(RAW)
    change(document)
    hang_bundle(store, image, json.dumps(document).encode())
    (found,) = find(store, image, [OURS])
    assert not found.counts
    assert found.reason


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in _places(one, (*path, key)))]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(_places(json.loads(RAW))[1:]), ANYTHING)
def test_whatever_stands_where_it_is_a_verdict_and_no_crash(place: tuple[Any, ...], value: Any) -> None:
    document = json.loads(RAW)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    with contextlib.suppress(VerificationError):
        keyless.verify(bundle.parse(json.dumps(document).encode()), [OURS])


def test_the_public_roots_do_not_vouch_for_it(
    store: LayoutStore, image: Descriptor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    hang_bundle(store, image, RAW)
    (found,) = find(store, image, [Identity(ABOUT["identity"], ABOUT["issuer"])])
    assert not found.counts


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"timestampAuthorities": 1}', '{"timestampAuthorities": [1]}', '{"mediaType": 1}', "{" * 9999],
)
def test_a_trusted_root_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "root.json").write_text(text)
    with pytest.raises(UsageError, match="is no trusted root"):
        keyless.trusted_root(tmp_path / "root.json")


def test_a_trusted_root_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        keyless.trusted_root(tmp_path / "root.json")


def test_the_part_that_verifies_certificates_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sigstore.verify", None)
    with pytest.raises(SigningError, match="not installed") as caught:
        keyless.verify(bundle.parse(RAW), [OURS])
    assert caught.value.remedy == "pip install 'compatbuild[keyless]'"


CI = ("GITHUB_ACTIONS", "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "GITLAB_CI", "BUILDKITE")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in (*CI, "CIRCLECI", TOKEN_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_fork_without_a_token_is_told_so(nowhere: pytest.MonkeyPatch) -> None:
    nowhere.setenv("GITHUB_ACTIONS", "true")
    with pytest.raises(SigningError, match="no identity to sign with") as caught:
        open_signer()
    assert "pull requests from forks" in caught.value.why
    assert "id-token: write" in caught.value.why
    assert "publish without --sign" in caught.value.remedy


def test_a_machine_without_an_identity_is_told_so(nowhere: pytest.MonkeyPatch) -> None:
    with pytest.raises(SigningError, match="no identity to sign with") as caught:
        open_signer()
    assert TOKEN_VARIABLE in caught.value.why


def test_a_token_that_is_none_is_not_printed(nowhere: pytest.MonkeyPatch) -> None:
    nowhere.setenv(TOKEN_VARIABLE, "hunter2")
    config = RECORDED / "about.json"
    with pytest.raises(UsageError, match="no signing configuration"):
        open_signer(config, ROOT)
    with pytest.raises(UsageError, match="belong together"):
        open_signer(config)
