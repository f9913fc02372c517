"""What holds for all tests: a property is about what comes out, never about how long that took on a busy machine."""

from hypothesis import HealthCheck, settings

settings.register_profile("compatbuild", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("compatbuild")
