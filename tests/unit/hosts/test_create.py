"""Profiles made of hosts: valid, telling nothing private, and giving back the facts of the host."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from compatbuild.hosts.catalogue import profiles
from compatbuild.hosts.create import created, written
from compatbuild.hosts.errors import HostError
from compatbuild.hosts.exported import exported_host
from compatbuild.hosts.host import Host
from compatbuild.hosts.node.host import node_host
from compatbuild.hosts.profile_file import schema
from tests.builders.hosts import host as exported
from tests.builders.nodes import RELEASE, node

FILES = {
    "/proc/sys/kernel/io_uring_disabled": "2\n",
    "/proc/cmdline": "root=UUID=1 module.sig_enforce=1\n",
    "/etc/modprobe.d/sctp.conf": "install sctp /bin/false\n",
    "/sys/module/nvidia/version": "580.65.06\n",
    "/proc/sys/kernel/hostname": "secret-name\n",
}


def again(host: Host, tmp_path: Path) -> Host:
    """Give the host of the profile that is made of a host, by way of its file."""
    file = tmp_path / "made.yaml"
    file.write_text(written(created(host)))
    (found,) = profiles(str(file), architecture=host.architecture)
    return found


def test_a_profile_of_a_node_is_valid_and_tells_nothing_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    document = created(node_host(node(tmp_path / "secret-name", FILES)))
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["metadata"] == {"name": "rhel-9.4-kernel5.14", "title": "Red Hat 9.4", "fidelity": "live"}
    assert document["architectures"]["x86_64"]["source"] == {"kind": "local-host", "date": "1970-01-01"}
    assert document["cmdline"] == "module.sig_enforce=1"
    assert document["drivers"]["nvidia"]["observedVersion"] == "580.65.06"
    assert "secret" not in written(document)
    assert yaml.safe_load(written(document)) == document


def test_the_profile_of_a_node_gives_back_its_facts(tmp_path: Path) -> None:
    host = node_host(node(tmp_path / "root", FILES))
    found = again(host, tmp_path)
    for option, value in (("IO_URING", "y"), ("IP_SCTP", "m"), ("BTRFS_FS", None)):
        assert (found.features.attributes["kernel.config"] or {}).get(option) == value
        assert found.known("kernel.config", option)
    assert found.features.attributes["kernel.version"] == host.features.attributes["kernel.version"]
    assert {"nvidia", "xfs", "vfio-pci"} <= (found.features.flags["kernel.enabledmodule"] or set())
    assert "vfio-pci" not in (found.features.flags["kernel.loadedmodule"] or set())
    assert found.modules == {"sctp": ""}
    assert {(one.feature, one.element) for one in found.policies} == {
        (one.feature, one.element) for one in host.policies
    }
    assert found.fidelity == "live"


def test_the_profile_of_an_export(tmp_path: Path) -> None:
    document = exported(config={"IO_URING": "y"}, loaded=["vfio_pci"], builtin=["dm-mod"]).document()
    document["attributes"]["system.osrelease"] = {"elements": {"ID": "rhel", "VERSION_ID": "9.4"}}
    document["attributes"]["kernel.version"]["elements"]["major"] = "5"
    (tmp_path / "export.json").write_text(json.dumps(document))
    host = exported_host(str(tmp_path / "export.json"))
    made = created(host, name="mine", title="My nodes")
    jsonschema.Draft202012Validator(schema()).validate(made)
    assert made["architectures"]["x86_64"]["source"]["kind"] == "nfd-export"
    assert made["architectures"]["x86_64"]["modules"] == {"builtin": ["dm_mod"], "loadable": [], "loaded": ["vfio_pci"]}
    assert "modules that are installed and not loaded" in made["unknown"]
    assert again(host, tmp_path).known("kernel.config", "BTRFS_FS")


def test_a_host_without_a_configuration_gives_a_profile_that_does_not_know_it(tmp_path: Path) -> None:
    found = again(node_host(node(tmp_path / "root", {f"/boot/config-{RELEASE}": None})), tmp_path)
    assert not found.known("kernel.config", "IO_URING")
    assert not [place for place in found.absent if place.startswith("kernel.config/")]


def test_a_full_profile_keeps_every_option_and_module(tmp_path: Path) -> None:
    files = {f"/boot/config-{RELEASE}": "CONFIG_RARE_OPTION=y\n", "/proc/modules": "rare 1 0 -\n"}
    host = node_host(node(tmp_path, files))
    for full in (False, True):
        block = created(host, full=full)["architectures"]["x86_64"]
        assert ("RARE_OPTION" in block["config"], "rare" in block["modules"]["loaded"]) == (full, full)


def test_what_no_profile_can_be_made_of(tmp_path: Path) -> None:
    host = node_host(node(tmp_path, {"/proc/cpuinfo": None}))
    with pytest.raises(HostError, match="no profile") as caught:
        created(host)
    assert "architecture" in caught.value.why
    with pytest.raises(HostError, match="cannot be the name"):
        created(node_host(node(tmp_path)), name="../evil")


def test_one_node_of_an_export_is_named(tmp_path: Path) -> None:
    items = [{"metadata": {"name": name}, "spec": {"features": {}}} for name in ("a", "b")]
    (tmp_path / "all.json").write_text(json.dumps({"kind": "List", "items": items}))
    assert exported_host(str(tmp_path / "all.json"), "b").name == "b"
    for wrong in ("", "c"):
        with pytest.raises(HostError, match="holds") as caught:
            exported_host(str(tmp_path / "all.json"), wrong)
        assert "a, b" in caught.value.why
