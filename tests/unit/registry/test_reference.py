from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.errors import UsageError
from compatbuild.registry.reference import LayoutReference, Reference, parse_reference

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ubuntu", Reference("docker.io", "library/ubuntu", "latest")),
        ("ubuntu:24.04", Reference("docker.io", "library/ubuntu", "24.04")),
        ("my/app:1.2", Reference("docker.io", "my/app", "1.2")),
        ("docker.io/ubuntu", Reference("docker.io", "library/ubuntu", "latest")),
        ("index.docker.io/my/app", Reference("docker.io", "my/app", "latest")),
        ("localhost/x", Reference("localhost", "x", "latest")),
        ("localhost:5000/x:y", Reference("localhost:5000", "x", "y")),
        ("ghcr.io/a/b/c@" + DIGEST, Reference("ghcr.io", "a/b/c", "", DIGEST)),
        ("ghcr.io/a/b:t@" + DIGEST, Reference("ghcr.io", "a/b", "t", DIGEST)),
        ("[::1]:5000/x", Reference("[::1]:5000", "x", "latest")),
        ("REG/x", Reference("REG", "x", "latest")),
        ("docker://alpine", Reference("docker.io", "library/alpine", "latest")),
        ("registry:ghcr.io/a/b", Reference("ghcr.io", "a/b", "latest")),
        ("registry://ghcr.io/a/b", Reference("ghcr.io", "a/b", "latest")),
        ("registry:5000/app:1", Reference("registry:5000", "app", "1")),
        ("a__b/c-d.e", Reference("docker.io", "a__b/c-d.e", "latest")),
        ("oci-dir:out", LayoutReference(Path("out"))),
        ("oci-dir:/tmp/out:v1", LayoutReference(Path("/tmp/out"), "v1")),
        ("oci-layout:out:v1@" + DIGEST, LayoutReference(Path("out"), "v1", DIGEST)),
        ("oci-dir:a:b/out", LayoutReference(Path("a:b/out"))),
        ("oci-dir:me@home/out", LayoutReference(Path("me@home/out"))),
        ("oci-dir:out@home", LayoutReference(Path("out@home"))),
    ],
)
def test_what_docker_would_understand(text: str, expected: object) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", ":", "/", "@", "a//b", "A/b/", "Ubuntu", "my/App", "a:b:c/d", "host:port/x", "x:", "x:-tag", "x:" + "t" * 129,
        "x@sha256:" + "AB" * 32, "x@sha256:ab", "x@md5:" + "a" * 32, "x@sha256:../../etc", "x y", "x\n", "http://h.io/x",
        "-h.io/x", "h..io/x", "a/" * 128 + "b", "x" * 5000, "oci-dir:", "oci-dir::tag", "oci-dir:a\0b", "../x", "docker:a/b",
        "user:pass@h.io/x", "oci-dir:out@sha256:ab",
    ],
)  # fmt: skip
def test_what_nobody_should_understand(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert caught.value.why
    assert caught.value.remedy


def test_a_reference_prints_as_it_is_parsed() -> None:
    reference = Reference("ghcr.io", "a/b", "t", DIGEST)
    assert parse_reference(str(reference)) == reference
    assert reference.name == "ghcr.io/a/b"
    assert reference.selector == DIGEST
    assert str(reference.with_digest(DIGEST)) == "ghcr.io/a/b@" + DIGEST
    layout = LayoutReference(Path("out"), "v1")
    assert str(layout) == "oci-dir:out:v1"
    assert str(layout.with_digest(DIGEST)) == "oci-dir:out@" + DIGEST


@given(st.text(max_size=300))
def test_any_text_is_parsed_or_refused_with_words(text: str) -> None:
    try:
        reference = parse_reference(text)
    except UsageError:
        return
    if isinstance(reference, Reference):
        assert parse_reference(str(reference)) == reference
        # What ends up in a URL is one path below one host.
        assert not set(reference.registry + reference.repository + reference.tag) & set("?#%@\\ \t\n")
        assert ".." not in reference.repository.split("/")
