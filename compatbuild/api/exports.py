"""Specifications as Kubernetes objects."""

from typing import TYPE_CHECKING

from compatbuild.api.checks import load_target
from compatbuild.api.reading import require_valid
from compatbuild.api.targets import DEFAULT_OPTIONS, Say
from compatbuild.registry.options import RegistryOptions

if TYPE_CHECKING:
    from compatbuild.exporting.export import Exported, Wish
    from compatbuild.signing.verify import Policy


def export(
    target: str,
    form: str,
    wish: "Wish | None" = None,
    *,
    platform: str | None = None,
    policy: "Policy | None" = None,
    options: RegistryOptions = DEFAULT_OPTIONS,
    say: Say | None = None,
) -> "Exported":
    """Return a specification as YAML for Kubernetes; ``target`` is as for ``load_target``.

    ``form`` is ``nodefeaturegroup``, ``nodefeaturerule``, ``affinity`` or ``job``; ``wish`` names the object. Errors:
    SpecError when the specification is not valid, as what NFD passes over would end as a rule without conditions.
    """
    from compatbuild.exporting.export import Wish
    from compatbuild.exporting.export import export as export_loaded

    loaded = load_target(target, (), platform=platform, policy=policy, options=options, say=say)
    require_valid(loaded.text, target)
    return export_loaded(loaded, form, wish or Wish())
