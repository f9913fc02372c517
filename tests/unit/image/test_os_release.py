"""os-release: quoting as in a shell, nothing run."""

import pytest

from compatbuild.image.os_release import MAX_KEYS, MAX_VALUE, parse_os_release


def test_a_real_file_is_read() -> None:
    content = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n\n# a comment\nVERSION_ID="12"\nHOME_URL=\'https://x/\'\n'
    assert parse_os_release(content) == {
        "PRETTY_NAME": "Debian GNU/Linux 12 (bookworm)",
        "ID": "debian",
        "VERSION_ID": "12",
        "HOME_URL": "https://x/",
    }


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain", "plain"),
        ('"a \\"quoted\\" word"', 'a "quoted" word'),
        ("'\\$as is'", "\\$as is"),
        ('"unfinished', "unfinished"),
        ('"ends" here', "ends"),
        ("'ends' here", "ends"),
        ("", ""),
        ('"$(reboot)"', "$(reboot)"),
        ("`reboot`", "`reboot`"),
        ('"back\\\\slash"', "back\\slash"),
    ],
)
def test_quotes_are_taken_off_and_expansions_stay_as_written(written: str, meant: str) -> None:
    assert parse_os_release(f"NAME={written}\r\n".encode()) == {"NAME": meant}


@pytest.mark.parametrize("line", ["", "no assignment", "1A=b", "A B=c", "=x", "export A=b"])
def test_other_lines_are_left_out(line: str) -> None:
    assert parse_os_release(line.encode()) == {}


def test_bytes_that_are_not_text_are_replaced() -> None:
    assert parse_os_release(b"ID=\xff") == {"ID": "�"}


def test_keys_and_values_are_bounded() -> None:
    found = parse_os_release(b"".join(b"K%d=%s\n" % (number, b"x" * 5000) for number in range(500)))
    assert len(found) == MAX_KEYS
    assert {len(value) for value in found.values()} == {MAX_VALUE}
