"""NFD's own verdicts, by the program of ``tests/peers/nfdmatch``."""

import json
import subprocess
from collections.abc import Iterable
from typing import Any

from tests.peers import peer


def nfd_verdicts(cases: Iterable[tuple[bytes, dict[str, Any]]]) -> list[dict[str, Any]]:
    """Give NFD's answer to each pair of a specification's text and a features document; skips without the peer."""
    program = peer("nfdmatch")
    questions = [
        json.dumps({"id": str(at), "features": features, "spec_yaml": text.decode()})
        for at, (text, features) in enumerate(cases)
    ]
    done = subprocess.run([program], input="\n".join(questions).encode(), capture_output=True, check=True, timeout=120)
    return [json.loads(line) for line in done.stdout.splitlines()]
