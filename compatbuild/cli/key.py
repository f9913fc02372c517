"""``compatbuild key generate``."""

from pathlib import Path
from typing import Annotated

import typer

from compatbuild.cli.help import App
from compatbuild.cli.output import tell
from compatbuild.cli.password import ask_password

app = App(help="Keys to sign with.")


@app.callback()
def keys() -> None:
    """Keys to sign with."""


@app.command()
def generate(
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="PREFIX", help="Write PREFIX.key (private) and PREFIX.pub (public)."),
    ] = Path("cosign"),
) -> None:
    """Make a key pair as `cosign generate-key-pair` does; the private key is encrypted.

    Its password is COSIGN_PASSWORD, which may be empty, else it is asked for. Files that exist are never overwritten.

    [dim]Example: compatbuild key generate -o release[/dim]
    """
    from compatbuild.signing.keyfiles import write_pair

    secret = ask_password("Password for the private key", twice=True)
    pair = write_pair(output.with_name(f"{output.name}.key"), output.with_name(f"{output.name}.pub"), secret)
    tell(f"wrote {pair.private_path}, the private key: keep it secret")
    tell(f"wrote {pair.public_path}, the public key: give it to whoever verifies")
