"""Names of networks that are looked at without torch."""

from __future__ import annotations

DDPM = "ddpm"  # the generator of a model that explains others and inspects nothing
