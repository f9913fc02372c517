"""Reports that were made before, by what they were made of: layers, config, limits and the code of this tool.

What a report says of where its image was read from, and of its base, is not kept: that is said anew each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points

from compatbuild.cache import Cache
from compatbuild.detectors import ENTRY_POINT_GROUP
from compatbuild.errors import UsageError
from compatbuild.image.layer_source import UnreadLayer
from compatbuild.image.limits import Limits
from compatbuild.model.report import Report, parse_report
from compatbuild.sources.image_source import ImageSource

_KIND = "reports"


@dataclass(frozen=True)
class ReportCache:
    """The reports in a cache, of images read within the same limits."""

    cache: Cache
    limits: Limits

    def read(self, image: ImageSource) -> Report | None:
        """Return the report on an image with this content, as it was on the image it was made of."""
        key = self._key(image)
        data = self.cache.read(_KIND, key) if key else None
        try:
            return parse_report(data, "a report of the cache") if data else None
        except UsageError:
            return None

    def write(self, image: ImageSource, report: Report) -> None:
        """Keep a report."""
        if key := self._key(image):
            self.cache.write(_KIND, key, report.model_dump_json(by_alias=True).encode())

    def _key(self, image: ImageSource) -> Sequence[str]:
        """Return all that a report depends on; nothing for an image of which not all can be named.

        A detector of somebody else's may depend on anything, so with one installed nothing is kept.
        """
        whole = all(layer.diff_id and not isinstance(layer, UnreadLayer) for layer in image.layers)
        if not whole or not (image.settled is None or image.image_id) or entry_points(group=ENTRY_POINT_GROUP):
            return ()
        return (image.image_id, repr(image.config), repr(self.limits), *(layer.diff_id for layer in image.layers))
