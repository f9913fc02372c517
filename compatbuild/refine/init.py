"""Start a project: a template to edit and a settings file."""

from pathlib import Path

from compatbuild.errors import CompatError, UsageError
from compatbuild.refine.quoting import word
from compatbuild.refine.render import find_template
from compatbuild.refine.settings import SETTINGS_NAME
from compatbuild.version import SCHEMAS

SETTINGS_SCHEMA = "compatbuild-settings-v1.schema.json"
TEMPLATE_NAME = "compat.yaml.j2"

_SETTINGS = """\
# yaml-language-server: $schema={schema}
# Settings of compatbuild for this project; a flag or a COMPATBUILD_ variable overrides each.
{image}
template: {template}  # relative to this file

# platform: linux/amd64         # of an index, when not every platform is meant
# sign: key:cosign.key
# verify: {{key: cosign.pub}}
# registry: {{ca_file: ca.pem}}
"""


def init(directory: Path, template: str = "default", image: str | None = None, *, force: bool = False) -> list[Path]:
    """Write ``compat.yaml.j2``, a copy of a shipped template to edit, and ``.compatbuild.yaml``; return both paths.

    Raises UsageError, and writes nothing, when either is there already and ``force`` is not given.
    """
    source = find_template(template)
    targets = {
        directory / TEMPLATE_NAME: source.read_text(encoding="utf-8"),
        directory / SETTINGS_NAME: _SETTINGS.format(
            schema=f"{SCHEMAS}/{SETTINGS_SCHEMA}",
            image=f"image: {word(image)}" if image else "# image: registry.example/team/app:1.2",
            template=TEMPLATE_NAME,
        ),
    }
    existing = [path for path in targets if path.exists() or path.is_symlink()]
    if existing and not force:
        names = " and ".join(path.name for path in existing)
        several = len(existing) > 1
        raise UsageError(
            f"{names} {'are' if several else 'is'} there already",
            why=f"in {directory.absolute()}",
            remedy=f"edit {'them' if several else 'it'}, or overwrite {'both' if several else 'it'} with --force",
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path, text in targets.items():
            path.unlink(missing_ok=True)  # a symbolic link is replaced, never followed
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CompatError(
            f"cannot write into {directory}",
            why=error.strerror or str(error),
            remedy="name a directory that you may write to and that has room",
        ) from error
    return list(targets)
