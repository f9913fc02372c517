"""What decides about a host, in words; the texts are as images and hosts have them, and not yet safe to show."""

from compatbuild.checking.verdicts import ExpressionVerdict, HostVerdict, NeedVerdict, RuleVerdict, SetVerdict

MAX_VALUES = 6  # of an expression that are shown to people
MAX_PATTERN = 40  # characters of a value that are shown to people


def decided(one: HostVerdict) -> tuple[str, str]:
    """Return what decides about a host, and how it does (empty for a compatible one)."""
    deciding = one.deciding
    if isinstance(deciding, ExpressionVerdict):
        return element(deciding), deciding.reason
    if isinstance(deciding, NeedVerdict):
        return deciding.wanted, deciding.reason
    if isinstance(deciding, RuleVerdict):
        return f"rule {deciding.name}", deciding.reason
    chosen = one.chosen
    if chosen is None:
        return "the specification asks for nothing", ""
    return (set_name(chosen) if len(one.sets) > 1 else ""), ""


def set_name(one: SetVerdict) -> str:
    """Return how people call a set: its tag and its weight, if it has them."""
    weight = f", weight {one.weight}" if one.weight else ""
    return f"set {one.tag or 'without a tag'}{weight}"


def element(row: ExpressionVerdict) -> str:
    """Return what an expression is about: the feature and the name, or the names it wants."""
    return f"{row.feature} {row.name or ', '.join(row.value[:MAX_VALUES])[:MAX_PATTERN]}".rstrip()
