"""Which commands of a script count as run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compatbuild.inference.shell import commands, unwrap


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("exec /usr/bin/app --flag", [("/usr/bin/app", "--flag")]),
        ("FOO=1 app", [("app",)]),
        ("env -i A=b app x", [("app", "x")]),
        ("cd /srv && exec python3 main.py", [("python3", "main.py")]),
        ('exec "$@"', [("$@",)]),
        ("if true; then server; fi", [("server",)]),
        ("$APP start", []),
        ("# app", []),
        ("tini -- app", [("app",)]),
        ("exec tini -g -- /app/run \\\n  --port 1", [("/app/run", "--port", "1")]),
        ('echo "open quotation', []),
    ],
)
def test_commands(script: str, expected: list[tuple[str, ...]]) -> None:
    assert list(commands(script)) == expected


def test_a_builtin_is_not_a_program() -> None:
    assert unwrap(["cd", "/x"]) == ()


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(script: str) -> None:
    assert all(words for words in commands(script))
