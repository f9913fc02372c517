"""The operators of NFD expressions, by what they take (``pkg/apis/nfd/nodefeaturerule/expression.go``, v0.19.0)."""

from compatbuild.nfd.comparison import OPERATORS

ALL = OPERATORS - {""}
ONE_BOUND = frozenset({"Gt", "Ge", "Lt", "Le"})
TWO_BOUNDS = frozenset({"GtLt", "GeLe"})
ORDERING = ONE_BOUND | TWO_BOUNDS
"""The operators that read ``type``, and that abort the whole check when a value cannot be ordered."""

PRESENCE = frozenset({"Exists", "DoesNotExist"})
TRUTH = frozenset({"IsTrue", "IsFalse"})
LISTS = frozenset({"In", "NotIn", "InRegexp"})

ARITY: dict[str, tuple[int, int | None]] = {
    **dict.fromkeys(PRESENCE | TRUTH, (0, 0)),
    **dict.fromkeys(LISTS, (1, None)),
    **dict.fromkeys(ONE_BOUND, (1, 1)),
    **dict.fromkeys(TWO_BOUNDS, (2, 2)),
}
"""Fewest and most values an operator takes; None is any number."""
