"""Which specification NFD's own client would take: it checks neither signature nor subject.

node-feature-discovery v0.19.0, ``pkg/client-nfd/compat/artifact-client/client.go``: of the listed descriptors of the
type, the one with the latest ``created`` annotation *of the descriptor*; without a readable one it is the oldest, and
of equal ones the last listed is taken.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from compatbuild.registry.artifact import CREATED, SPEC, parse_created
from compatbuild.registry.descriptor import Descriptor

YEAR_ONE = datetime.min.replace(tzinfo=UTC)  # Go's zero time
# Go's time.RFC3339; our own reading of dates takes other forms of ISO 8601 as well
RFC3339 = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})")


def nfd_choice(listed: Sequence[Descriptor]) -> str:
    """Return the digest NFD would follow among the listed referrers of an image, empty when it would find none."""
    offered = [one for one in reversed(listed) if one.artifact_type == SPEC.artifact_type]
    newest = max(offered, key=_created, default=None)
    return newest.digest if newest else ""


def _created(listed: Descriptor) -> datetime:
    text = listed.annotations.get(CREATED, "")
    return (parse_created(text) if RFC3339.fullmatch(text) else None) or YEAR_ONE
