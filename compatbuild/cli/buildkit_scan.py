"""``compatbuild buildkit-scan``."""

import os

from compatbuild.cli import options
from compatbuild.cli.output import tell, write_file


def buildkit_scan(quiet: options.Quiet = False) -> None:
    """Tell BuildKit what an image under construction needs of its host, as an SPDX document.

    BuildKit runs this in a build with --sbom=generator=IMAGE, and says by BUILDKIT_SCAN_SOURCE, _SOURCE_EXTRAS and
    _DESTINATION what to read and where to write.

    [dim]Example: compatbuild buildkit-scan[/dim]
    """
    from compatbuild.ci.buildkit import scans

    for path, content in scans(os.environ, lambda line: tell(line, quiet=quiet)):
        write_file(path, content)
