"""Hosts from exports of NFD: bare documents, NodeFeatures and lists of them, and what is wrong with files."""

import copy
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from compatbuild.hosts import documents
from compatbuild.hosts.errors import HostError
from compatbuild.hosts.exported import exported_hosts
from compatbuild.hosts.host import Host
from tests.builders.hosts import gpu_labels, host

EXPORT = host(config={"IO_URING": "y"}, loaded=["vfio_pci"], labels=gpu_labels("580.65.06", "9.0")).document()


def node_feature(
    name: str, *, node: str = "", namespace: str = "nfd", features: Any = None, **spec: Any
) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if node:
        metadata["labels"] = {"nfd.node.kubernetes.io/node-name": node}
    body = {"features": copy.deepcopy(EXPORT if features is None else features), **spec}
    return {"apiVersion": "nfd.k8s-sigs.io/v1alpha1", "kind": "NodeFeature", "metadata": metadata, "spec": body}


def labels(**values: str) -> dict[str, Any]:
    return {"attributes": {"local.label": {"elements": values}}}


def read(tmp_path: Path, document: Any, name: str = "worker.json") -> tuple[Host, ...]:
    file = tmp_path / name
    file.write_text(yaml.safe_dump(document) if name.endswith("yaml") else json.dumps(document))
    return exported_hosts(str(file))


@pytest.mark.parametrize("name", ["worker.json", "worker.yaml"])
def test_a_bare_export(tmp_path: Path, name: str) -> None:
    (found,) = read(tmp_path, EXPORT, name)
    assert (found.name, found.kind, found.fidelity, found.architecture) == ("worker", "features", "live", "x86_64")
    assert found.features.document() == EXPORT
    assert found.drivers == {"nvidia": "580.65.06"}
    assert found.known("kernel.config", "WHATEVER")
    assert found.source("kernel.config").endswith(name)


def test_a_feature_that_nfd_did_not_publish_is_unknown(tmp_path: Path) -> None:
    (found,) = read(tmp_path, host().document())
    assert not found.known("kernel.config", "IO_URING")
    assert "mount" in found.remark("kernel.config", "IO_URING")
    assert "since v0.19" in found.remark("kernel.kvm", "enabled")
    assert not found.complete("kernel.config")
    assert found.complete("kernel.loadedmodule")


def test_levels_that_an_older_nfd_does_not_publish_are_unknown(tmp_path: Path) -> None:
    document = host().document()
    document["flags"]["cpu.cpuid"]["elements"] = {"SSE2": {}, "AVX2": {}}
    (found,) = read(tmp_path, document)
    assert not found.known("cpu.cpuid", "X86_64_V3")
    assert found.known("cpu.cpuid", "AVX512F")


def test_the_objects_of_a_node_are_merged_as_nfd_master_does(tmp_path: Path) -> None:
    items = [
        node_feature("zz-late", node="n1", namespace="nfd", features=labels(a="late")),
        node_feature("aa-third-party", node="n1", namespace="gpu", features=labels(a="third", b="third")),
        node_feature("n1", node="n1", namespace="nfd", features=labels(a="own", b="own", c="own")),
        node_feature("n0", features=labels(a="other")),
    ]
    other, found = read(tmp_path, {"kind": "List", "items": items})
    assert (other.name, found.name) == ("n0", "n1")
    assert found.features.attributes["local.label"] == {"a": "third", "b": "third", "c": "own"}
    assert "nfd/n1, nfd/zz-late, gpu/aa-third-party" in found.source("local.label")


def test_a_list_in_yaml_and_a_stream_of_documents(tmp_path: Path) -> None:
    nodes = [node_feature("b"), node_feature("a")]
    assert [one.name for one in read(tmp_path, {"kind": "NodeFeatureList", "items": nodes}, "all.yaml")] == ["a", "b"]
    (tmp_path / "stream.yaml").write_text(yaml.safe_dump_all(nodes))
    assert [one.name for one in exported_hosts(str(tmp_path / "stream.yaml"))] == ["a", "b"]


def test_labels_beside_the_features_tell_the_driver_and_the_gpu(tmp_path: Path) -> None:
    beside = {
        "nvidia.com/cuda.driver.major": "550",
        "nvidia.com/cuda.driver.minor": "54",
        "nvidia.com/cuda.driver.rev": "15",
    }
    node = node_feature(
        "n1", features=host().document(), labels={**beside, "nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"}
    )
    (found,) = read(tmp_path, node)
    assert found.drivers == {"nvidia": "550.54.15"}
    assert found.gpus == ("NVIDIA-H100-80GB-HBM3",)


def test_a_vendors_driver_stands_in_for_the_option(tmp_path: Path) -> None:
    (found,) = read(tmp_path, host(config={"AMAZON_EFA_INFINIBAND": "m"}).document())
    assert "kernel.config/INFINIBAND_EFA" in found.substitutes


def test_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(json.dumps(EXPORT).encode())

    monkeypatch.setattr("sys.stdin", Stdin)
    assert [one.name for one in exported_hosts("-")] == ["stdin"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("{", "line 1, column 2"),
        ('{"flags": {"a": {"elements": []}}}', "the document: 'flags.a' is not a mapping"),
        ('{"kind": "List", "items": [{"kind": "Pod"}]}', "items[0] is Pod"),
        ('{"kind": "List", "items": [{"spec": {}, "metadata": {}}]}', "items[0] names no node"),
        ('{"kind": "List", "items": []}', "holds no features"),
        ('{"kind": "NodeFeature", "metadata": {"name": "a"}, "spec": []}', "spec is not a mapping"),
        (
            '{"kind": "NodeFeature", "metadata": {"name": "a"}, "spec": {"features": {"flags": 1}}}',
            "spec.features: 'flags'",
        ),
        ('{"kind": "HostProfile"}', "is HostProfile"),
        ("[1]", "[0] is int"),
        ("a: [", "line 2, column 1"),
        ("a: &x [1]\nb: *x", "line 2, column 4: an alias"),
        ("a: " + "[" * 60 + "]" * 60, "more than 50 levels"),
        ("[" * 100_000, "nested too deep"),
        ("\xff\xfe", "not UTF-8"),
        ("just text", "str"),
    ],
)
def test_what_is_no_export_is_refused_with_its_place(text: str, place: str, tmp_path: Path) -> None:
    file = tmp_path / "export"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(HostError) as caught:
        exported_hosts(str(file))
    assert place in str(caught.value)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_huge_file_is_refused_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "huge.json"
    with file.open("wb") as out:
        out.write(b'{"flags":')
        out.truncate(100 << 20)
    with pytest.raises(HostError, match="too large") as caught:
        exported_hosts(str(file))
    assert f"byte {documents.MAX_JSON_BYTES:,}" in str(caught.value)


def test_yaml_may_be_less_large_than_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_YAML_BYTES", 100)
    with pytest.raises(HostError, match="too large for YAML"):
        read(tmp_path, EXPORT, "export.yaml")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="cannot be read"):
        exported_hosts(str(tmp_path / "none"))
