"""Who lacks what: small specifications on every kind of operating system, cell by cell.

The table was read from the kernels' configurations and the distributions' documents on 2026-11-23. ``y`` and ``m`` are
values of the option, in capitals where a setting forbids what the kernel can; ``n`` and ``-`` are its absence, ``v`` is a
driver of the vendor in its place, ``?`` is not known.
"""

from __future__ import annotations

import pytest

from compatbuild.checking.evaluate import Judge
from compatbuild.checking.verdicts import Verdict
from compatbuild.hosts.catalogue import profiles
from tests.unit.checking.building import CONFIG, row, rule, spec, term

OPTIONS = """
READ_ONLY_THP_FOR_FS IO_URING USERFAULTFD VFIO_PCI KVM IP_SCTP CEPH_FS NVME_TCP BTRFS_FS EROFS_FS
DEBUG_INFO_BTF KPROBES MPTCP INFINIBAND_USER_ACCESS INFINIBAND_EFA MLX5_INFINIBAND DRM_AMDGPU X86_SGX
SECURITY_LANDLOCK SECURITY_APPARMOR CHECKPOINT_RESTORE IKCONFIG_PROC
""".split()
TABLE = """
rhel-8.10                   n-ymmMmmn-yyymmmmy-ny-
rhel-9.2                    nnymmMmmnnyyymmmmynny-
rhel-9.4                    nYymmMmmnmyyymmmmynny-
rhel-9.6                    nYymmMmmnmyyymmmmyyny-
rhel-9.7                    nYymmMmmnmyyymmmmyyny-
rhel-10.1                   nyymmMmm?myyymmmmyyny-
rhcos-4.12                  n-ymmMmmn-yyymmmmy-ny-
rhcos-4.14                  nnymmMmmnnyyymmmmynny-
rhcos-4.16                  nYymmMmmnmyyymmmmynny-
rhcos-4.19                  nYymmMmmnmyyymmmmyyny-
photon-4                    nyymmmmnmnyynmnmm--yny
photon-5                    nyymmmmnmnyynmvmmynyny
photon-5-esx                nynm-nnnmnnnn---mynyn-
amazonlinux-2-kernel4.14    --ymmmm-m--y-mvmn--ny-
amazonlinux-2-kernel5.10    nyymmmmnmnyyymv-n--ny-
amazonlinux-2023-kernel6.1  nyymmmmmmmyyymvmnnnny-
amazonlinux-2023-kernel6.12 nyymmmmm???yymvm?n?n??
bottlerocket-kernel6.1      nyymmmmmmyyyymvmnnynyy
bottlerocket-kernel6.12     nyymmmmmnyyyymvmnnynyy
cos-93                      nyn-nnnnnnyyn------yyy
cos-109                     nynmmnnnnnyynmnm-nnyyy
azurelinux-2                nyymmMmmmnyynmnmmyyyyy
azurelinux-3                nyymmmmmmmyyymnmmyyyyy
azurelinux-3-hwe            nyymmmmmmmyyymnmmyyyyy
flatcar-3815                nynmmmmnmnyynmnmnnnnyy
flatcar-4593                nynmmmmmmmyynmnmnnynyy
talos-1.9                   nynmyyyymnyynn-mmnyyny
talos-1.11                  nynmyyyymnyynmnmmnyyny
talos-1.13                  nyymyyyymnyynmnmmnyyyy
ubuntu-22.04                nyyymmmmmmyyymmmmyyyy-
ubuntu-22.04-azure          nyyymMmmmmyyymmmmyyyy-
ubuntu-24.04                nyymmmmmmmyyymmmmyyyy-
debian-12                   nyymmmmmmmyyymnmmyyyy-
debian-12-cloud             nyymmmmmmmyyymnm-yyyy-
debian-13                   nyymmmmmmmyyymnmmyyyy-
opensuse-leap-16.0          yyymmmnmmmyyymmmmyyyyy
sles-15-sp3                 -yymmmmmmmny-mmmm--yyy
fedora-43                   yyymmmmmymyyymmmmyyny-
oraclelinux-9-uek8          yyymmmmmmmyyymmmmyyny-
wsl2                        nyymmmmmmmyynmnmmyyyyn
"""
VERDICTS = {
    **dict.fromkeys("ym", Verdict.COMPATIBLE),
    **dict.fromkeys("YMn-", Verdict.INCOMPATIBLE),
    "v": Verdict.DEPENDS,
    "?": Verdict.UNKNOWN,
}
SPECS = [spec(rule(term(CONFIG, **{option: ("In", "y", "m")}))) for option in OPTIONS]


@pytest.mark.parametrize("line", TABLE.split("\n")[1:-1], ids=lambda line: line.split()[0])
def test_cells(line: str) -> None:
    name, cells = line.split()
    (host,) = profiles(name)
    judge = Judge(host)
    for option, asked, cell in zip(OPTIONS, SPECS, cells, strict=True):
        found = judge.judge(asked)
        assert found.verdict is VERDICTS[cell], option
        assert ("node policy forbids" in row(found).reason) == (cell in "YM"), option
        assert (row(found).source != "") or cell == "?", option
