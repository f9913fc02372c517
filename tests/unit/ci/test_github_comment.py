"""The comment on a pull request, against a stand-in for GitHub's API: GitHub itself cannot be had in a test."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from compatbuild.ci.github.comment import CommentError, comment, mark_of
from compatbuild.ci.github.event import Event
from compatbuild.errors import UsageError

EVENT = Event("pull_request", "team/app", 7)


class GitHub(BaseHTTPRequestHandler):
    """Keeps comments, and refuses everybody but the bearer of the token."""

    comments: ClassVar[list[dict[str, Any]]] = []
    calls: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        page = int(self.path.rpartition("=")[2])
        self.answer(200, self.comments[(page - 1) * 100 : page * 100])

    def do_POST(self) -> None:
        self.comments.append({"id": len(self.comments) + 1, "user": {"type": "Bot"}} | self.body())
        self.answer(201, self.comments[-1])

    def do_PATCH(self) -> None:
        (found,) = (one for one in self.comments if self.path.endswith(f"/{one['id']}"))
        found.update(self.body())
        self.answer(200, found)

    def body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def answer(self, status: int, value: Any) -> None:
        self.calls.append(self.command)
        data = json.dumps(value).encode()
        self.send_response(status if self.headers["Authorization"] == "Bearer good" else 403)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def environ() -> Iterator[dict[str, str]]:
    GitHub.comments.clear()
    GitHub.calls.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), GitHub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}", "INPUT_GITHUB_TOKEN": "good"}
        server.shutdown()
        thread.join()


def test_there_is_one_comment_and_it_is_written_anew(environ: dict[str, str]) -> None:
    foreign: dict[str, Any] = {"id": 500, "body": "<!-- compatbuild: t/j/. -->\nmine", "user": {"type": "User"}}
    GitHub.comments.extend([foreign, *({"id": 1000 + n, "body": "x", "user": None} for n in range(150))])
    comment("first", "t/j/.", EVENT, environ)
    comment("second", "t/j/.", EVENT, environ)
    comment("of another directory", "t/j/b", EVENT, environ)
    assert [one["body"] for one in GitHub.comments[151:]] == [
        "<!-- compatbuild: t/j/. -->\nsecond",
        "<!-- compatbuild: t/j/b -->\nof another directory",
    ]
    assert foreign["body"].endswith("mine")


def test_a_long_one_is_cut(environ: dict[str, str]) -> None:
    comment("line\n" * 50_000, "m", EVENT, environ)
    assert len(GitHub.comments[0]["body"]) < 65_536


def test_a_refusal_says_which_permission(environ: dict[str, str]) -> None:
    with pytest.raises(CommentError, match="403") as refused:
        comment("x", "m", EVENT, environ | {"INPUT_GITHUB_TOKEN": "bad"})
    assert "pull-requests: write" in refused.value.remedy


@pytest.mark.parametrize("change", [{"INPUT_GITHUB_TOKEN": ""}, {"GITHUB_API_URL": "http://127.0.0.1:9"}])
def test_without_a_token_or_an_answer_there_is_no_comment(environ: dict[str, str], change: dict[str, str]) -> None:
    with pytest.raises(CommentError):
        comment("x", "m", EVENT, environ | change)
    with pytest.raises(CommentError):
        comment("x", "m", Event("push", "team/app"), environ)
    assert GitHub.calls == []


def test_a_token_is_not_sent_in_the_clear(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="https"):
        comment("x", "m", EVENT, environ | {"GITHUB_API_URL": "http://github.example"})


def test_a_mark_cannot_end_the_comment_it_stands_in() -> None:
    assert mark_of({"GITHUB_WORKFLOW": "a --> <b>", "GITHUB_JOB": "j"}, "a dir/x") == "a  b/j/a dir/x"
