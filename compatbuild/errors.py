"""Every error this tool raises on purpose: one root, one subclass a room.

An error says what happened, why, and what to do next; the command line prints these three as three lines and ends
with the error's exit code (design §6). Anything else that reaches the user as a traceback is a bug.
"""

from typing import ClassVar


class CompatError(Exception):
    """Root of all errors of this tool.

    ``what`` is one line without a full stop that names the thing that failed, ``why`` the cause as precisely as it is
    known, ``remedy`` the next thing to do, by default what helps with most errors of the class. ``code`` is a stable
    word for programs, ``exit_code`` the process's.
    """

    code: ClassVar[str] = "error"
    exit_code: ClassVar[int] = 1
    usual_remedy: ClassVar[str] = ""

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.remedy = remedy or self.usual_remedy

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.remedy) if line)

    def as_json(self) -> dict[str, str | int]:
        """Return the object printed on stderr under ``-o json``."""
        return {
            "error": self.code,
            "what": self.what,
            "why": self.why,
            "remedy": self.remedy,
            "exit_code": self.exit_code,
        }


class UsageError(CompatError):
    """The call itself is wrong: an unknown prefix, two options that exclude each other, an ambiguous tag."""

    code = "usage"
    exit_code = 2
    usual_remedy = "see `compatbuild COMMAND --help`"


class NotFoundError(CompatError):
    """Nothing was found where something was asked for: no such file, image, tag or artifact."""

    code = "not-found"
    exit_code = 3
    usual_remedy = "check its name"


class ImageError(CompatError):
    """An image's bytes are not what they claim to be: truncated, wrong digest, malformed, over a limit."""

    code = "image"
    usual_remedy = "build or copy the image again"


class SourceError(CompatError):
    """A place images come from cannot be read: a daemon that does not answer, a file that is not an image."""

    code = "source"
    usual_remedy = "check what was named"


class RegistryError(CompatError):
    """A registry answered with an error or not at all."""

    code = "registry"
    usual_remedy = "ask whoever runs the registry, or try again later"


class AuthenticationError(RegistryError):
    """A registry refused the credentials, or wants some and there are none."""

    code = "authentication"


class ReferrersError(RegistryError):
    """A registry took an artifact but cannot list it as a referrer of its subject."""

    code = "referrers"
    exit_code = 14


class KnowledgeError(CompatError):
    """A row of the knowledge base breaks the rules of the loader (no source, unknown grade)."""

    code = "knowledge"


class SpecError(CompatError):
    """A specification, a requirement or a range is invalid."""

    code = "spec"
    exit_code = 12


class NothingRequiredError(SpecError):
    """There is no requirement, so there is no specification: an empty one would call every host compatible."""

    code = "nothing-required"


class TemplateError(CompatError):
    """A template does not render, or renders something that is not a requirements document."""

    code = "template"
    exit_code = 12


class SigningError(CompatError):
    """A key cannot be read, or a signature cannot be made."""

    code = "signing"


class FleetError(CompatError):
    """A source of a fleet, a record of a run or what runs it is not as it should be."""

    code = "fleet"


class VerificationError(CompatError):
    """A signature or a specification did not pass verification."""

    code = "verification"
    exit_code = 13
