"""Settings of a node that forbid what its kernel can do."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from compatbuild.hosts.host import Policy
from compatbuild.hosts.kernel import BUILT, CONFIG, ENABLED, LOADED, facts

BLOCKED = "module {} is blocked"
SIG_ENFORCE, SIG_FORCE, LOCKDOWN = "module.sig_enforce=1", "CONFIG_MODULE_SIG_FORCE=y", "lockdown="
REFUSED = "the kernel loads only modules that are signed with a key it trusts"


@dataclass(frozen=True, slots=True)
class NodeSettings:
    """The settings of a node.

    ``sysctl`` by its dotted name, ``cmdline`` the boot arguments, ``blocked`` modules (with underscores) to what blocks
    them, ``lockdown`` as in /sys/kernel/security/lockdown, ``signatures`` whether unsigned modules are refused,
    ``distribution`` the ID of os-release, ``source`` and ``policy_source`` where the sysctls and the rest were read.
    """

    sysctl: Mapping[str, str] = field(default_factory=dict)
    cmdline: str = ""
    blocked: Mapping[str, str] = field(default_factory=dict)
    lockdown: str = ""
    signatures: bool = False
    distribution: str = ""
    source: str = ""
    policy_source: str = ""

    def remedy(self, what: str) -> str:
        """Say how this distribution changes a ``sysctl`` blocked ``modules`` or ``signatures``, if that is known."""
        return facts().remedies[what].get(self.distribution, "")


def policies(settings: NodeSettings, config: Mapping[str, str], supplied: Collection[str]) -> tuple[Policy, ...]:
    """Give what the settings forbid of what the kernel has.

    ``config`` holds the kernel's options, ``supplied`` the modules that the distribution delivers with its signature.
    """
    return (
        *_switched_off(settings, config),
        *_blocked(settings, config),
        *_unsigned(settings, config, supplied),
    )


def _switched_off(settings: NodeSettings, config: Mapping[str, str]) -> Iterator[Policy]:
    for rule in facts().settings:
        value = settings.sysctl.get(rule.sysctl, "")
        if value in rule.values and config.get(rule.option) in BUILT:
            shown = f"{rule.sysctl}={value}"
            yield Policy(CONFIG, rule.option, shown, rule.reason, settings.remedy("sysctl"), settings.source)


def _blocked(settings: NodeSettings, config: Mapping[str, str]) -> Iterator[Policy]:
    for module, reason in settings.blocked.items():
        options = [option for option in facts().options.get(module, ()) if config.get(option) == "m"]
        places = [(LOADED, module), (ENABLED, module), *((CONFIG, option) for option in options)]
        for feature, element in places:
            shown = BLOCKED.format(module)
            yield Policy(feature, element, shown, reason, settings.remedy("modules"), settings.policy_source)


def _unsigned(settings: NodeSettings, config: Mapping[str, str], supplied: Collection[str]) -> Iterator[Policy]:
    """Yield one policy for each well-known module that comes from elsewhere, where only signed modules are loaded."""
    if not (shown := _enforced(settings, config)):
        return
    source = settings.policy_source or settings.source
    for module in facts().out_of_tree:
        if module not in supplied and module.partition("_")[0] not in supplied:  # nvidia brings nvidia_uvm along
            for feature in (LOADED, ENABLED):
                yield Policy(feature, module, shown, REFUSED, settings.remedy("signatures"), source)


def _enforced(settings: NodeSettings, config: Mapping[str, str]) -> str:
    """Name the setting by which unsigned modules are refused; empty when none does."""
    if config.get("MODULE_SIG_FORCE") == "y":
        return SIG_FORCE
    if SIG_ENFORCE in settings.cmdline.split() or settings.signatures:
        return SIG_ENFORCE
    return f"{LOCKDOWN}{settings.lockdown}" if settings.lockdown in ("integrity", "confidentiality") else ""
