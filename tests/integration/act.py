"""Workflows run by act in its self-hosted mode: the action of this tree, in a checkout of its own.

What a test looks at is act's JSON log: outputs, annotations, summaries and results of steps. Nothing of the caller's
environment is seen by a step, and every proxy leads nowhere: only loopback can be reached.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers import peer

ROOT = Path(__file__).parents[2]
ACTION = "compatbuild/compatbuild/github-action@v1"
CARRIED = ("compatbuild", "github-action", "schemas", "templates")
"""What of the repository an action needs."""
DEADLINE = 240.0
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens
PUSH: Mapping[str, Any] = {"ref": "refs/heads/main", "repository": {"full_name": "team/app"}}


def pull_request(head: str = "team/app", **fields: Any) -> dict[str, Any]:
    """Return the event of a pull request into team/app from a branch of a repository."""
    base = {"ref": "main", "sha": "b" * 40, "repo": {"full_name": "team/app"}}
    asked = {"number": 7, "head": {"ref": "change", "sha": "a" * 40, "repo": {"full_name": head}}, "base": base}
    return {"action": "opened", "number": 7, "pull_request": asked | fields, "repository": {"full_name": "team/app"}}


@dataclass(frozen=True)
class Step:
    """What one step of a workflow did: its result, outputs, annotations, summary and lines of log."""

    result: str
    outputs: Mapping[str, str]
    annotations: tuple[Mapping[str, str], ...]
    summary: str
    log: str


@dataclass
class Done:
    """How a workflow ended: act's exit code, each step by its id, and every command that a runner got."""

    code: int
    steps: dict[str, Step] = field(default_factory=dict)
    commands: set[str] = field(default_factory=set)
    raw: str = ""


@dataclass(frozen=True)
class Checkout:
    """A repository with a commit and an origin, and the action beside it."""

    work: Path
    home: Path
    action: Path

    def run(
        self,
        steps: str,
        event: Mapping[str, Any] = PUSH,
        *,
        name: str = "push",
        secrets: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Done:
        """Run one job of these steps (YAML, a list), after a checkout; USES and PYTHON are put in."""
        steps = steps.replace("USES", ACTION).replace("PYTHON", sys.executable)
        lines = "".join(f"      {line}\n" for line in steps.strip("\n").splitlines())
        workflow = self.work / ".github" / "workflows" / "t.yml"
        workflow.parent.mkdir(parents=True, exist_ok=True)
        workflow.write_text(
            "name: t\non: [push, pull_request]\npermissions: {}\njobs:\n  t:\n    runs-on: ubuntu-latest\n"
            f"    steps:\n      - uses: actions/checkout@v4\n{lines}"
        )
        self._commit()
        (self.home / "event.json").write_text(json.dumps(event))
        command: list[str | Path] = [
            peer("act"), name, "-W", ".github/workflows/t.yml", "-e", self.home / "event.json", "--json",
            "-P", "ubuntu-latest=-self-hosted", "--action-offline-mode", "--no-cache-server",
            "--local-repository", f"{ACTION.replace('/github-action', '')}={self.action}",
        ]  # fmt: skip
        for key, value in (secrets or {}).items():
            command += ["-s", f"{key}={value}"]
        for key, value in (environ or {}).items():
            command += ["--env", f"{key}={value}"]
        done = subprocess.run(
            command, cwd=self.work, env=self._environ(), capture_output=True, text=True, check=False, timeout=DEADLINE
        )
        return _read(done.returncode, done.stdout, done.stderr)

    def _environ(self) -> dict[str, str]:
        told = {"PATH": os.environ["PATH"], "HOME": str(self.home), "ACT_DISABLE_VERSION_CHECK": "1"}
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOWHERE)
        return told | proxies | {"no_proxy": "127.0.0.1", "NO_PROXY": "127.0.0.1"}

    def _commit(self) -> None:
        author = ("-c", "user.name=a", "-c", "user.email=a@example.org")
        for arguments in (["add", "--all"], [*author, "commit", "--quiet", "--allow-empty", "--message", "change"]):
            subprocess.run(["git", *arguments], cwd=self.work, env=self._environ(), check=True)


def copy_action(path: Path) -> Path:
    """Copy what the action needs of this tree, as a checkout of it would be, and return where it is."""
    for name in CARRIED:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, path / name, symlinks=True, ignore=ignored, dirs_exist_ok=True)
        else:
            shutil.copy(source, path / name)
    # act copies the action anew for each run: what is compiled here need not be compiled there.
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", path / "compatbuild"],
        check=True,
    )
    return path


def checkout(path: Path, action: Path) -> Checkout:
    """Make an empty repository below a directory."""
    made = Checkout(path / "work", path / "home", action)
    for directory in (made.work, made.home):
        directory.mkdir(parents=True)
    for arguments in (["init", "--quiet"], ["remote", "add", "origin", "https://github.com/team/app"]):
        subprocess.run(["git", *arguments], cwd=made.work, env=made._environ(), check=True)
    return made


def _read(code: int, out: str, err: str) -> Done:
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{")]
    done = Done(code, raw=out + err)
    by_step: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        done.commands.add(line.get("command", ""))
        if ident := (line.get("stepID") or [""])[0]:
            by_step.setdefault(ident, []).append(line)
    for ident, found in by_step.items():
        done.steps[ident] = Step(
            result=next((one["stepResult"] for one in reversed(found) if _outer(one) and "stepResult" in one), ""),
            outputs={one["name"]: one["arg"] for one in found if one.get("command") == "set-output" and _outer(one)},
            annotations=tuple(
                {**one["kvPairs"], "level": one["command"], "message": one["arg"].removesuffix("\n")}
                for one in found
                if one.get("command") in {"error", "warning", "notice"}
            ),
            summary=next((one["content"] for one in found if one.get("command") == "summary"), ""),
            log="".join(one["msg"] for one in found if one.get("raw_output")),
        )
    return done


def _outer(line: Mapping[str, Any]) -> bool:
    return len(line["stepID"]) == 1 and line.get("stage") == "Main"
