"""The password of a private key: from COSIGN_PASSWORD, else asked for, never from the command line."""

import os
import sys

import typer

from compatbuild.errors import UsageError

VARIABLE = "COSIGN_PASSWORD"


def ask_password(prompt: str, *, twice: bool = False) -> bytes:
    """Return the password, which may be empty; UsageError where the variable is not set and nobody can be asked."""
    told = os.environ.get(VARIABLE)
    if told is None and not (sys.stdin and sys.stdin.isatty()):
        raise UsageError(
            "the private key needs a password",
            why=f"{VARIABLE} is not set, and there is no terminal to ask at",
            remedy=f"set {VARIABLE}; it may be empty",
        )
    if told is None:
        told = typer.prompt(
            prompt, hide_input=True, confirmation_prompt=twice, default="", show_default=False, err=True
        )
    return told.encode()
