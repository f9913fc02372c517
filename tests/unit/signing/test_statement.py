import json
from typing import Any

import pytest

from compatbuild.errors import VerificationError
from compatbuild.signing import statement

DIGEST = "sha256:" + "ab" * 32


def document(**changes: Any) -> bytes:
    return json.dumps(json.loads(statement.build("registry.example/app", DIGEST)) | changes).encode()


def test_the_statement_names_repository_digest_and_purpose() -> None:
    assert json.loads(statement.build("registry.example/app", DIGEST)) == {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "registry.example/app", "digest": {"sha256": "ab" * 32}}],
        "predicateType": "https://sigstore.dev/cosign/sign/v1",
        "predicate": {},
    }


def test_what_is_built_is_read_back() -> None:
    assert statement.parse(statement.build("app", DIGEST)) == statement.Statement(statement.SIGN, frozenset({DIGEST}))


def test_the_older_statement_type_is_read() -> None:
    assert statement.parse(document(_type="https://in-toto.io/Statement/v0.1")).digests == {DIGEST}


def test_every_digest_of_every_subject_counts() -> None:
    subjects = [{"digest": {"sha256": "aa", "sha512": "bb"}}, {"digest": {"sha256": "cc"}, "annotations": {}}]
    assert statement.parse(document(subject=subjects)).digests == {"sha256:aa", "sha512:bb", "sha256:cc"}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"_type": "https://in-toto.io/Statement/v2"}, "_type"),
        ({"subject": []}, "subject"),
        ({"subject": [{"digest": {"sha256": "aa"}}] * (statement.MAX_SUBJECTS + 1)}, "subject"),
        ({"subject": [{"name": "app"}]}, "subject.0.digest"),
        ({"subject": [{"digest": {"sha256": 7}}]}, "subject.0.digest.sha256"),
        ({"subject": {}}, "subject"),
        ({"predicateType": None}, "predicateType"),
    ],
)
def test_a_doubtful_statement_is_refused(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(VerificationError, match="not an in-toto statement") as caught:
        statement.parse(document(**changes))
    assert caught.value.why.startswith(f"{place}: ")


def test_a_list_is_no_statement() -> None:
    with pytest.raises(VerificationError):
        statement.parse(b"[]")
