"""What goes wrong when facts about a host are read."""

from compatbuild.errors import CompatError


class HostError(CompatError):
    """A host's facts cannot be had: no such profile, a file that is broken, too large or of another kind."""

    code = "host"
    exit_code = 2
