"""What pods, compose files and lists of references name, and what they are refused for."""

from __future__ import annotations

import io
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.errors import CompatError, FleetError, NotFoundError, UsageError
from compatbuild.fleet.sources import compose, pods, references
from compatbuild.fleet.sources.read import Filters, read
from compatbuild.fleet.sources.variables import UnresolvedError, substituted
from compatbuild.fleet.wanted import Use, Wanted, together
from compatbuild.registry.options import RegistryOptions
from compatbuild.registry.registries import Registries

DIGEST = "sha256:" + "a" * 64


def pod(owner: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": "web-1",
        "namespace": "shop",
        "labels": {"app": "web", "pod-template-hash": "5d9c"},
    }
    metadata |= {"ownerReferences": [owner | {"controller": True}]} if owner else {}
    spec = {"containers": [{"name": "main", "image": "registry.example/web:1", "env": [{"name": "A", "value": "b"}]}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": {}} | more


def of_pods(tmp_path: Path, *items: Any) -> list[Wanted]:
    file = tmp_path / "pods.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(items)}))
    return list(pods.read(str(file)))


@pytest.mark.parametrize(
    ("kind", "name", "workload"),
    [
        ("ReplicaSet", "web-5d9c", "Deployment/web"),
        ("ReplicaSet", "web-other", "ReplicaSet/web-other"),
        ("StatefulSet", "db", "StatefulSet/db"),
        ("Job", "backup-29310240", "CronJob/backup"),
        ("Job", "once", "Job/once"),
        ("Node", "1", "Pod/web"),
    ],
)
def test_who_owns_a_pod(tmp_path: Path, kind: str, name: str, workload: str) -> None:
    (one,) = of_pods(tmp_path, pod({"kind": kind, "name": name}))
    assert one.use == Use("shop", workload, (("app", "web"),))


def test_a_pod_on_its_own_and_a_single_document(tmp_path: Path) -> None:
    file = tmp_path / "pod.json"
    file.write_text(json.dumps(pod()))
    assert list(pods.read(str(file))) == [Wanted("registry.example/web:1", Use("shop", "Pod/web-1", (("app", "web"),)))]


def test_all_kinds_of_containers_and_what_was_pulled(tmp_path: Path) -> None:
    spec = {
        "containers": [{"name": "a", "image": "registry.example/web:1"}, {"name": "b", "image": "app"}],
        "initContainers": [{"name": "a", "image": "init:2"}],
        "ephemeralContainers": [{"name": "debug", "image": f"busybox@{DIGEST}"}],
    }
    status = {
        "containerStatuses": [
            {"name": "b", "imageID": f"docker.io/library/app@{DIGEST}"},
            {"name": "a", "imageID": f"mirror.example/web@{DIGEST}"},
        ],
        "initContainerStatuses": [{"name": "a", "imageID": "sha256:" + "b" * 64}],
    }
    found = of_pods(tmp_path, pod(spec=spec, status=status))
    assert [one.reference for one in found] == [
        f"mirror.example/web@{DIGEST}",
        f"docker.io/library/app:latest@{DIGEST}",
        "init:2",
        f"busybox@{DIGEST}",
    ]


def test_stdin_and_what_is_no_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"kind": "List", "items": [{"kind": "Service"}, pod(), 7, {"kind": "Pod", "spec": {"containers": 3}}]})  # fmt: skip
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert len(list(pods.read("-"))) == 1


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"items": 3}', "[" * 100_000, "1" * 10_000, '{"kind": "Node"}'])
def test_what_kubectl_did_not_print(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pods.json"
    file.write_text(text)
    with pytest.raises(FleetError, match=r"is not JSON|lists no pods"):
        list(pods.read(str(file)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                "kind items metadata labels ownerReferences controller name namespace spec status containers "
                "containerStatuses image imageID x".split()
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=40,
)


@given(st.lists(JSON, max_size=5))
def test_no_pod_is_a_traceback(tmp_path_factory: pytest.TempPathFactory, items: list[Any]) -> None:
    found = of_pods(tmp_path_factory.mktemp("pods"), *items)
    assert all(one.reference and one.use is not None for one in found)


COMPOSE = """\
name: shop
x-base: &base {restart: always, image: "${REPO:-registry.example}/web:${TAG-1}"}
services:
  web: {<<: *base, ports: ["80:80"]}
  db: {image: "postgres:${PG}"}
  built: {build: .}
"""


def test_a_compose_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(COMPOSE)
    for name in ("REPO", "TAG", "PG"):
        monkeypatch.delenv(name, raising=False)
    web, db = compose.read(file)
    assert web == Wanted("registry.example/web:1", Use("shop", "service/web"))
    assert (db.reference, db.problem) == ("postgres:${PG}", "the variable PG is not set, and has no default")
    (tmp_path / ".env").write_text("# versions\nexport PG='15'\nTAG=3 # three\n")
    monkeypatch.setenv("TAG", "2")
    assert [one.reference for one in compose.read(file)] == ["registry.example/web:2", "postgres:15"]


def test_a_project_is_called_as_its_directory(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {a: {image: x}}")
    (one,) = compose.read(tmp_path / "compose.yaml")
    assert one.use == Use(tmp_path.name, "service/a")


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
MERGES = "a: &a {x: 1}\n" + "".join(
    f"{name}: &{name} {{<<: [{','.join([f'*{before}'] * 10)}]}}\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "text", [BOMB, MERGES, "a: " + "[" * 60 + "]" * 60, "a: &a [*a]\nservices: {}\nb: " + "[" * 51]
)
def test_small_texts_that_stand_for_huge_documents(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(FleetError, match=r"is refused|is not valid YAML"):
        list(compose.read(tmp_path / "c.yaml"))


@pytest.mark.parametrize("text", ["", "- a", "services: 3", "a: [", "!!python/object:os.system {}", "{[1]: 2}", "\x00"])
def test_what_is_no_compose_file(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(FleetError):
        list(compose.read(tmp_path / "c.yaml"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", "a"),
        ("$A", "1"),
        ("${A}b", "1b"),
        ("$$A", "$A"),
        ("${E:-d}", "d"),
        ("${E-d}", ""),
        ("${N-d}", "d"),
        ("${N:-${A}}", "1"),
        ("${N:-${M:-x}}y", "xy"),
        ("${A:+yes}${N+no}", "yes"),
        ("${A?must}", "1"),
    ],
)
def test_variables_as_compose_takes_them(text: str, value: str) -> None:
    assert substituted(text, {"A": "1", "E": ""}) == value


@pytest.mark.parametrize("text", ["$N", "${N}", "${N?must}", "${E:?must}", "${", "${A", "$", "$1", "${A!}", "${}", "${A:}"])  # fmt: skip
def test_variables_without_a_value(text: str) -> None:
    with pytest.raises(UnresolvedError):
        substituted(text, {"A": "1", "E": ""})


@given(st.text(alphabet="${}:-?+AB \n", max_size=60))
def test_no_text_with_variables_is_a_traceback(text: str) -> None:
    with suppress(UnresolvedError):
        assert isinstance(substituted(text, {"A": "$A" * 100}), str)


def test_a_file_of_references(tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(b"\xef\xbb\xbfa:1 # one\n#\n\n  b@x\r\n")
    assert [one.reference for one in references.read(str(tmp_path / "images"))] == ["a:1", "b@x"]
    with pytest.raises(NotFoundError, match="there is no file"):
        list(references.read(str(tmp_path / "none")))
    (tmp_path / "images").write_bytes(b"\xff")
    with pytest.raises(FleetError, match="is not text"):
        list(references.read(str(tmp_path / "images")))
    with pytest.raises(FleetError, match="cannot read"):
        list(references.read(str(tmp_path)))


@pytest.mark.parametrize("source", ["registry:", "registry:app", "registry:host.example/App", "registry:a.example/b:1"])
def test_no_registry(source: str) -> None:
    with pytest.raises(UsageError, match="names"):
        list(read([source], Filters(), Registries(RegistryOptions())))


def test_filters_are_about_registries(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="are about registry"):
        list(read(["images"], Filters(tags=("v*",)), Registries(RegistryOptions())))


def test_one_image_however_it_is_typed() -> None:
    typed = ["app", "docker.io/library/app:latest", "docker://app", "index.docker.io/library/app", "No", "${X}"]
    found = together([*(Wanted(one) for one in typed), Wanted("app", problem="no value")])
    assert {name: len(wants) for name, wants in found.items()} == {
        "docker.io/library/app:latest": 4,
        "No": 1,
        "${X}": 1,
        "app": 1,
    }


def test_errors_are_of_one_kind() -> None:
    assert issubclass(FleetError, CompatError)
