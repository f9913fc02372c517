"""CUDA fatbins inside ELF files."""

import pytest

from compatbuild.image.elf import DeviceCode, ElfFacts
from compatbuild.image.elf_stream import BLOCK, LOOK
from compatbuild.image.fatbin import CONCATENATED_MAX, CONTAINER_START, READS_MAX, TARGETS_MAX
from compatbuild.image.interests import Interests, Marker
from tests.builders.elf import RX, File, R, elf, facts
from tests.builders.fatbin import CUBIN, LTOIR, LZ4, ZSTD, concatenated, container, cubin, entry, header, ptx


def codes(found: ElfFacts, section: str = ".nv_fatbin") -> list[tuple[str, str, str]]:
    assert all(code.section == section for code in found.device_code)
    return [(code.kind, code.target, code.isa) for code in found.device_code]


def in_section(*containers: bytes, section: str = ".nv_fatbin", padding: int = 0) -> ElfFacts:
    return facts(elf(sections={section: b"".join(containers)}, padding=padding))


def test_targets_by_kind_and_number() -> None:
    found = in_section(container(cubin("120a"), cubin("90a"), cubin("100f"), cubin("50"), ptx("120", (8, 8))))
    assert codes(found) == [
        ("ptx", "120", "8.8"),
        ("sass", "50", ""),
        ("sass", "90a", ""),
        ("sass", "100f", ""),
        ("sass", "120a", ""),
    ]
    assert found.damaged == ""


def test_several_containers_with_padding_between_and_no_duplicates() -> None:
    first, second = container(cubin("75"), cubin("80")), container(cubin("80"), ptx("80", (7, 4)))
    assert codes(in_section(first, bytes(24), second)) == [("ptx", "80", "7.4"), ("sass", "75", ""), ("sass", "80", "")]


def test_the_same_target_of_two_ptx_versions() -> None:
    found = in_section(container(ptx("90", (9, 0))), container(ptx("90", (9, 3))))
    assert codes(found) == [("ptx", "90", "9.0"), ("ptx", "90", "9.3")]


def test_headers_with_options_are_longer() -> None:
    found = in_section(container(entry(CUBIN, "80", b"x" * 100, options=b"-O3 -lineinfo"), cubin("86")))
    assert codes(found) == [("sass", "80", ""), ("sass", "86", "")]


@pytest.mark.parametrize("options", [b"", b"-O3", b"-maxrregcount 64 --fast"])
def test_concatenated_entries_list_their_headers(options: bytes) -> None:
    listed = [header(CUBIN, target, 1000, options=options) for target in ("80", "90a", "100f")]
    found = in_section(container(cubin("75"), concatenated(*listed, payload=b"z" * 5000), ptx("100", (8, 8))))
    expected = [("ptx", "100", "8.8")] + [("sass", target, "") for target in ("75", "80", "90a", "100f")]
    assert codes(found) == expected
    assert found.damaged == ""


def test_other_kinds_are_stepped_over() -> None:
    assert codes(in_section(container(entry(LTOIR, "90", b"ir"), cubin("90")))) == [("sass", "90", "")]


def test_the_section_of_each() -> None:
    found = facts(
        elf(
            sections={
                ".nv_fatbin": container(cubin("80"), cubin("90")),
                "__nv_relfatbin": container(cubin("80"), ptx("90", (8, 4))),
            }
        )
    )
    assert found.device_code == (
        DeviceCode("sass", "80", "", ".nv_fatbin"),
        DeviceCode("sass", "90", "", ".nv_fatbin"),
        DeviceCode("ptx", "90", "8.4", "__nv_relfatbin"),
        DeviceCode("sass", "80", "", "__nv_relfatbin"),
    )


def test_any_number_of_sections() -> None:
    """Libtorch has a third one, .lrodata."""
    names = [".nv_fatbin", ".between", "__nv_relfatbin", ".lrodata"]
    found = facts(elf(sections={name: container(cubin("80")) for name in names}))
    assert sorted(code.section for code in found.device_code) == sorted(names)


def test_without_a_section_table_the_section_is_unknown() -> None:
    found = facts(elf(sections={".nv_fatbin": container(cubin("80"))}, headers=False))
    assert found.device_code == (DeviceCode("sass", "80", "", ""),)


def test_only_if_somebody_asks() -> None:
    data = elf(sections={".nv_fatbin": container(cubin("80"))})
    assert facts(data, Interests(elf=True)).device_code == ()


@pytest.mark.parametrize("before", range(BLOCK - 160, BLOCK + 80, 8))
def test_headers_across_the_border_of_two_blocks(before: int) -> None:
    listed = concatenated(header(CUBIN, "80", 9), header(CUBIN, "86", 9, options=b"-O1"))
    content = container(cubin("75"), listed, ptx("86", (8, 0)))
    data = elf(sections={".a": b""})
    at = data.index(b"\0", 0x3C0)
    found = in_section(content, padding=before - at)
    assert codes(found) == [("ptx", "86", "8.0"), ("sass", "75", ""), ("sass", "80", ""), ("sass", "86", "")]


def test_payloads_longer_than_many_blocks() -> None:
    found = in_section(container(cubin("80", bytes(3 * BLOCK)), cubin("90", bytes(BLOCK))), container(cubin("100")))
    assert [target for _, target, _ in codes(found)] == ["80", "90", "100"]


def test_what_a_payload_holds_is_no_container() -> None:
    assert codes(in_section(container(cubin("80", container(cubin("90")))))) == [("sass", "80", "")]


@pytest.mark.parametrize("flags", [LZ4, ZSTD])
def test_texts_in_compressed_payloads_are_no_markers(flags: int) -> None:
    interests = Interests(elf=True, device_code=True, markers=(Marker("m", b"release "),))
    data = elf(sections={".nv_fatbin": container(cubin("80", b"release 1" * 99, flags=flags), cubin("90"))})
    assert facts(data, interests).markers == {}
    plain = elf(sections={".nv_fatbin": container(cubin("80", b"release 1" * 99), cubin("90"))})
    assert facts(plain, interests).markers == {"m": ()}


def test_a_broken_entry_does_not_hide_the_next_container() -> None:
    broken = bytearray(container(cubin("75"), cubin("80")))
    broken[16 + 72 + 2] = 0x77  # the version of the second entry
    found = in_section(bytes(broken), container(cubin("90")))
    assert codes(found) == [("sass", "75", ""), ("sass", "90", "")]
    assert found.damaged == "broken fatbin"


def test_a_broken_container_does_not_hide_what_it_claims_to_hold() -> None:
    broken = bytearray(container(cubin("75"), cubin("80")))
    broken[16 + 72 + 2] = 0x77
    broken[8:16] = (1 << 40).to_bytes(8, "little")
    assert codes(in_section(bytes(broken), container(cubin("90")))) == [("sass", "75", ""), ("sass", "90", "")]


@pytest.mark.parametrize("filler", [b"\0", b"\xba"])
def test_a_magic_askew_is_none(filler: bytes) -> None:
    """Containers are aligned; the byte that is looked for first may be frequent or rare."""
    found = in_section(filler * 8003, container(cubin("80")), filler * 5, container(cubin("90")))
    assert codes(found) == [("sass", "90", "")]


@pytest.mark.parametrize(
    "size", [1 << 63, 1 << 40, 4096], ids=["as large as can be", "beyond the file", "beyond the container"]
)
def test_an_entry_larger_than_its_container(size: int) -> None:
    found = in_section(container(cubin("75"), header(CUBIN, "80", size)), bytes(8), container(cubin("90")))
    assert [target for _, target, _ in codes(found)] == ["75", "90"]
    assert found.damaged == "broken fatbin"


@pytest.mark.parametrize("size", [500, BLOCK + LOOK, BLOCK + LOOK + 5, 2 * BLOCK + LOOK])
def test_a_file_cut_within_a_payload(size: int) -> None:
    data = elf(sections={".nv_fatbin": container(cubin("80", bytes(3 * BLOCK)), cubin("90"))}, headers=False)
    at = data.index(CONTAINER_START)
    found = facts(data[: max(size, at + 200)])
    assert [target for _, target, _ in codes(found, "")] == ["80"]
    assert "fatbin cut short" in found.damaged


def test_a_container_larger_than_the_file() -> None:
    data = bytearray(container(cubin("75"), cubin("80")))
    data[8:16] = (1 << 62).to_bytes(8, "little")
    found = in_section(bytes(data))
    assert [target for _, target, _ in codes(found)][:2] == ["75", "80"]
    assert "fatbin" in found.damaged


@pytest.mark.parametrize("count", [0, CONCATENATED_MAX + 1, 0xFFFFFFFF])
def test_concatenated_entries_that_lie_about_their_number(count: int) -> None:
    data = bytearray(concatenated(header(CUBIN, "80", 9), header(CUBIN, "90", 9)))
    data[64:68] = count.to_bytes(4, "little")
    found = in_section(container(bytes(data), cubin("100")))
    assert ("sass", "100", "") in codes(found)
    assert found.damaged == ("broken fatbin" if count else "")


@pytest.mark.parametrize("options", [1, 500, 0xFFFFFFF0])
def test_options_that_lie_elsewhere(options: int) -> None:
    bad = bytearray(header(CUBIN, "80", 9, options=b"-O1"))
    bad[20:24] = options.to_bytes(4, "little")
    found = in_section(container(concatenated(bytes(bad), header(CUBIN, "90", 9)), cubin("100")))
    assert ("sass", "100", "") in codes(found)


@pytest.mark.parametrize("options", [1, 5000, 0xFFFFFFF0])
def test_a_list_of_headers_that_lies_elsewhere(options: int) -> None:
    bad = bytearray(concatenated(header(CUBIN, "80", 9)))
    bad[20:24] = options.to_bytes(4, "little")
    found = in_section(container(bytes(bad), cubin("100")))
    assert ("sass", "100", "") in codes(found)


def test_architectures_that_are_no_number_of_one() -> None:
    assert codes(in_section(container(cubin("0"), cubin("123456"), cubin("80")))) == [("sass", "80", "")]


def test_targets_are_bounded() -> None:
    many = [ptx("90", (major, minor)) for major in range(60) for minor in range(60)]
    found = in_section(container(*many))
    assert len(found.device_code) == TARGETS_MAX


def test_headers_are_bounded() -> None:
    found = in_section(container(*[header(CUBIN, "80", 0)] * (READS_MAX + 1)), container(cubin("90")))
    assert codes(found) == [("sass", "80", "")]
    assert found.damaged == f"more than {READS_MAX} fatbin headers"


def test_magic_in_code_is_not_searched() -> None:
    """Only data is: the segment of code holds no fatbins."""
    file = File(64, "<", 62, 3)
    file.segment(1, R, file.add(b"data"))
    file.segment(1, RX, file.add(container(cubin("80")), ".text"))
    assert facts(file.done()).device_code == ()


def test_the_builder_makes_what_fatbinary_makes() -> None:
    """The first bytes of a container and of an entry, as NVIDIA's fatbinary 13.5 writes them for PTX of sm_90."""
    data = container(ptx("90", (9, 5)))
    assert data[:8] == bytes.fromhex("50ed55ba01001000")
    assert data[16:24] == bytes.fromhex("0100010140000000")
    assert data[40:48] == bytes.fromhex("050009005a000000")
