"""Which specification NFD's own client would take: it checks neither signature nor subject.

node-feature-discovery v0.19.0, ``pkg/client-nfd/compat/artifact-client/client.go``: of the listed descriptors of the
type, the one with the latest ``created`` annotation *of the descriptor*; without a readable one it is the oldest, and
of equal ones the last listed is taken.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from compatbuild.registry.artifact import CREATED, SPEC, parse_created
from compatbuild.registry.descriptor import Descriptor

YEAR_ONE = datetime.min.replace(tzinfo=UTC)  # Go's zero time


def nfd_choice(listed: Sequence[Descriptor]) -> str:
    """Return the digest NFD would follow among the listed referrers of an image, empty when it would find none."""
    offered = [one for one in reversed(listed) if one.artifact_type == SPEC.artifact_type]
    newest = max(offered, key=lambda one: parse_created(one.annotations.get(CREATED, "")) or YEAR_ONE, default=None)
    return newest.digest if newest else ""
