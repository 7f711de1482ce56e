"""Makes hypothesis try the same examples in every run, for the tests that import this.

A failure that comes and goes helps nobody. ``pytest --hypothesis-profile search`` looks for new
examples instead, many of them.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "search",
    deadline=None,
    max_examples=1000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)


def load() -> None:
    """Take the repeatable profile, unless the command line has asked for another."""
    if settings.get_current_profile_name() in {"default", "ci"}:
        settings.load_profile("repeatable")
