"""What holds for all tests: a property is about what comes out, never about how long that took on a busy machine."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("compatbuild", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("compatbuild")
os.environ["COMPATBUILD_NO_CACHE"] = "1"
"""Also of the commands that tests start: each reads what it is given; tests of the cache say so."""
