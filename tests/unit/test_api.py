"""The public functions: what they take, what they return, and what they do to an OCI layout."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import compatbuild
from compatbuild import api
from compatbuild.errors import (
    NotFoundError,
    NothingRequiredError,
    SpecError,
    TemplateError,
    UsageError,
    VerificationError,
)
from compatbuild.model.report import Skipped, parse_report
from compatbuild.registry.options import RegistryOptions
from compatbuild.report.documents import report_bytes
from compatbuild.signing import keyfiles
from compatbuild.signing.keys import PrivateKey
from tests.builders.images import oci_layout
from tests.builders.layers import file, layer
from tests.builders.programs import write_image, write_index

INVALID = b'version: "v1alpha1"\ncompatibilities:\n- rules:\n  - name: "r"\n'


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory with neither settings nor template nor git."""
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def image() -> str:
    write_image(Path("image"))
    return "oci-dir:image:v1"


@pytest.fixture
def index() -> str:
    write_index(Path("index"))
    return "oci-dir:index:v1"


@pytest.fixture(scope="module")
def author(tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    return key(tmp_path_factory.mktemp("author"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> PrivateKey:
    return key(tmp_path_factory.mktemp("stranger"))


def key(directory: Path) -> PrivateKey:
    pair = keyfiles.write_pair(directory / "k.key", directory / "k.pub", b"")
    return keyfiles.load_private_key(pair.private_path, b"")


@pytest.fixture
def spec(image: str) -> bytes:
    return api.refine(api.infer(image)).spec


def tree(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_the_public_surface_is_what_it_says() -> None:
    for name in compatbuild.__all__:
        assert getattr(compatbuild, name) is not None
        if name not in {"CompatError", "__version__"}:
            assert getattr(compatbuild, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = compatbuild.nothing


def test_every_public_function_is_documented() -> None:
    assert all(len(getattr(compatbuild, name).__doc__) > 40 for name in compatbuild.__all__ if name != "__version__")


def test_infer_returns_a_report(image: str) -> None:
    report = compatbuild.infer(image)
    assert report.image.source == "oci-dir"
    assert report.image.platform == "linux/amd64"
    assert report.facts["cuda.driver.min"].value == "525.60.13"
    assert report.facts["cpu.level"].value == "x86-64-v3"
    assert report.skipped == ()


def test_infer_tells_what_it_chose_and_how_far_it_is(image: str) -> None:
    said: list[str] = []
    read: list[tuple[int, int]] = []
    api.infer("./image", say=said.append, progress=lambda step: read.append((step.layer, step.count)))
    assert said == ["reading ./image as oci-dir:./image"]
    assert {layer for layer, _ in read} == {0}
    assert sum(count for _, count in read) > 0


def test_infer_of_a_platform(index: str) -> None:
    assert api.infer(index, platform="linux/arm64").facts["cpu.architecture"].value == "arm64"


def test_inferring_twice_gives_the_same_bytes(image: str) -> None:
    assert report_bytes(api.infer(image)) == report_bytes(api.infer(image))


def test_refine_uses_the_template_here_else_the_default(image: str) -> None:
    report = api.infer(image)
    assert api.refine(report).template == "default"
    own = "version: compatbuild/v1\ntag: mine\nrequirements:\n- {cpu: x86-64-v2}\n"
    Path("compat.yaml.j2").write_text(own)
    refined = api.refine(report)
    assert refined.template == "compat.yaml.j2"
    assert b'tag: "mine"' in refined.spec
    assert b'tag: "required"' in api.refine(report, template="default").spec


def test_refine_of_a_template_that_fails(image: str) -> None:
    Path("mine.j2").write_text("version: compatbuild/v1\nrequirements: [{cpu: {{ nothing }}}]\n")
    with pytest.raises(TemplateError) as caught:
        api.refine(api.infer(image), template=Path("mine.j2"))
    told = str(caught.value)
    assert "mine.j2" in told
    assert "line 2" in told
    assert "nothing" in told


def test_what_refine_returns_is_valid(spec: bytes) -> None:
    assert api.validate(spec) == ()


def test_what_was_not_looked_at_is_told_with_the_specification(image: str) -> None:
    report = api.infer(image).model_copy(update={"skipped": (Skipped(what="detector x", why="it broke"),)})
    assert api.refine(report).notes == ("the image may need more, for this was not looked at: detector x: it broke",)


def test_validate_takes_bytes_or_a_path(spec: bytes) -> None:
    Path("good.yaml").write_bytes(spec)
    Path("bad.yaml").write_bytes(INVALID)
    assert api.validate("good.yaml") == api.validate(Path("good.yaml")) == ()
    assert [issue.name for issue in api.validate("bad.yaml")] == ["bad.yaml"]
    assert [issue.name for issue in api.validate(INVALID)] == ["-"]
    assert [issue.name for issue in api.validate(INVALID, name="it")] == ["it"]
    with pytest.raises(NotFoundError):
        api.validate("none.yaml")


def test_attach_refuses_an_invalid_specification_and_writes_nothing(image: str) -> None:
    before = tree(Path("image"))
    with pytest.raises(SpecError, match="1 error"):
        api.attach(image, INVALID)
    assert tree(Path("image")) == before


def test_attach_pull_show_detach(image: str, spec: bytes) -> None:
    (done,) = api.attach(image, spec)
    assert done.state == "created"
    content, found = api.pull(image)
    assert (content, found.descriptor.digest) == (spec, done.descriptor.digest)
    (overview,) = api.show(image)
    assert [one.referrer.descriptor.digest for one in overview.attachments] == [done.descriptor.digest]
    assert api.attach(image, spec)[0].state == "unchanged"
    assert api.detach(image) == (done.descriptor.digest,)
    with pytest.raises(NotFoundError, match="nothing is attached"):
        api.show(image)
    with pytest.raises(NotFoundError):
        api.pull(image)


def test_what_is_attached_to_an_index(index: str, spec: bytes) -> None:
    assert len(api.attach(index, spec)) == 3  # the index and two platforms
    assert len(api.detach(index, platform="linux/arm64")) == 1
    assert len(api.detach(index)) == 2


def test_detaching_what_is_not_there_says_so(image: str, spec: bytes) -> None:
    with pytest.raises(NotFoundError, match="nothing to detach") as caught:
        api.detach(image)
    assert caught.value.why == "no specification or report is attached to it"
    api.attach(image, spec)
    with pytest.raises(NotFoundError) as caught:
        api.detach(image, digest="sha256:" + "0" * 64)
    assert caught.value.why == f"no artifact sha256:{'0' * 64} is attached to it"


def test_signing_needs_a_specification(image: str, author: PrivateKey) -> None:
    with pytest.raises(NotFoundError):
        api.sign(image, author)


def test_publish_does_it_all_and_the_second_time_nothing(image: str, author: PrivateKey) -> None:
    (published,) = api.publish(image, signer=author)
    assert published.changed
    assert published.report is not None
    assert published.signatures is not None
    before = tree(Path("image"))
    (again,) = api.publish(image, signer=author)
    assert not again.changed
    assert tree(Path("image")) == before
    (verified,) = api.verify(image, [author.public_key])
    assert verified.content == api.pull(image)[0]
    assert parse_report(api.pull(image, kind="report")[0], "it").facts["cuda.major"].value == 12


def test_publish_without_a_key_signs_nothing(image: str, author: PrivateKey) -> None:
    (published,) = api.publish(image)
    assert published.signatures is None
    with pytest.raises(VerificationError):
        api.verify(image, [author.public_key])


def test_an_image_that_needs_nothing_gets_nothing(author: PrivateKey) -> None:
    oci_layout(Path("data"), [layer(file("/data.csv", b"1,2"))])
    before = tree(Path("data"))
    assert api.publish("oci-dir:data:v1", signer=author) == ()
    assert tree(Path("data")) == before
    with pytest.raises(NothingRequiredError, match="needs nothing"):
        api.refine(api.infer("oci-dir:data:v1"))


def test_publish_an_index(index: str, author: PrivateKey) -> None:
    published = api.publish(index, signer=author)
    assert [str(one.subject.platform or "index") for one in published] == ["index", "linux/amd64", "linux/arm64"]
    assert [one.report is None for one in published] == [True, False, False]
    assert len(api.verify(index, [author.public_key])) == 3
    top, amd, arm = (api.pull(index, platform=name)[0] for name in (None, "linux/amd64", "linux/arm64"))
    assert b"AVX2" in amd
    assert b"AVX2" not in arm
    assert b"AVX2" not in top
    assert all(b"525.60.13" in one for one in (top, amd, arm))


def test_publish_attaches_nothing_when_one_platform_fails(index: str) -> None:
    Path("compat.yaml.j2").write_text(
        "version: compatbuild/v1\nrequirements:\n"
        "{% if facts['cpu.architecture'] == 'arm64' %}- {cpu: 7}{% else %}- {cpu: x86-64-v2}{% endif %}\n"
    )
    before = tree(Path("index"))
    with pytest.raises(TemplateError):
        api.publish(index)
    assert tree(Path("index")) == before


def test_somebody_else_s_specification_is_not_used(image: str, author: PrivateKey, stranger: PrivateKey) -> None:
    api.publish(image, signer=author)
    good = api.verify(image, [author.public_key])[0].content
    Path("compat.yaml.j2").write_text("version: compatbuild/v1\nrequirements:\n- {cpu: x86-64-v4}\n")
    api.publish(image, signer=stranger)
    (verified,) = api.verify(image, [author.public_key])
    assert verified.content == good
    assert verified.warnings
    with pytest.raises(VerificationError):
        api.verify(image, [author.public_key], strict=True)


def test_dates_come_from_the_environment_if_it_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767225600")
    assert api.creation_date() == "2026-01-01T00:00:00Z"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "99999999999")
    assert api.creation_date().startswith("5138-")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    assert api.creation_date() > "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("epoch", ["yesterday", "-1", "1.5", "²", "9" * 12])
def test_a_date_that_is_none_is_refused(epoch: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", epoch)
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        api.creation_date()


def test_artifacts_say_what_made_them_and_from_which_commit(elsewhere: Path) -> None:
    assert set(api.provenance()) == {"org.compatbuild.version", "org.compatbuild.knowledge"}
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    for command in (("init", "-q"), ("commit", "-q", "--allow-empty", "-m", "x"), ("tag", "v1")):
        subprocess.run([*git, *command], check=True, cwd=elsewhere, env={**os.environ, "HOME": str(elsewhere)})
    told = api.provenance()
    assert told["org.opencontainers.image.version"] == "v1"
    assert len(told["org.opencontainers.image.revision"]) == 40


def test_reading_a_file_is_bounded() -> None:
    Path("file").write_bytes(b"12345")
    assert api.read_file(Path("file"), 5) == b"12345"
    with pytest.raises(UsageError, match="too large"):
        api.read_file(Path("file"), 4)
    with pytest.raises(UsageError, match="cannot read"):
        api.read_file(Path())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff", b'{"schema": "other"}', b"[" * 100_000])
def test_what_is_no_report_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="it is not a report of compatbuild"):
        parse_report(data, "it")


HEAVY = {
    "cryptography",
    "docker",
    "git",
    "jinja2",
    "jsonschema",
    "nacl",
    "oras",
    "pydantic",
    "re2",
    "requests",
    "rich",
    "sigstore",
    "typer",
    "yaml",
}


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, compatbuild; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    root = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=root, capture_output=True, text=True, check=True)
    assert HEAVY & set(done.stdout.split()) == set()


def test_a_path_is_no_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`infer image` reads a layout here, so whoever publishes it by that name does not mean Docker Hub's."""
    monkeypatch.chdir(tmp_path)
    write_image(Path("image"))
    Path("app").touch()
    with pytest.raises(UsageError) as layout:
        api.open_target("image", RegistryOptions())
    assert layout.value.remedy == "use oci-dir:image:TAG"
    with pytest.raises(UsageError) as file:
        api.open_target("app", RegistryOptions())
    assert file.value.remedy == "use registry:app if that is meant"
    assert str(api.open_target("registry:app", RegistryOptions()).reference).endswith("/app:latest")
