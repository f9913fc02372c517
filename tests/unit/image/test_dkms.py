"""``dkms.conf`` as Debian 12 ships them, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.image.dkms import MAX_ITEMS, DkmsConf, parse

EVDI = b"""PACKAGE_NAME="evdi"
PACKAGE_VERSION="1.12.0+dfsg"

BUILD_EXCLUSIVE_CONFIG="CONFIG_I2C CONFIG_DRM"
MAKE[0]="make -C ${kernel_source_dir} M=${dkms_tree}/${PACKAGE_NAME}/${PACKAGE_VERSION}/build DKMS_BUILD=1"
BUILT_MODULE_NAME[0]="$PACKAGE_NAME"
"""
V4L2LOOPBACK = b"""PACKAGE_NAME="v4l2loopback"
PACKAGE_VERSION="0.12.7"
if [ -f $kernel_source_dir/.config ]; then
    . $kernel_source_dir/.config
    if ! { echo "$kernelver"; echo 5.18; } | sort -V -C; then
        if [ "${CONFIG_VIDEO_DEV:-n}" = "n" ]; then
            BUILD_EXCLUSIVE_KERNEL="REQUIRES CONFIG_VIDEO_DEV"
        fi
    else
        if [ "${CONFIG_VIDEO_V4L2:-n}" = "n" ]; then
            BUILD_EXCLUSIVE_KERNEL="REQUIRES CONFIG_VIDEO_V4L2"
        fi
    fi
fi
BUILT_MODULE_NAME[0]="$PACKAGE_NAME"
"""


def test_plain_demands_are_read() -> None:
    assert parse(EVDI) == DkmsConf("evdi", "1.12.0+dfsg", ("evdi",), {"I2C": True, "DRM": True})


def test_demands_on_some_kernels_only_are_told_apart() -> None:
    """Linux 5.18 did away with VIDEO_V4L2, so that no kernel has both."""
    found = parse(V4L2LOOPBACK)
    assert (found.options, found.conditional) == ({}, ("VIDEO_DEV", "VIDEO_V4L2"))
    assert found.modules == ("v4l2loopback",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('BUILD_EXCLUSIVE_CONFIG="!CONFIG_PREEMPT_RT"', DkmsConf("", options={"PREEMPT_RT": False})),
        ('BUILD_EXCLUSIVE_KERNEL_MIN="3.9"', DkmsConf("", kernel_min="3.9")),
        ("BUILD_EXCLUSIVE_KERNEL_MAX=6.5.99 # or so", DkmsConf("", kernel_max="6.5.99")),
        ("BUILT_MODULE_NAME=ipt_NETFLOW\nPACKAGE_VERSION=2.6", DkmsConf("", "2.6", ("ipt_NETFLOW",))),
        ("BUILT_MODULE_NAME[$i]=a\nBUILT_MODULE_NAME[$i]=b\nBUILT_MODULE_NAME[0]=a", DkmsConf("", modules=("a", "b"))),
        ("if true; then PACKAGE_NAME=x; fi\nPACKAGE_NAME=y", DkmsConf("y")),
        ("case $ARCH in\n  x86) PACKAGE_NAME=x;;\nesac\nPACKAGE_NAME=y", DkmsConf("y")),
        ("if true\nthen\nPACKAGE_NAME=x\nfi", DkmsConf("")),
        ("PACKAGE_NAME=$(uname -r)", DkmsConf("")),
        ("PACKAGE_NAME=`uname -r`", DkmsConf("")),
        ('PACKAGE_NAME="open', DkmsConf("")),
        ("PACKAGE_NAME=\x1b[31m", DkmsConf("")),
        ("PACKAGE_NAME=" + "x" * 1000, DkmsConf("")),
        ("#PACKAGE_NAME=x", DkmsConf("")),
        ("BUILT_MODULE_NAME=../../etc", DkmsConf("")),
        ('BUILD_EXCLUSIVE_KERNEL_MIN="next"', DkmsConf("")),
        ("", DkmsConf("")),
    ],
)
def test_other_forms(text: str, expected: DkmsConf) -> None:
    assert parse(text.encode()) == expected


def test_lists_end_somewhere() -> None:
    text = "\n".join(f"BUILT_MODULE_NAME[{n}]=m{n}" for n in range(2 * MAX_ITEMS))
    assert len(parse(text.encode()).modules) == MAX_ITEMS


@given(st.one_of(st.binary(), st.text(alphabet="BUILT_MODEPACKGNV=\"'$ {}[]\\\n;ifcase").map(str.encode)))
def test_no_text_makes_it_fail(content: bytes) -> None:
    assert isinstance(parse(content), DkmsConf)
