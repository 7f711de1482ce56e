"""What all tests share: the same examples in every run, and threads that suit several runs."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    # Before anything imports torch: workers that compute with all cores each take turns.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // workers)))

# A failure that comes and goes helps nobody; new examples are for `--hypothesis-profile search`.
_SLOW_MACHINES = [HealthCheck.too_slow]
settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=60,
    suppress_health_check=_SLOW_MACHINES,
)
settings.register_profile(
    "search",
    deadline=None,
    max_examples=1000,
    print_blob=True,
    suppress_health_check=_SLOW_MACHINES,
)
settings.load_profile("repeatable")
