"""How the action signs: without a key where the job may have an identity, else with the key it was given."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from compatbuild.errors import UsageError

IDENTITY = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
"""Variables by which a job with ``id-token: write`` asks GitHub for its identity (docs.github.com, OpenID Connect)."""
KEY = "INPUT_SIGNING_KEY"


@contextmanager
def chosen(sign: str, environ: Mapping[str, str], settled: str | None, scratch: Path) -> Iterator[str | None]:
    """Give what ``--sign`` is to be, None for nothing, for the length of a block; a key is a file only that long.

    ``sign`` is the input, ``settled`` what variables or settings say. ``auto`` takes the first that there is: the key
    given as an input, what is settled, the identity of the job.
    """
    key = environ.get(KEY, "")
    if sign == "keyless":
        _require_identity(environ)
    elif sign == "key" and not key:
        raise UsageError(
            "there is no key to sign with",
            why="`sign` is key, and signing-key is empty: a run from a fork is given no secrets",
            remedy="give signing-key: ${{ secrets.… }}, or sign: key:FILE",
        )
    elif sign == "none" and settled:
        raise UsageError(
            "it is not clear whether to sign",
            why=f"`sign` is none, and COMPATBUILD_SIGN or .compatbuild.yaml says {settled.partition(':')[0]}",
            remedy="take it out of one of them",
        )
    elif sign == "auto":
        identity = "keyless" if has_identity(environ) else None
        sign = "key" if key else settled or identity or "none"
    if sign != "key":
        yield None if sign == "none" else sign
        return
    file = scratch / "signing.key"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(f"{key.strip()}\n")
        yield f"key:{file}"
    finally:
        file.unlink(missing_ok=True)


def has_identity(environ: Mapping[str, str]) -> bool:
    """Say whether the job may ask for an identity."""
    return all(environ.get(name) for name in IDENTITY)


def _require_identity(environ: Mapping[str, str]) -> None:
    if not has_identity(environ):
        raise UsageError(
            "the job has no identity to sign with",
            why="`sign` is keyless, and the job lacks the permission `id-token: write`",
            remedy="add `id-token: write` under `permissions:`; a run from a fork never has it",
        )
