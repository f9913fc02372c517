"""Render an author's template: text out, data in, nothing else."""

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compatbuild.errors import CompatError, TemplateError
from compatbuild.refine.shipped import SHIPPED_PREFIX, shipped_directory, shipped_names
from compatbuild.validation.words import did_you_mean

if TYPE_CHECKING:
    from jinja2 import BaseLoader

MAX_TEMPLATE_BYTES = 64 * 1024
"""Of one template file; the longest that ships has 3 KiB."""

MAX_MESSAGE = 500
"""Characters kept of a message of jinja's, which may quote the data."""

_UNDEFINED = re.compile("'(.*)' is undefined")


def render(template: Path | str, context: Mapping[str, Any]) -> str:
    """Render a template and return the YAML it prints.

    ``template`` is a file, or the name of a shipped template (``default``). It may include and extend files of its own
    directory, and shipped ones as ``compatbuild/NAME.yaml.j2``; nothing else can be read. ``context`` is what
    ``compatbuild.refine.context.build_context`` returns. TemplateError names the file, the line and the variable.
    """
    from compatbuild.refine.sandbox import Sandbox  # noqa: PLC0415 - jinja2 costs start-up time

    path = find_template(template)
    sandbox = Sandbox(_loader(path.parent))
    try:
        return sandbox.parameters.fill(sandbox.get_template(path.name).render(context))
    except CompatError as error:
        raise TemplateError(f"{_where(error, path)}: {error.what}", why=error.why, remedy=error.remedy) from error
    except Exception as error:  # whatever an expression of a template raises is the template's error
        raise _failed(error, path, context) from error


def check(template: Path) -> None:
    """Compile a template and render nothing; TemplateError, caused by jinja's own, when it cannot be read."""
    from compatbuild.refine.sandbox import Sandbox  # noqa: PLC0415 - see render

    try:
        Sandbox(_loader(template.parent)).get_template(template.name)
    except TemplateError:
        raise
    except Exception as error:  # as in render
        raise _failed(error, template, {}) from error


def find_template(template: Path | str) -> Path:
    """Return the file of a template given as a path or by a shipped name."""
    if isinstance(template, str) and template in shipped_names():
        return shipped_directory() / f"{template}.yaml.j2"
    path = Path(template)
    if not path.is_file():
        names = shipped_names()
        raise TemplateError(
            f"there is no template {template}",
            why=f"it is neither a file nor a shipped template{did_you_mean(str(template), names)}",
            remedy=f"give a file, or one of {', '.join(names)}; `compatbuild init` writes one to start from",
        )
    return path


def _loader(directory: Path) -> "BaseLoader":
    from jinja2 import ChoiceLoader, FunctionLoader, PrefixLoader  # noqa: PLC0415 - see render

    return ChoiceLoader(
        [
            FunctionLoader(lambda name: _load(directory, name)),
            PrefixLoader({SHIPPED_PREFIX: FunctionLoader(lambda name: _load(shipped_directory(), name))}),
        ]
    )


def _load(directory: Path, name: str) -> tuple[str, str, None] | None:
    """Return a template's text and file, or None when the directory has none of that name."""
    root = directory.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise TemplateError(
            f"a template may not read {name}", why=f"it lies outside {directory}", remedy="move it beside the template"
        )
    if not path.is_file():
        return None
    with path.open("rb") as file:
        data = file.read(MAX_TEMPLATE_BYTES + 1)
    if len(data) > MAX_TEMPLATE_BYTES:
        raise TemplateError(
            f"{name} is too large", why=f"a template has at most {MAX_TEMPLATE_BYTES} bytes", remedy="split it"
        )
    try:
        return data.decode("utf-8"), str(path), None
    except UnicodeDecodeError as error:
        raise TemplateError(f"{name} is not UTF-8 text", why=str(error), remedy="save it as UTF-8") from error


def _failed(error: Exception, path: Path, context: Mapping[str, Any]) -> TemplateError:
    """Return an error of jinja's, or of an expression, with the file and line it came from."""
    from jinja2 import TemplateNotFound  # noqa: PLC0415 - see render

    message, remedy = str(error) or type(error).__name__, "correct the template; docs/refine.md explains it"
    if isinstance(error, TemplateNotFound):
        message = f"there is no template {error.name}"
        remedy = f"put it beside {path.name}, or name a shipped one: {SHIPPED_PREFIX}/default.yaml.j2"
    elif isinstance(error, RecursionError):
        message = "it nests too deeply, or includes itself"
    elif found := _UNDEFINED.fullmatch(message):
        message += did_you_mean(found[1], context)
        remedy = f"the template knows {', '.join(sorted(context))}; test optional ones with `is defined`"
    return TemplateError(f"{_where(error, path)}: {message[:MAX_MESSAGE]}", remedy=remedy)


def _where(error: BaseException, path: Path) -> str:
    """Return file and line, as far as known: jinja puts its templates into the traceback like any source file."""
    if line := getattr(error, "lineno", None):
        return f"{Path(getattr(error, 'filename', None) or path).name}, line {line}"
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.endswith(".py") and Path(frame.filename).is_file()
    ]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else path.name
