"""compatbuild: infer, refine, publish, sign and verify what a container image needs of its host.

The functions named here are the public surface; each is loaded when it is first used, so that importing the package
costs nothing.
"""

from typing import TYPE_CHECKING, Any

from compatbuild.version import __version__

if TYPE_CHECKING:
    from compatbuild.api import (
        attach,
        check,
        check_fleet,
        copy,
        detach,
        diff,
        diff_fleet,
        export,
        infer,
        infer_all,
        publish,
        pull,
        select,
        show,
        sign,
        validate,
        verify,
    )
    from compatbuild.errors import CompatError

__all__ = [
    "CompatError",
    "__version__",
    "attach",
    "check",
    "check_fleet",
    "copy",
    "detach",
    "diff",
    "diff_fleet",
    "export",
    "infer",
    "infer_all",
    "publish",
    "pull",
    "select",
    "show",
    "sign",
    "validate",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Load a name of the public surface on first use (PEP 562)."""
    if name == "CompatError":
        from compatbuild.errors import CompatError  # noqa: PLC0415 - see above

        return CompatError
    if name in __all__:
        from compatbuild import api  # noqa: PLC0415 - see above

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
