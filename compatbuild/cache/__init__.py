"""What was read once and need not be read again: blobs by kind and key, in a place that anybody may clear.

Nothing depends on what is here: an entry that is missing, damaged or in the way costs time and changes no result.
"""

from compatbuild.cache.cache import Cache
from compatbuild.cache.places import open_cache

__all__ = ["Cache", "open_cache"]
