"""One comment on a pull request, written anew at each run: asked for, and never a reason to fail."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from compatbuild.ci.github.event import Event
from compatbuild.errors import CompatError, UsageError

TOKEN = "INPUT_GITHUB_TOKEN"  # noqa: S105 - the name of a variable
MAX_COMMENT = 65_000
"""Characters; GitHub takes 65,536."""
PAGES = 10
"""Of 100 comments that are looked through for ours."""
TIMEOUT = 20
"""Seconds for a call."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class CommentError(CompatError):
    """GitHub did not take a comment."""

    code = "comment"
    usual_remedy = "give the job `pull-requests: write`, and github-token: ${{ github.token }}; no fork has one"


def comment(markdown: str, mark: str, event: Event, environ: Mapping[str, str]) -> None:
    """Write a comment, or what ours says now; ``mark`` tells ours of several in one pull request apart.

    Raises CommentError when it cannot be written.
    """
    token = environ.get(TOKEN, "")
    if not (event.pull_request and event.repository and token):
        raise CommentError("there is no comment", why="this run is not of a pull request, or has no token")
    body = f"<!-- compatbuild: {mark} -->\n{markdown}"
    if len(body) > MAX_COMMENT:
        body = body[: body.rfind("\n", 0, MAX_COMMENT)] + "\n\nThe summary of the run has the rest.\n"
    api = _Api(environ.get("GITHUB_API_URL") or "https://api.github.com", token)
    place = f"/repos/{event.repository}/issues"
    if ours := _find(api, f"{place}/{event.pull_request}/comments", body.partition("\n")[0]):
        api.call("PATCH", f"{place}/comments/{ours}", {"body": body})
    else:
        api.call("POST", f"{place}/{event.pull_request}/comments", {"body": body})


def _find(api: "_Api", path: str, first: str) -> int:
    for page in range(1, PAGES + 1):
        found = api.call("GET", f"{path}?per_page=100&page={page}")
        for one in found if isinstance(found, list) else []:
            body, ident, user = (one.get(key) for key in ("body", "id", "user"))
            bot = isinstance(user, dict) and user.get("type") == "Bot"  # nobody else's is written over
            if bot and isinstance(body, str) and body.startswith(first) and isinstance(ident, int):
                return ident
        if not isinstance(found, list) or len(found) < 100:
            break
    return 0


class _Api:
    """GitHub's REST API, version 2022-11-28; the token is sent to the server of this run only."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in LOOPBACK:
            raise UsageError("GITHUB_API_URL is not https", why="a token is not sent in the clear", remedy="correct it")
        self._url, self._token = url.rstrip("/"), token

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send a request, and return what the answer's JSON says."""
        import requests  # noqa: PLC0415 - only who wants a comment needs it

        headers = {
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {self._token}",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            answer = requests.request(
                method, self._url + path, json=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            )
            if answer.status_code >= 300:
                raise CommentError("GitHub did not take the comment", why=f"{method} answered {answer.status_code}")
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise CommentError("GitHub did not answer", why=type(error).__name__) from error


def mark_of(environ: Mapping[str, str], directory: str) -> str:
    """Return what tells one comment of ours from another's: workflow, job and directory."""
    names = (environ.get("GITHUB_WORKFLOW", ""), environ.get("GITHUB_JOB", ""), directory)
    return "/".join("".join(char for char in name if char.isalnum() or char in "._/ ") for name in names)
