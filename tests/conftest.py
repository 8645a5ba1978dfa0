"""One profile for all property tests: the same examples on every machine, and no deadline on a busy one."""

from hypothesis import settings

settings.register_profile("house", derandomize=True, deadline=None)
settings.load_profile("house")
