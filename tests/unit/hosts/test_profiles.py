"""The shipped profiles as hosts: what is known, what is absent, what is unknown and what settings forbid."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from compatbuild.hosts import catalogue
from compatbuild.hosts.catalogue import profiles
from compatbuild.hosts.errors import HostError
from compatbuild.hosts.host import FIDELITIES, Host
from compatbuild.hosts.profile_file import schema

DIRECTORY = Path(catalogue.__file__).parent / "profiles"
NAMES = sorted(path.stem for path in DIRECTORY.glob("*.yaml"))


def one(name: str, architecture: str = "x86_64") -> Host:
    (found,) = profiles(name, architecture=architecture)
    return found


def option(host: Host, name: str) -> str | None:
    """Give an option's value, None when it is known to be off or absent, "?" when it is unknown."""
    config = host.features.attributes.get("kernel.config") or {}
    return config.get(name) if host.known("kernel.config", name) else "?"


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_obeys_the_schema(name: str) -> None:
    document = yaml.load((DIRECTORY / f"{name}.yaml").read_text(), yaml.CSafeLoader)
    jsonschema.Draft202012Validator(schema()).validate(document)
    assert document["metadata"]["name"] == name


def test_the_index_holds_the_yaml_files() -> None:
    assert len(NAMES) == 84
    assert (DIRECTORY.parent / catalogue.INDEX).read_text() == catalogue.compiled()


def test_all_profiles_of_an_architecture() -> None:
    found = profiles("all")
    assert len(found) == 81  # three have no x86_64
    assert all(host.kind == "profile" and host.architecture == "x86_64" for host in found)


def test_io_uring_of_the_reference_table() -> None:
    expected = {
        "rhel-8.10": None,
        "rhel-9.2": None,
        "rhel-9.4": "y",
        "rhcos-4.14": None,
        "rhcos-4.16": "y",
        "cos-93": "y",
    }
    expected |= {"amazonlinux-2-kernel4.14": None, "talos-1.9": "y"}
    assert {name: option(one(name), "IO_URING") for name in expected} == expected


def test_other_cells_of_the_reference_table() -> None:
    assert option(one("opensuse-leap-16.0"), "READ_ONLY_THP_FOR_FS") == "y"
    assert option(one("rhel-9.7"), "READ_ONLY_THP_FOR_FS") is None
    assert option(one("cos-93"), "VFIO_PCI") is None
    assert option(one("ubuntu-22.04"), "VFIO_PCI") == "y"
    assert option(one("cos-109"), "IP_SCTP") is None
    assert option(one("photon-5-esx"), "KPROBES") is None
    assert option(one("rhel-10.1"), "BTRFS_FS") == "?"


def test_an_option_that_nobody_tracked_is_unknown() -> None:
    assert option(one("rhel-9.4"), "SOME_OPTION") == "?"


def test_a_carried_forward_profile_never_says_no() -> None:
    for host in profiles("cos-1[1-3]*"):
        assert host.fidelity == "derived"
        assert not [place for place in host.absent if place.startswith("kernel.")], host.name
    assert option(one("cos-125"), "IP_SCTP") == "?"
    assert (option(one("cos-125"), "BTRFS_FS"), option(one("cos-129"), "BTRFS_FS")) == ("?", "m")
    assert option(one("cos-125"), "VFIO_PCI") == "m"
    assert "carried forward" in one("cos-125").source("kernel.config")


def test_what_is_a_module_is_loadable_and_not_known_to_be_loaded() -> None:
    host = one("rhel-9.4")
    assert not host.known("kernel.loadedmodule", "vfio_pci")
    assert host.modules["vfio_pci"] == ""
    assert one("photon-5").modules["amdgpu"] == "in the package linux-drivers-gpu"


def test_what_is_built_in_is_enabled_as_its_file_is_spelt_and_never_loaded() -> None:
    host = one("ubuntu-22.04")
    assert "vfio-pci" in (host.features.flags["kernel.enabledmodule"] or ())
    assert host.known("kernel.enabledmodule", "vfio_pci")
    assert "vfio-pci" in host.substitutes["kernel.enabledmodule/vfio_pci"]
    assert host.known("kernel.loadedmodule", "vfio_pci")
    assert host.known("kernel.loadedmodule", "vfio-pci")
    assert "enabledmodule" in host.remark("kernel.loadedmodule", "vfio_pci")


def test_the_module_of_an_option_that_is_off_is_absent() -> None:
    host = one("cos-109")
    assert host.known("kernel.loadedmodule", "sctp")
    assert host.known("kernel.enabledmodule", "sctp")
    assert not host.known("kernel.enabledmodule", "some_module")


def test_vendor_symbols_are_substitutes_and_their_modules_loadable() -> None:
    host = one("amazonlinux-2023-kernel6.1")
    assert option(host, "INFINIBAND_EFA") is None
    assert "AMAZON_EFA_INFINIBAND" in host.substitutes["kernel.config/INFINIBAND_EFA"]
    assert {"efa", "ena", "lustre"} <= host.modules.keys()
    assert "kernel.config/INFINIBAND_EFA" in one("photon-5").substitutes
    assert "kernel.config/INFINIBAND_EFA" not in one("debian-12").substitutes


def test_a_symbol_that_left_the_kernel_has_a_substitute() -> None:
    assert "part of MEMCG" in one("rhel-10.1").substitutes["kernel.config/MEMCG_SWAP"]
    assert "kernel.config/MEMCG_SWAP" not in one("rhel-8.10").substitutes


@pytest.mark.parametrize("name", ["azurelinux-3", "azurelinux-2", "debian-13", "wsl2"])
def test_releases_that_nfd_cannot_parse_have_no_major(name: str) -> None:
    host = one(name)
    assert list(host.features.attributes["kernel.version"] or {}) == ["full"]
    assert host.known("kernel.version", "major")


def test_a_version_without_a_release_is_approximate() -> None:
    host = one("amazonlinux-2023-kernel6.12")
    assert host.features.attributes["kernel.version"] == {"full": "6.12.73"}
    assert "kernel.version/full" in host.approximate
    assert not host.known("kernel.version", "major")
    assert not one("rhcos-5.0").known("kernel.version", "full")  # one of two kernels


@pytest.mark.parametrize(
    ("name", "feature", "element", "setting"),
    [
        ("rhcos-4.18", "kernel.config", "IO_URING", "kernel.io_uring_disabled=2"),
        ("rhel-9.4", "kernel.config", "IO_URING", "kernel.io_uring_disabled=2"),
        ("bottlerocket-kernel6.12", "kernel.config", "USER_NS", "user.max_user_namespaces=0"),
        ("talos-1.13", "kernel.config", "USER_NS", "user.max_user_namespaces=0"),
        ("photon-5", "kernel.config", "USER_NS", "kernel.unprivileged_userns_clone=0"),
        ("ubuntu-24.04", "kernel.config", "USER_NS", "kernel.apparmor_restrict_unprivileged_userns=1"),
        ("rhcos-4.18", "kernel.config", "IP_SCTP", "module sctp is blocked"),
        ("rhcos-4.18", "kernel.loadedmodule", "sctp", "module sctp is blocked"),
        ("ubuntu-24.04-azure", "kernel.config", "IP_SCTP", "module sctp is blocked"),
        ("cos-125", "kernel.loadedmodule", "lustre", "module.sig_enforce=1"),
        ("talos-1.13", "kernel.loadedmodule", "zfs", "module.sig_enforce=1"),
        ("talos-1.9", "kernel.loadedmodule", "zfs", "CONFIG_MODULE_SIG_FORCE=y"),
        ("cos-125", "kernel.config", "USERFAULTFD", "vm.unprivileged_userfaultfd=0"),
    ],
)
def test_settings_forbid_what_the_kernel_can(name: str, feature: str, element: str, setting: str) -> None:
    policy = one(name).policy(feature, element)
    assert policy is not None
    assert (policy.setting, bool(policy.reason), bool(policy.source)) == (setting, True, True)


def test_settings_that_allow_are_no_policies() -> None:
    assert one("debian-12").policy("kernel.config", "USER_NS") is None
    assert one("cos-125").policy("kernel.config", "IO_URING") is None
    assert one("rhcos-4.14").policy("kernel.config", "IO_URING") is None  # not even built there
    assert one("cos-125").policy("kernel.loadedmodule", "nvidia_uvm") is None  # Google signs it
    assert "Google" in getattr(one("cos-125").policy("kernel.loadedmodule", "zfs"), "remedy", "")


def test_af_alg_of_talos() -> None:
    assert (option(one("talos-1.13"), "CRYPTO_USER_API_AEAD"), option(one("talos-1.14"), "CRYPTO_USER_API_AEAD")) == (
        "y",
        None,
    )


def test_os_release_of_openshift_and_talos() -> None:
    nodes = {name: one(name).features.attributes["system.osrelease"] or {} for name in ("rhcos-4.18", "rhcos-4.21")}
    assert (nodes["rhcos-4.18"]["ID"], nodes["rhcos-4.18"]["VERSION_ID.minor"]) == ("rhcos", "18")
    assert (nodes["rhcos-4.21"]["ID"], nodes["rhcos-4.21"]["VARIANT_ID"]) == ("rhel", "coreos")
    assert "MachineConfig" in getattr(one("rhcos-4.21").policy("kernel.config", "IO_URING"), "remedy", "")


def test_hardware_and_what_a_node_may_add_is_unknown() -> None:
    host = one("ubuntu-24.04")
    assert not any(
        host.known(*place.split("/")) for place in ("pci.device/vendor", "memory.numa/is_numa", "cpu.cpuid/AVX2")
    )
    assert host.known("cpu.cpuid", "SSE2")
    assert host.known("cpu.cpuid", "ASIMD")  # known not to be there: it is of another architecture
    assert host.features.has("local.label")
    assert not host.known("local.label", "nvidia.com/cuda.driver-version.full")
    assert "hardware" in host.remark("pci.device", "vendor")
    assert host.drivers == {}


def test_what_a_profile_says_of_drivers_is_a_hint() -> None:
    host = one("bottlerocket-kernel6.12")
    assert host.drivers == {}
    assert host.remark("driver", "nvidia") == "variants with -nvidia only; branch 580 by default"
    assert "580.126.09" in host.source("driver", "nvidia")
    assert host.remark("driver", "efa").startswith("out-of-tree module")
    assert one("talos-1.12").remark("driver", "nvidia") == "system extension; 580.126.20 (lts), 570.211.01 (production)"
    assert "kmod-6.12-amdgpu" in host.remark("driver", "amd")


def test_one_architecture_says_nothing_of_another() -> None:
    host = one("rhel-9.2", "aarch64")
    assert not host.known("kernel.config", "IO_URING")
    assert "no data for aarch64" in host.remark("kernel.config", "IO_URING")
    assert host.known("system.osrelease", "VERSION_ID.major")
    assert "rhel-9.2" not in {found.name for found in profiles("rhel-*", architecture="aarch64")}
    assert option(one("azurelinux-3-64k", "aarch64"), "ARM64_64K_PAGES") == "y"


def test_every_fact_has_a_source() -> None:
    for host in profiles("all"):
        config = host.features.attributes.get("kernel.config")
        assert not config or host.source("kernel.config", "IO_URING"), host.name
        assert host.fidelity in FIDELITIES


def test_names_aliases_platforms_and_globs() -> None:
    assert one("rhel-9").name == "rhel-9.7"
    assert one("openshift-4.18").name == "rhcos-4.18"
    assert one("gke-1.34").name == "cos-125"
    assert [one(f"eks-1.{minor}").name for minor in (33, 35)] == ["amazonlinux-2023-kernel6.12"] * 2
    assert [host.name for host in profiles("photon-5*")] == ["photon-5", "photon-5-esx", "photon-5-rt"]
    assert [host.name for host in profiles(["rhel-10.1", "rhel-9.4", "rhel-9*"])][:2] == ["rhel-9.2", "rhel-9.4"]


@pytest.mark.parametrize(
    ("wrong", "near"), [("rhel-9.44", "rhel-9.4"), ("ubunut-24.04", "ubuntu-24.04"), ("talos", "talos-1.14")]
)
def test_a_name_that_is_near_is_suggested(wrong: str, near: str) -> None:
    with pytest.raises(HostError) as caught:
        profiles(wrong)
    assert near in caught.value.remedy
    assert caught.value.exit_code == 2


def test_least_fidelity() -> None:
    assert {host.fidelity for host in profiles("all", min_fidelity="rebuild")} == {"exact", "rebuild"}
    with pytest.raises(HostError, match="only derived"):
        profiles("cos-125", min_fidelity="exact")
    with pytest.raises(HostError, match="no fidelity"):
        profiles("cos-125", min_fidelity="certain")


def test_an_unknown_architecture() -> None:
    with pytest.raises(HostError, match="no architecture"):
        profiles("rhel-9.4", architecture="amd64")


MINE = """
apiVersion: compatbuild/v1alpha1
kind: HostProfile
metadata: {name: mine, title: My node, fidelity: live}
osRelease: {ID: debian, VERSION_ID: "12"}
architectures:
  x86_64:
    kernel: {version: "6.1.0", complete: true}
    source: {kind: local-host}
    config: {IO_URING: "y"}
    absent: []
    modules: {}
unknown: []
"""


def test_a_users_own_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    (tmp_path / "theirs.yaml").write_text(MINE.replace("name: mine", "name: rhel-9.4"))
    assert option(one(str(tmp_path / "mine.yaml")), "IO_URING") == "y"
    monkeypatch.setenv(catalogue.ENVIRONMENT, str(tmp_path))
    assert one("mine").fidelity == "live"
    assert one("rhel-9.4").title == "My node"  # a user's own wins
    assert "My node" in catalogue.text("rhel-9.4")
    assert len(profiles("all")) == 82


def test_a_directory_of_profiles_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(catalogue.ENVIRONMENT, str(tmp_path / "none"))
    with pytest.raises(HostError, match="not a directory of profiles"):
        profiles("rhel-9")


def test_more_profiles_than_anybody_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "MAX_USER_PROFILES", 1)
    for name in ("a.yaml", "b.yml"):
        (tmp_path / name).write_text(MINE)
    with pytest.raises(HostError, match="holds 2 profiles"):
        profiles("rhel-9", directory=tmp_path)


def test_the_text_of_a_shipped_profile() -> None:
    assert catalogue.text("rhel-9") == (DIRECTORY / "rhel-9.7.yaml").read_text()
    with pytest.raises(HostError, match="names"):
        catalogue.text("cos-*")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "empty"),
        ("kind: Pod", "Pod"),
        ("- 1", "something else"),
        (MINE.replace('IO_URING: "y"', "IO_URING: true"), "architectures.x86_64.config.IO_URING"),
        (MINE.replace("unknown: []", ""), "'unknown' is a required property"),
        (MINE.replace("{ID:", "&a {ID:") + "notes: *a", "alias"),
        (MINE + "a: [", "line 15"),
        ("[" * 1000, "nested too deep"),
        ("\xff", "UTF-8"),
    ],
)
def test_a_broken_profile_is_refused_with_its_place(text: str, place: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(HostError) as caught:
        profiles(str(file))
    assert place in str(caught.value)
    assert str(file) in str(caught.value)
    assert caught.value.exit_code == 2
